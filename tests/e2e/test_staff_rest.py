"""What each role may do with whose data over REST, for every route (bank §2.2, §3.2).

A test that fails on a release whose staff moves customers' money. The GraphQL operations are in
`tests/security/test_other_peoples_money.py`.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

import pytest

from rest_compat.routes import ROUTES

if TYPE_CHECKING:
    from collections.abc import Callable

    from tests.e2e.platform import Person, Platform

pytestmark = pytest.mark.xdist_group("bank")

Target = dict[str, Any]
Request = tuple[str, str, dict[str, Any] | None]
MONEY: Final = {"amount": "1.00", "currency": "EUR"}

# Route -> the request about a target, and the statuses for the owner, for others' data as a customer and as staff.
READ: Final = (200, 404, 200)
OWNER: Final = (201, 404, 403)
TABLE: Final[dict[str, list[tuple[Callable[[Target], Request], tuple[int, int, int]]]]] = {
    "GET /api/accounts/:id": [(lambda t: ("GET", f"/api/accounts/{t['id']}", None), READ)],
    "GET /api/accounts/:id/balance": [(lambda t: ("GET", f"/api/accounts/{t['id']}/balance", None), READ)],
    "GET /api/accounts/:id/statement": [(lambda t: ("GET", f"/api/accounts/{t['id']}/statement", None), READ)],
    "GET /api/transactions/:id": [(lambda t: ("GET", f"/api/transactions/{t['order']}", None), READ)],
    "PUT /api/accounts/:id": [
        (lambda t: ("PUT", f"/api/accounts/{t['id']}", {"type": "SAVINGS"}), (200, 404, 403)),
        (lambda t: ("PUT", f"/api/accounts/{t['id']}", {"status": "FROZEN"}), (403, 403, 200)),
    ],
    "DELETE /api/accounts/:id": [(lambda t: ("DELETE", f"/api/accounts/{t['empty']}", None), (204, 404, 403))],
    "POST /api/transactions": [
        (
            lambda t: ("POST", "/api/transactions", {"type": "DEPOSIT", "destinationAccountId": t["id"], **MONEY}),
            OWNER,
        ),
        (lambda t: ("POST", "/api/transactions", {"type": "WITHDRAWAL", "sourceAccountId": t["id"], **MONEY}), OWNER),
        (
            lambda t: (
                "POST",
                "/api/transactions",
                {"type": "PAYMENT", "sourceAccountId": t["id"], "payee": "Me", **MONEY},
            ),
            OWNER,
        ),
    ],
    "POST /api/transactions/transfer": [
        (
            lambda t: (
                "POST",
                "/api/transactions/transfer",
                {"sourceAccountId": t["id"], "destinationAccountId": t["third"], **MONEY},
            ),
            OWNER,
        )
    ],
}
# Lists show their items by the same rule; the list of an account is empty for those who may not see it.
LISTS: Final = {
    "GET /api/accounts": ("/api/accounts", "id"),
    "GET /api/transactions": ("/api/transactions", "order"),
    "GET /api/transactions/account/:accountId": ("/api/transactions/account/{id}", "order"),
}
# They name nobody's data: what they do is done for the caller.
WITHOUT_DATA: Final = {
    "POST /api/auth/register",
    "POST /api/auth/login",
    "POST /api/auth/refresh",
    "DELETE /api/auth/logout",
    "GET /api/auth/me",
    "POST /api/accounts",
}


def target_of(bank: Platform, owner: Person) -> Target:
    account = bank.open_account(owner, deposit="50.00")
    orders = bank.call("GET", f"/api/transactions/account/{account['id']}", owner)
    third = bank.open_account(bank.register())
    return {
        "id": account["id"],
        "empty": bank.open_account(owner)["id"],
        "order": orders["data"][0]["id"],
        "third": third["id"],
    }


def status(bank: Platform, person: Person, request: Request) -> int:
    method, path, body = request
    return bank.client.request(method, bank.rest_url + path, headers=person.headers, json=body).status_code


def shows(bank: Platform, person: Person, path: str, wanted: str) -> bool:
    """Whether a page of the list has the item."""
    cursor: str | None = ""
    while cursor is not None:
        response = bank.client.get(
            f"{bank.rest_url}{path}?limit=100{cursor and f'&cursor={cursor}'}", headers=person.headers
        )
        if response.status_code != 200:
            return False
        page = response.json()
        if wanted in {item["id"] for item in page["data"]}:
            return True
        cursor = page["pagination"]["nextCursor"]
    return False


def test_every_route_is_in_the_table() -> None:
    assert {f"{route.method} {route.path}" for route in ROUTES} == set(TABLE) | set(LISTS) | WITHOUT_DATA


@pytest.mark.parametrize("roles", [(), ("SUPPORT",), ("ADMIN",)], ids=["customer", "support", "admin"])
def test_each_role_does_only_what_the_table_allows(bank: Platform, roles: tuple[str, ...]) -> None:
    actor, stranger = bank.register_staff(*roles), bank.register()
    for route, cells in TABLE.items():
        for request, (own, as_customer, as_staff) in cells:
            assert status(bank, actor, request(target_of(bank, actor))) == own, (route, "own")
            others = target_of(bank, stranger)
            assert status(bank, actor, request(others)) == (as_staff if roles else as_customer), (route, "others")
            balance = bank.call("GET", f"/api/accounts/{others['id']}/balance", stranger)
            assert balance["balance"] == "50.00", route
    for route, (path, wanted) in LISTS.items():
        mine, others = target_of(bank, actor), target_of(bank, stranger)
        assert shows(bank, actor, path.format(**mine), mine[wanted]), route
        assert shows(bank, actor, path.format(**others), others[wanted]) is bool(roles), route
