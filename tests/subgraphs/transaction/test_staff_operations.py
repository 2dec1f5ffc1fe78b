"""Staff review orders and reverse transactions: what the audit log has, also after a crash (bank §2.22)."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

import pytest

from bank.staff_operations import OUTCOME_PATH, REQUEST_PATH
from tests.subgraphs.bank import Bank, open_bank
from tests.subgraphs.transaction.test_graphql_review import RULES, Scene, review

if TYPE_CHECKING:
    from collections.abc import AsyncIterator
    from pathlib import Path

REVERSE: Final = """mutation ($input: ReverseTransactionInput!) { reverseTransaction(input: $input) {
  ... on ReversalSuccess { reversal { id } } ... on Problem { code } } }"""


@pytest.fixture
async def bank(tmp_path: Path) -> AsyncIterator[Bank]:
    rules = tmp_path / "rules.yaml"
    rules.write_text(RULES, encoding="utf-8")
    async with open_bank(tmp_path, FRAUD_RULES=str(rules), REVIEW_FOUR_EYES_ABOVE="100") as bank:
        yield bank


async def reverse(bank: Bank, transaction_id: str, key: str) -> Any:
    given = {"transactionId": transaction_id, "idempotencyKey": key}
    return (await bank.as_(bank.staff).execute(REVERSE, {"input": given})).ok()["reverseTransaction"]


async def test_reviews_have_entries(bank: Bank) -> None:
    scene = await Scene.of(bank)
    approved, rejected = await scene.held("60.00"), await scene.held("60.00")
    await scene.review(bank.staff, "approveTransaction", approved)
    await scene.review(bank.staff, "rejectTransaction", rejected)
    await scene.review(bank.staff, "rejectTransaction", approved)
    assert bank.issuer.audit.entries() == [
        ("TRANSACTION_APPROVED", approved, "DONE", None),
        ("TRANSACTION_REJECTED", rejected, "DONE", None),
        ("TRANSACTION_REJECTED", approved, "REFUSED", "TRANSACTION_NOT_HELD"),
    ]
    assert {each["actor"] for each in bank.issuer.audit.requested} == {bank.staff.id}


async def test_reversals_have_entries(bank: Bank) -> None:
    scene = await Scene.of(bank)
    paid = (await scene.pay("10.00"))["transaction"]["id"]
    reversal = (await reverse(bank, paid, "k"))["reversal"]["id"]
    assert (await reverse(bank, paid, "other"))["code"] == "TRANSACTION_NOT_REVERSIBLE"
    other = (await scene.pay("20.00"))["transaction"]["id"]
    assert (await reverse(bank, other, "k"))["code"] == "IDEMPOTENCY_KEY_REUSED"
    log = bank.issuer.audit
    assert log.entries() == [
        ("TRANSACTION_REVERSED", paid, "DONE", None),
        ("TRANSACTION_REVERSED", paid, "REFUSED", "TRANSACTION_NOT_REVERSIBLE"),
        ("TRANSACTION_REVERSED", other, "REFUSED", "IDEMPOTENCY_KEY_REUSED"),
    ]
    assert next(iter(log.outcomes.values()))["details"] == {"reversal": reversal}
    # The key of a client may contain anything, so it is not among the details.
    assert {str(each["details"]) for each in log.requested} == {"{}"}


async def test_a_reversal_that_fails_is_a_refusal(bank: Bank) -> None:
    scene = await Scene.of(bank)
    paid = (await scene.pay("10.00"))["transaction"]["id"]
    await bank.order(bank.bob, "withdraw", amount="10.00", sourceAccountId=scene.bob["id"])
    code = (await reverse(bank, paid, "k"))["code"]
    assert bank.issuer.audit.entries() == [("TRANSACTION_REVERSED", paid, "REFUSED", code)]


async def test_without_the_audit_log_nothing_is_reviewed_or_reversed(bank: Bank) -> None:
    scene = await Scene.of(bank)
    paid, held = (await scene.pay("10.00"))["transaction"]["id"], await scene.held("60.00")
    bank.issuer.audit.away = {REQUEST_PATH}
    for name in ("approveTransaction", "rejectTransaction"):
        response = await bank.as_(bank.staff).execute(review(name), {"id": held})
        assert response.codes == ["SERVICE_UNAVAILABLE"]
    given = {"transactionId": paid, "idempotencyKey": "k"}
    assert (await bank.as_(bank.staff).execute(REVERSE, {"input": given})).codes == ["SERVICE_UNAVAILABLE"]
    assert (await scene.seen(bank.staff, held))["status"] == "HELD"
    assert (await scene.seen(bank.staff, paid))["status"] == "COMPLETED"


async def test_a_restart_records_what_was_done_before_a_crash(bank: Bank) -> None:
    scene, log = await Scene.of(bank), bank.issuer.audit
    paid = (await scene.pay("10.00"))["transaction"]["id"]
    approved, partly, rejected = await scene.held("60.00"), await scene.held("100.01"), await scene.held("60.00")
    log.away = {OUTCOME_PATH}
    await scene.review(bank.staff, "approveTransaction", approved)
    await scene.review(bank.staff, "approveTransaction", partly)
    await scene.review(bank.staff, "rejectTransaction", rejected)
    reversal = (await reverse(bank, paid, "k"))["reversal"]["id"]
    log.away = set()
    async with bank.another_transaction_service():
        await log.all_settled()
    assert [outcome for _, _, outcome, _ in log.entries()] == ["DONE"] * 4
    assert log.outcomes[log.requested[-1]["operation"]]["details"] == {"reversal": reversal}


async def test_a_restart_records_what_was_not_done(bank: Bank) -> None:
    scene, log = await Scene.of(bank), bank.issuer.audit
    held, rejected = await scene.held("60.00"), await scene.held("60.00")
    await scene.review(bank.staff, "rejectTransaction", rejected)
    log.forget()
    for action in ("TRANSACTION_APPROVED", "TRANSACTION_REJECTED"):
        log.lost(action, bank.staff.id, ("TRANSACTION", held))
        log.lost(action, "colleague", ("TRANSACTION", rejected))
        log.lost(action, bank.staff.id, ("TRANSACTION", "0" * 24))
    log.lost("TRANSACTION_REVERSED", bank.staff.id, ("TRANSACTION", held), resume="k")
    async with bank.another_transaction_service():
        await log.all_settled()
    assert {(outcome, reason) for _, _, outcome, reason in log.entries()} == {("REFUSED", "INTERRUPTED")}
