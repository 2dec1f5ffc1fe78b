"""The fields of the staff, through the router, which refuses them by `@requiresScopes` and the roles of the token."""

from __future__ import annotations

import uuid
from typing import TYPE_CHECKING, Any

import pytest

if TYPE_CHECKING:
    from tests.e2e.platform import Person, Platform

pytestmark = pytest.mark.xdist_group("bank")

HELD = "{ heldTransactions { nodes { id } } }"
REJECT = 'mutation { rejectTransaction(id: "000000000000000000000000") { __typename } }'
REVERSE = """mutation { reverseTransaction(input: {transactionId: "000000000000000000000000", idempotencyKey: "k"}) {
  __typename } }"""


def ask(bank: Platform, query: str, person: Person | None) -> tuple[Any, str | None, int]:
    """Return the data, the code of the only error, and the number of the router's fetches."""
    request_id = f"req_{uuid.uuid4().hex}"
    body = bank.graphql(query, person, request_id=request_id)
    ((_, line),) = bank.wait_for_access_lines(request_id, at_least=1, of={"router"})
    errors = body.get("errors", [])
    return body.get("data"), errors[0]["extensions"]["code"] if errors else None, line["fetches"]


@pytest.mark.parametrize("query", [HELD, REJECT, REVERSE], ids=["query", "reject", "reverse"])
def test_who_is_not_staff_is_refused_before_anything_is_fetched(bank: Platform, query: str) -> None:
    for person, code in ((None, "UNAUTHENTICATED"), (bank.register(), "FORBIDDEN")):
        data, found, fetches = ask(bank, query, person)
        assert (found, fetches) == (code, 0)
        assert data in (None, {"heldTransactions": None})


@pytest.mark.parametrize("role", ["SUPPORT", "ADMIN"])
def test_staff_are_served(bank: Platform, role: str) -> None:
    staff = bank.register_staff(role)
    data, code, _ = ask(bank, HELD, staff)
    assert (code, data["heldTransactions"]["nodes"] is not None) == (None, True)
    for query, field in ((REJECT, "rejectTransaction"), (REVERSE, "reverseTransaction")):
        assert ask(bank, query, staff)[:2] == ({field: {"__typename": "InvalidTransaction"}}, None)


def test_an_ended_session_is_refused_by_the_service(bank: Platform) -> None:
    """The token is still valid for the router; only the services know that its session has ended."""
    staff = bank.register_staff("SUPPORT")
    bank.call("DELETE", "/api/auth/logout", staff)
    assert ask(bank, HELD, staff)[:2] == ({"heldTransactions": None}, "UNAUTHENTICATED")
