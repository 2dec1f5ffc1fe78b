"""Holds through the internal API (bank §2.15).

Covers `subgraphs/account/internal_requests.py`.
"""

from __future__ import annotations

from datetime import timedelta
from typing import TYPE_CHECKING, Any

import pytest

from bank import values
from bank.values import format_timestamp, new_object_id, parse_timestamp
from tests.subgraphs.account.conftest import deposit_body
from tests.subgraphs.account.test_internal_api import transfer_body

if TYPE_CHECKING:
    from tests.subgraphs.account.conftest import Service

BALANCE = "query ($id: ID!) { account(id: $id) { balance held available version } }"


@pytest.fixture
async def order(service: Service) -> dict[str, Any]:
    """A transfer of 6.00 from an account that has 10.00."""
    source, destination = await service.open(service.ann), await service.open(service.bob)
    await service.deposit(service.ann, source["id"], "10.00")
    return transfer_body(service.ann, source["id"], destination["id"], "6.00")


async def sent(service: Service, path: str, body: dict[str, Any], status: int = 200) -> Any:
    response = await service.internal(path, body)
    assert response.status_code == status, response.text
    return response.json()


async def amounts(service: Service, order: dict[str, Any]) -> tuple[str, str, str]:
    source = order["entries"][0]["account"]["accountId"]
    account = (await service.as_(service.ann).execute(BALANCE, {"id": source})).ok()["account"]
    return account["balance"], account["held"], account["available"]


async def test_a_hold_is_captured(service: Service, order: dict[str, Any]) -> None:
    hold = await sent(service, "holds", order)
    assert hold.keys() == {"outcome", "heldAt", "expiresAt"}
    assert hold["outcome"] == "HELD"
    lifetime = parse_timestamp(hold["expiresAt"]) - parse_timestamp(hold["heldAt"])
    assert timedelta(days=6) < lifetime <= timedelta(days=7)
    assert await sent(service, "holds", order) == hold
    assert await amounts(service, order) == ("10.00", "6.00", "4.00")
    key = {"transactionId": order["transactionId"]}
    outcome = await sent(service, "holds/capture", key)
    assert outcome.keys() == {"outcome", "postedAt"}
    for path, body in (("holds/capture", key), ("postings", order), ("holds", order)):
        assert await sent(service, path, body) == outcome
    assert (await sent(service, "holds/release", key))["outcome"] == "CAPTURED"
    assert await amounts(service, order) == ("4.00", "0.00", "4.00")


async def test_a_part_is_captured(service: Service, order: dict[str, Any]) -> None:
    await sent(service, "holds", order)
    key = {"transactionId": order["transactionId"]}
    refusal = await sent(service, "holds/capture", {**key, "amount": "6.01"}, 400)
    assert refusal["error"]["details"]["fields"][0]["path"] == ["amount"]
    assert (await sent(service, "holds/capture", {**key, "amount": "1.00"}))["outcome"] == "POSTED"
    assert (await sent(service, "holds/capture", key, 409))["error"]["code"] == "TRANSACTION_ID_REUSED"
    assert await amounts(service, order) == ("9.00", "0.00", "9.00")


async def test_a_released_hold_refuses_its_order(service: Service, order: dict[str, Any]) -> None:
    await sent(service, "holds", order)
    key = {"transactionId": order["transactionId"]}
    released = await sent(service, "holds/release", key)
    assert released["outcome"] == "RELEASED"
    assert await sent(service, "holds/release", key) == released
    for path, body in (("holds/capture", key), ("postings", order), ("holds", order)):
        refusal = await sent(service, path, body)
        assert (refusal["outcome"], refusal["problem"]["code"]) == ("REFUSED", "HOLD_RELEASED")


async def test_an_expired_hold_ends_by_itself(service: Service, order: dict[str, Any]) -> None:
    soon = values.now() + timedelta(milliseconds=20)
    await sent(service, "holds", {**order, "expiresAt": format_timestamp(soon)})
    while values.now() < soon:
        await amounts(service, order)
    refusal = await sent(service, "holds/capture", {"transactionId": order["transactionId"]})
    assert refusal["problem"]["code"] == "HOLD_EXPIRED"
    assert await amounts(service, order) == ("10.00", "0.00", "10.00")


async def test_a_hold_ends_after_a_month_at_the_latest(service: Service, order: dict[str, Any]) -> None:
    late = format_timestamp(values.now() + timedelta(days=400))
    hold = await sent(service, "holds", {**order, "expiresAt": late})
    lifetime = parse_timestamp(hold["expiresAt"]) - parse_timestamp(hold["heldAt"])
    assert timedelta(days=30) < lifetime <= timedelta(days=31)


async def test_a_refused_hold_is_a_refused_posting(service: Service, order: dict[str, Any]) -> None:
    large = {**order, "amount": "10.01", "transactionId": new_object_id()}
    large["entries"] = [{**e, "amount": e["amount"].replace("6.00", "10.01")} for e in order["entries"]]
    refusal = await sent(service, "holds", large)
    assert (refusal["outcome"], refusal["problem"]["code"]) == ("REFUSED", "INSUFFICIENT_FUNDS")
    assert await sent(service, "postings", large) == refusal


async def test_an_unknown_hold_is_not_found(service: Service) -> None:
    for path in ("holds/capture", "holds/release"):
        refusal = await sent(service, path, {"transactionId": new_object_id()}, 404)
        assert refusal["error"]["code"] == "HOLD_NOT_FOUND"


@pytest.mark.parametrize(
    ("path", "body"),
    [
        ("holds/capture", {}),
        ("holds/capture", {"transactionId": "x" * 24}),
        ("holds/capture", {"transactionId": "0" * 24, "amount": "-1.00"}),
        ("holds/capture", {"transactionId": "0" * 24, "amount": 1.0}),
        ("holds/release", {"transactionId": "0" * 24, "amount": "1.00"}),
        ("holds/release", {"transactionId": 7}),
    ],
)
async def test_malformed_bodies_are_refused(service: Service, path: str, body: dict[str, Any]) -> None:
    assert (await sent(service, path, body, 400))["error"]["code"] == "BAD_USER_INPUT"


async def test_a_deposit_and_a_wrong_time_cannot_be_held(service: Service, order: dict[str, Any]) -> None:
    account = order["entries"][0]["account"]["accountId"]
    await sent(service, "holds", deposit_body(service.ann, account, "1.00"), 400)
    for moment in ("tomorrow", 7, ""):
        await sent(service, "holds", {**order, "expiresAt": moment}, 400)


@pytest.mark.parametrize("path", ["holds", "holds/capture", "holds/release"])
async def test_only_the_service_credential_is_accepted(service: Service, order: dict[str, Any], path: str) -> None:
    response = await service.internal(path, order, authorization=f"Bearer {service.staff.token}")
    assert response.status_code == 401
