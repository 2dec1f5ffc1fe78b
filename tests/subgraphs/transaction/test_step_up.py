"""Orders that need a second factor: above an amount, and by the fraud rules.

Covers `subgraphs/transaction/step_up.py`, `subgraphs/transaction/graphql_confirmation.py`,
`subgraphs/transaction/amount_threshold.py` and `subgraphs/kit/step_up.py`.
"""

from __future__ import annotations

import asyncio
import time
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from typing import TYPE_CHECKING, Any

import pytest

from bank.identity import ACR_MFA, ACR_PASSKEY, ACR_PASSWORD, SUPPORT, Caller
from bank.values import new_object_id
from subgraphs.kit.step_up import RequiredLogin
from subgraphs.transaction.amount_threshold import AmountThreshold
from subgraphs.transaction.domain import Order, TransactionType
from subgraphs.transaction.step_up import StepUpRule
from tests.subgraphs.bank import Bank, Person, mutation, open_bank

if TYPE_CHECKING:
    from collections.abc import AsyncIterator
    from pathlib import Path

RULES = """version: test
thresholds: {step_up: 40, hold: 65, block: 90}
when_unavailable: {hold_above: {default: 1000}}
rules:
  - {name: unusual, kind: large_amount, at_least: 20, score: 50, types: [PAYMENT]}
  - {name: large, kind: large_amount, at_least: 60, score: 20, types: [PAYMENT]}
"""
STEP_UP = "... on StepUpRequired { acrValues maxAge }"
CONFIRM = f"""mutation ($id: ID!) {{ confirmTransaction(id: $id) {{
  __typename ... on Problem {{ code message }} {STEP_UP}
  ... on ConfirmTransactionSuccess {{ transaction {{ status problem {{ code }} }} }}
  ... on TransactionNotConfirmable {{ transaction {{ status awaitsConfirmation }} }} }} }}"""
SEEN = """query ($id: ID!) { transaction(id: $id) { status awaitsConfirmation approvals { by { id } }
  history { status by { id } } } }"""
APPROVE = "mutation ($id: ID!) { approveTransaction(id: $id) { __typename } }"


@pytest.fixture
async def bank(tmp_path: Path) -> AsyncIterator[Bank]:
    rules = tmp_path / "rules.yaml"
    rules.write_text(RULES, encoding="utf-8")
    async with open_bank(tmp_path, FRAUD_RULES=str(rules), TRANSACTION_STEP_UP_ABOVE="100,JPY=5000") as bank:
        yield bank


def proved(bank: Bank, person: Person, acr: str = ACR_MFA, age: float = 0, enrolled: float | None = 86_400) -> Person:
    """The same person with a token that says how, and how many seconds ago, they have proved their identity.

    `enrolled` is how many seconds ago the second factor was enrolled.
    """
    now = int(time.time())
    factor = None if enrolled is None else now - int(enrolled)
    claims = {"acr": acr, "auth_time": now - int(age), "factor_enrolled_at": factor}
    return Person(person.id, bank.issuer.token(person.id, claims=claims))


async def send(bank: Bank, person: Person, name: str, **given: object) -> Any:
    facts = "" if name == "deposit" else STEP_UP
    query = mutation(name).replace("(input: $input) {", f"(input: $input) {{ {facts}", 1)
    wanted = {"amount": "100.01", "currency": "USD", "idempotencyKey": new_object_id(), **given}
    return (await bank.as_(person).execute(query, {"input": wanted})).ok()[name]


async def test_an_order_above_the_amount_needs_a_recent_second_factor(bank: Bank) -> None:
    account, other = await bank.open(bank.ann, "1000.00"), await bank.open(bank.bob)
    sides = {"sourceAccountId": account["id"], "destinationAccountId": other["id"], "idempotencyKey": "one"}
    weak = [
        bank.ann,
        proved(bank, bank.ann, ACR_PASSWORD),
        proved(bank, bank.ann, age=301),
        Person(bank.ann.id, bank.issuer.token(bank.ann.id, claims={"acr": ACR_MFA})),
    ]
    for person in weak:
        refused = await send(bank, person, "transfer", **sides)
        assert (refused["__typename"], refused["code"]) == ("StepUpRequired", "STEP_UP_REQUIRED")
        assert (refused["acrValues"], refused["maxAge"]) == ([ACR_MFA, ACR_PASSKEY], 300)
        assert "enrol one first" in refused["message"]
    assert await bank.balance(bank.ann, account) == "1000.00"
    # The same key goes through after the step-up, and its result is repeated with any login.
    strong = proved(bank, bank.ann, age=290)
    done = await send(bank, strong, "transfer", **sides)
    assert (done["transaction"]["status"], done["replayed"]) == ("COMPLETED", False)
    again = await send(bank, bank.ann, "transfer", **sides)
    assert (again["transaction"]["id"], again["replayed"]) == (done["transaction"]["id"], True)
    # With another order, the used key is refused as ever.
    reused = await send(bank, bank.ann, "transfer", **{**sides, "amount": "200.00"})
    assert reused["code"] == "IDEMPOTENCY_KEY_REUSED"
    assert await bank.balance(bank.ann, account) == "899.99"


async def test_only_money_that_leaves_needs_it_and_only_above_the_amount(bank: Bank) -> None:
    account = await bank.open(bank.ann, "1000.00")
    source, payee = {"sourceAccountId": account["id"]}, {"payee": "Shop"}
    assert (await send(bank, bank.ann, "deposit", destinationAccountId=account["id"]))["transaction"]
    assert (await send(bank, bank.ann, "withdraw", **source))["code"] == "STEP_UP_REQUIRED"
    assert (await send(bank, bank.ann, "pay", **source, **payee))["code"] == "STEP_UP_REQUIRED"
    assert (await send(bank, bank.ann, "withdraw", **source, amount="100.00"))["transaction"]
    assert (await send(bank, proved(bank, bank.ann, ACR_PASSKEY), "withdraw", **source))["transaction"]


async def held(bank: Bank, person: Person, account: dict[str, Any], amount: str) -> str:
    order = {"sourceAccountId": account["id"], "payee": "Shop", "amount": amount}
    transaction = (await send(bank, person, "pay", **order))["transaction"]
    assert transaction["status"] == "HELD"
    found: str = transaction["id"]
    return found


async def confirm(bank: Bank, person: Person, transaction_id: str) -> Any:
    return (await bank.as_(person).execute(CONFIRM, {"id": transaction_id})).ok()["confirmTransaction"]


async def test_a_held_order_goes_on_when_its_customer_has_stepped_up(bank: Bank) -> None:
    account = await bank.open(bank.ann, "1000.00")
    waiting = await held(bank, bank.ann, account, "30.00")
    seen = (await bank.as_(bank.ann).execute(SEEN, {"id": waiting})).ok()["transaction"]
    assert (seen["status"], seen["awaitsConfirmation"], seen["approvals"]) == ("HELD", True, None)
    for weak in (bank.ann, proved(bank, bank.ann, ACR_PASSWORD), proved(bank, bank.ann, age=60)):
        refused = await confirm(bank, weak, waiting)
        assert (refused["code"], refused["acrValues"]) == ("STEP_UP_REQUIRED", [ACR_MFA, ACR_PASSKEY])
    strong = proved(bank, bank.ann)
    assert (await confirm(bank, strong, waiting))["transaction"] == {"status": "COMPLETED", "problem": None}
    assert await bank.balance(bank.ann, account) == "970.00"
    late = await confirm(bank, strong, waiting)
    assert (late["code"], late["transaction"]["status"]) == ("TRANSACTION_NOT_CONFIRMABLE", "COMPLETED")
    by_staff = (await bank.as_(bank.staff).execute(SEEN, {"id": waiting})).ok()["transaction"]
    assert by_staff["approvals"] == [{"by": {"id": bank.ann.id}}]
    assert [each["by"] for each in by_staff["history"]] == [None, None, {"id": bank.ann.id}, None]


async def test_a_factor_that_is_newer_than_the_order_confirms_nothing(bank: Bank) -> None:
    account = await bank.open(bank.ann, "1000.00")
    waiting = await held(bank, bank.ann, account, "30.00")
    for person in (proved(bank, bank.ann, enrolled=-1), proved(bank, bank.ann, enrolled=None)):
        refused = await confirm(bank, person, waiting)
        assert (refused["code"], refused["transaction"]["status"]) == ("TRANSACTION_NOT_CONFIRMABLE", "HELD")
    assert (await bank.as_(bank.staff).execute(APPROVE, {"id": waiting})).ok()["approveTransaction"]
    assert await bank.balance(bank.ann, account) == "970.00"


async def test_an_order_that_the_rules_hold_for_the_staff_is_not_confirmed(bank: Bank) -> None:
    account = await bank.open(bank.ann, "1000.00")
    waiting = await held(bank, bank.ann, account, "60.00")
    refused = await confirm(bank, proved(bank, bank.ann), waiting)
    assert refused["code"] == "TRANSACTION_NOT_CONFIRMABLE"
    assert refused["transaction"] == {"status": "HELD", "awaitsConfirmation": False}


async def test_a_confirmation_at_the_same_time_as_a_rejection_moves_money_at_most_once(bank: Bank) -> None:
    account = await bank.open(bank.ann, "1000.00")
    waiting = await held(bank, bank.ann, account, "30.00")
    reject = "mutation ($id: ID!) { rejectTransaction(id: $id) { __typename } }"
    strong = proved(bank, bank.ann)
    await asyncio.gather(
        *(confirm(bank, strong, waiting) for _ in range(3)),
        bank.as_(bank.staff).execute(reject, {"id": waiting}),
    )
    seen = (await bank.as_(bank.ann).execute(SEEN, {"id": waiting})).ok()["transaction"]
    balance = await bank.balance(bank.ann, account)
    assert (seen["status"], balance) in {("COMPLETED", "970.00"), ("FAILED", "1000.00")}


async def test_only_the_customer_confirms(bank: Bank) -> None:
    account = await bank.open(bank.ann, "1000.00")
    waiting = await held(bank, bank.ann, account, "30.00")
    assert (await confirm(bank, proved(bank, bank.bob), waiting))["code"] == "INVALID_TRANSACTION"
    staff = Person(
        bank.staff.id,
        bank.issuer.token(
            bank.staff.id,
            SUPPORT,
            claims={"acr": ACR_MFA, "auth_time": int(time.time()), "factor_enrolled_at": 1},
        ),
    )
    assert (await bank.as_(staff).execute(CONFIRM, {"id": waiting})).codes == ["FORBIDDEN"]
    assert (await bank.as_(None).execute(CONFIRM, {"id": waiting})).codes == ["UNAUTHENTICATED"]
    for unknown in (new_object_id(), "nonsense"):
        assert (await confirm(bank, proved(bank, bank.ann), unknown))["code"] == "INVALID_TRANSACTION"


async def test_without_the_setting_no_amount_needs_a_step_up(tmp_path: Path) -> None:
    async with open_bank(tmp_path) as bank:
        account = await bank.open(bank.ann, "100000.00")
        done = await bank.order(bank.ann, "withdraw", sourceAccountId=account["id"], amount="90000.00")
        assert done["transaction"]["status"] == "COMPLETED"


NOW = datetime(2026, 1, 31, 9, 30, tzinfo=UTC)
CALLER = Caller("ann", "s", frozenset(), acr=ACR_MFA, auth_time=int(NOW.timestamp()))


@pytest.mark.parametrize(
    ("caller", "is_met"),
    [
        (CALLER, True),
        (replace(CALLER, acr=ACR_PASSKEY), False),
        (replace(CALLER, acr=None), False),
        (replace(CALLER, auth_time=None), False),
        (replace(CALLER, auth_time=int(NOW.timestamp()) - 60), True),
        (replace(CALLER, auth_time=int(NOW.timestamp()) - 61), False),
    ],
)
def test_a_login_meets_what_is_required_only_with_both_claims(caller: Caller, is_met: bool) -> None:  # noqa: FBT001 - a table
    assert RequiredLogin((ACR_MFA,), 60).is_met(caller, NOW) == is_met
    assert not RequiredLogin((), 60).is_met(replace(caller, auth_time=None), NOW + timedelta(seconds=1))


@pytest.mark.parametrize(
    ("kind", "amount", "currency", "is_needed"),
    [
        (TransactionType.TRANSFER, "100.00", "EUR", False),
        (TransactionType.TRANSFER, "100.01", "EUR", True),
        (TransactionType.WITHDRAWAL, "100.01", "EUR", True),
        (TransactionType.PAYMENT, "5000", "JPY", False),
        (TransactionType.PAYMENT, "5001", "JPY", True),
        (TransactionType.DEPOSIT, "100.01", "EUR", False),
        (TransactionType.REVERSAL, "100.01", "EUR", False),
    ],
)
def test_the_amount_is_that_of_the_currency(kind: TransactionType, amount: str, currency: str, is_needed: bool) -> None:  # noqa: FBT001 - a table
    rule = StepUpRule(AmountThreshold.parse("100,JPY=5000"))
    assert (rule.required(Order(kind, Decimal(amount), currency)) is not None) == is_needed
    assert StepUpRule().required(Order(kind, Decimal(amount), currency)) is None
