"""Held, blocked and reviewed orders through GraphQL, with real fraud rules.

Covers `subgraphs/transaction/graphql_review.py` and `subgraphs/transaction/graphql_fraud.py`.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

from bank.identity import ADMIN
from bank.values import new_object_id
from servicekit.errors import ConfigurationError
from tests.subgraphs.bank import Bank, open_bank
from tests.subgraphs.support import GraphQLClient

if TYPE_CHECKING:
    from collections.abc import AsyncIterator
    from pathlib import Path

    from tests.subgraphs.bank import Person

RULES = """version: test
thresholds: {step_up: 40, hold: 65, block: 90}
when_unavailable: {hold_above: {default: 1000}}
rules:
  - {name: large, kind: large_amount, at_least: 50, score: 70, types: [TRANSFER]}
  - {name: too-large, kind: large_amount, at_least: 500, score: 30, types: [TRANSFER]}
"""
DETAILS = """id status problem { code } history { status by { id } } approvals { by { id } }
  fraudDecision { action score rulesVersion unavailable
    reasons { rule kind score action shadow observed { name value } } }"""
GET = f"query ($id: ID!) {{ transaction(id: $id) {{ {DETAILS} }} }}"
MONEY = "query ($id: ID!) { account(id: $id) { balance held available } }"
QUEUE = "{ heldTransactions(first: 10) { totalCount nodes { id } } }"


def review(name: str) -> str:
    return f"""mutation ($id: ID!) {{ {name}(id: $id) {{ __typename ... on Problem {{ code }}
      ... on TransactionNotHeld {{ transaction {{ status }} }}
      ... on ReviewSuccess {{ approvals approvalsNeeded transaction {{ id status }} }} }} }}"""


@pytest.fixture
async def bank(tmp_path: Path) -> AsyncIterator[Bank]:
    rules = tmp_path / "rules.yaml"
    rules.write_text(RULES, encoding="utf-8")
    async with open_bank(tmp_path, FRAUD_RULES=str(rules), REVIEW_FOUR_EYES_ABOVE="100") as bank:
        yield bank


class Scene:
    """Ann has 1000.00 and wants to pay Bob."""

    def __init__(self, bank: Bank, ann: dict[str, Any], bob: dict[str, Any]) -> None:
        self.bank, self.ann, self.bob = bank, ann, bob

    @classmethod
    async def of(cls, bank: Bank) -> Scene:
        return cls(bank, await bank.open(bank.ann, "1000.00"), await bank.open(bank.bob))

    async def pay(self, amount: str, **given: str) -> Any:
        sides = {"sourceAccountId": self.ann["id"], "destinationAccountId": self.bob["id"]}
        return await self.bank.order(self.bank.ann, "transfer", amount=amount, **sides, **given)

    async def held(self, amount: str, **given: str) -> str:
        transaction = (await self.pay(amount, **given))["transaction"]
        assert transaction["status"] == "HELD"
        held: str = transaction["id"]
        return held

    async def review(self, person: Person, name: str, transaction_id: str) -> Any:
        return (await self.bank.as_(person).execute(review(name), {"id": transaction_id})).ok()[name]

    async def seen(self, person: Person, transaction_id: str) -> Any:
        return (await self.bank.as_(person).execute(GET, {"id": transaction_id})).ok()["transaction"]

    async def money(self) -> tuple[str, str, str]:
        """Ann's balance, held and available money."""
        client = GraphQLClient(self.bank.accounts, self.bank.ann.token)
        account = (await client.execute(MONEY, {"id": self.ann["id"]})).ok()["account"]
        return account["balance"], account["held"], account["available"]

    async def balances(self) -> tuple[str, str]:
        bank = self.bank
        return await bank.balance(bank.ann, self.ann), await bank.balance(bank.bob, self.bob)


async def test_a_held_order_waits_until_a_reviewer_approves(bank: Bank) -> None:
    scene = await Scene.of(bank)
    held = await scene.held("60.00", idempotencyKey="held")
    assert await scene.balances() == ("1000.00", "0.00")
    assert (await bank.as_(bank.staff).execute(QUEUE)).ok()["heldTransactions"] == {
        "totalCount": 1,
        "nodes": [{"id": held}],
    }
    again = await scene.pay("60.00", idempotencyKey="held")
    assert (again["replayed"], again["transaction"]["status"]) == (True, "HELD")

    result = await scene.review(bank.staff, "approveTransaction", held)
    assert (result["approvals"], result["approvalsNeeded"], result["transaction"]["status"]) == (1, 1, "COMPLETED")
    assert await scene.balances() == ("940.00", "60.00")
    assert (await bank.as_(bank.staff).execute(QUEUE)).ok()["heldTransactions"]["totalCount"] == 0

    late = await scene.review(bank.staff, "rejectTransaction", held)
    assert (late["code"], late["transaction"]["status"]) == ("TRANSACTION_NOT_HELD", "COMPLETED")
    by_staff = await scene.seen(bank.staff, held)
    assert [(each["status"], each["by"]) for each in by_staff["history"]] == [
        ("PENDING", None),
        ("HELD", None),
        ("PENDING", {"id": bank.staff.id}),
        ("COMPLETED", None),
    ]
    assert by_staff["approvals"] == [{"by": {"id": bank.staff.id}}]
    assert by_staff["fraudDecision"] == {
        "action": "HOLD",
        "score": 70,
        "rulesVersion": by_staff["fraudDecision"]["rulesVersion"],
        "unavailable": None,
        "reasons": by_staff["fraudDecision"]["reasons"],
    }
    (reason,) = by_staff["fraudDecision"]["reasons"]
    assert (reason["rule"], reason["kind"], reason["score"], reason["shadow"]) == ("large", "large_amount", 70, False)


async def test_the_customer_sees_neither_decision_nor_reviewer(bank: Bank) -> None:
    scene = await Scene.of(bank)
    held = await scene.held("60.00")
    await scene.review(bank.staff, "approveTransaction", held)
    by_ann, by_bob = await scene.seen(bank.ann, held), await scene.seen(bank.bob, held)
    assert [each["by"] for each in by_ann["history"]] == [None] * 4
    assert (by_ann["fraudDecision"], by_ann["approvals"]) == (None, None)
    assert (by_bob["fraudDecision"], by_bob["approvals"], by_bob["history"]) == (None, None, None)


async def test_above_the_limit_two_persons_must_approve(bank: Bank) -> None:
    scene, admin = await Scene.of(bank), bank.person(ADMIN)
    held = await scene.held("100.01")
    for _ in range(2):
        first = await scene.review(bank.staff, "approveTransaction", held)
        assert (first["approvals"], first["approvalsNeeded"], first["transaction"]["status"]) == (1, 2, "HELD")
    assert await scene.balances() == ("1000.00", "0.00")
    second = await scene.review(admin, "approveTransaction", held)
    assert (second["approvals"], second["transaction"]["status"]) == (2, "COMPLETED")
    assert await scene.balances() == ("899.99", "100.01")


async def test_a_rejected_order_fails_without_a_reason(bank: Bank) -> None:
    scene = await Scene.of(bank)
    held = await scene.held("60.00", idempotencyKey="rejected")
    result = await scene.review(bank.staff, "rejectTransaction", held)
    assert result["transaction"]["status"] == "FAILED"
    assert (await scene.pay("60.00", idempotencyKey="rejected"))["code"] == "ORDER_REFUSED"
    assert (await scene.seen(bank.ann, held))["problem"] == {"code": "ORDER_REFUSED"}
    assert await scene.balances() == ("1000.00", "0.00")


async def test_a_blocked_order_fails_at_once(bank: Bank) -> None:
    scene = await Scene.of(bank)
    assert (await scene.pay("600.00"))["code"] == "ORDER_REFUSED"
    assert await scene.balances() == ("1000.00", "0.00")
    assert bank.transport.calls.count("/internal/postings") == 1  # the deposit of 1000.00


async def test_the_money_of_a_held_order_is_reserved(bank: Bank) -> None:
    scene = await Scene.of(bank)
    held = [await scene.held("90.00"), *[await scene.held("80.00") for _ in range(11)]]
    assert await scene.money() == ("1000.00", "970.00", "30.00")
    assert (await scene.pay("80.00"))["code"] == "INSUFFICIENT_FUNDS"
    assert (await scene.pay("31.00"))["available"] == "30.00"
    rejected, *others = held
    await scene.review(bank.staff, "rejectTransaction", rejected)
    assert await scene.money() == ("1000.00", "880.00", "120.00")
    for each in others:
        await scene.review(bank.staff, "approveTransaction", each)
    assert await scene.money() == ("120.00", "0.00", "120.00")
    assert await scene.balances() == ("120.00", "880.00")


async def test_a_rejection_survives_an_outage_of_the_ledger(bank: Bank) -> None:
    scene = await Scene.of(bank)
    held = await scene.held("60.00")
    bank.transport.lose_requests = ["/internal/holds/release"]
    result = await scene.review(bank.staff, "rejectTransaction", held)
    assert result["transaction"]["status"] == "PENDING"
    assert (await scene.review(bank.staff, "approveTransaction", held))["code"] == "TRANSACTION_NOT_HELD"
    async with bank.another_transaction_service():
        seen = await scene.seen(bank.staff, held)
    assert (seen["status"], seen["problem"]["code"]) == ("FAILED", "ORDER_REFUSED")
    assert [each["status"] for each in seen["history"]] == ["PENDING", "HELD", "PENDING", "FAILED"]
    assert await scene.money() == ("1000.00", "0.00", "1000.00")


async def test_an_order_is_held_only_when_its_money_is_reserved(bank: Bank) -> None:
    scene = await Scene.of(bank)
    bank.transport.lose_responses = ["/internal/holds"]
    pending = (await scene.pay("60.00"))["transaction"]
    assert pending["status"] == "PENDING"
    async with bank.another_transaction_service():
        assert (await scene.seen(bank.staff, pending["id"]))["status"] == "HELD"
    assert await scene.money() == ("1000.00", "60.00", "940.00")


async def test_only_staff_review_and_never_what_does_not_exist(bank: Bank) -> None:
    scene = await Scene.of(bank)
    held = await scene.held("60.00")
    for name in ("approveTransaction", "rejectTransaction"):
        response = await bank.as_(bank.ann).execute(review(name), {"id": held})
        assert response.codes == ["FORBIDDEN"]
        assert (await bank.as_(None).execute(review(name), {"id": held})).codes == ["UNAUTHENTICATED"]
        for unknown in (new_object_id(), "nonsense"):
            assert (await scene.review(bank.staff, name, unknown))["code"] == "INVALID_TRANSACTION"
    assert (await bank.as_(bank.ann).execute(QUEUE)).codes == ["FORBIDDEN"]


async def test_an_approval_survives_an_outage_of_the_ledger(bank: Bank) -> None:
    scene = await Scene.of(bank)
    held = await scene.held("60.00")
    bank.transport.lose_responses = ["/internal/postings"]
    result = await scene.review(bank.staff, "approveTransaction", held)
    assert result["transaction"]["status"] == "PENDING"
    async with bank.another_transaction_service():
        assert (await scene.seen(bank.staff, held))["status"] == "COMPLETED"
    assert await scene.balances() == ("940.00", "60.00")


async def test_rules_that_cannot_be_used_stop_the_start(tmp_path: Path) -> None:
    rules = tmp_path / "rules.yaml"
    rules.write_text("version: 1\nrules: [{kind: nonsense}]\n", encoding="utf-8")
    with pytest.raises(ConfigurationError, match="FRAUD_RULES"):
        async with open_bank(tmp_path, FRAUD_RULES=str(rules)):
            pass
