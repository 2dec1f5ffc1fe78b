"""Transfers between accounts of different currencies, through both services, on both kinds of stores.

Covers `subgraphs/transaction/rates/resources.py` and `subgraphs/transaction/store/sqlite_conversions.py`.
"""

from __future__ import annotations

from decimal import Decimal
from typing import TYPE_CHECKING, Any, Final

import pytest

from bank.values import new_object_id
from servicekit.errors import ConfigurationError
from tests.subgraphs.bank import POSTINGS, open_bank
from tests.subgraphs.ledger_check import check_ledger
from tests.subgraphs.support import GraphQLClient
from tests.subgraphs.transaction.rates.support import RATES

if TYPE_CHECKING:
    from collections.abc import AsyncIterator
    from pathlib import Path

    from tests.subgraphs.bank import Bank, Person

HOLDING: Final = """version: test
thresholds: {step_up: 40, hold: 65, block: 90}
when_unavailable: {hold_above: {default: 1000}}
rules:
  - {name: large, kind: large_amount, at_least: 50, score: 70, types: [TRANSFER]}
"""
CONVERSION: Final = "conversion { amount currency base quote rate version }"
SEEN: Final = f"query ($id: ID!) {{ transaction(id: $id) {{ amount currency status {CONVERSION} }} }}"
REVERSE: Final = f"""mutation ($input: ReverseTransactionInput!) {{ reverseTransaction(input: $input) {{ __typename
  ... on ReversalSuccess {{ reversal {{ id status amount currency {CONVERSION} }} }} }} }}"""
TURNOVER: Final = "... on Account { turnover { currency credited debited } }"
STATEMENT: Final = "query ($id: ID!) { account(id: $id) { statement { entries { nodes { amount balance } } } } }"


@pytest.fixture(params=["sqlite", "mongodb"])
def variables(request: pytest.FixtureRequest, tmp_path: Path) -> dict[str, str]:
    (tmp_path / "rates.yaml").write_text(RATES, encoding="utf-8")
    urls = request.getfixturevalue("mongo_urls") if request.param == "mongodb" else {}
    return {"EXCHANGE_RATES": str(tmp_path / "rates.yaml"), "MOSAFE_DATA_DIR": str(tmp_path), **urls}


@pytest.fixture
async def bank(tmp_path: Path, variables: dict[str, str]) -> AsyncIterator[Bank]:
    async with open_bank(tmp_path, None, **variables) as bank:
        yield bank


async def seen(bank: Bank, person: Person, transaction_id: str) -> Any:
    return (await bank.as_(person).execute(SEEN, {"id": transaction_id})).ok()["transaction"]


async def test_both_amounts_and_the_rate_are_recorded(bank: Bank, variables: dict[str, str]) -> None:
    dollars, yen = await bank.open(bank.ann, "100.00"), await bank.open(bank.bob, currency="JPY")
    sides = {"sourceAccountId": dollars["id"], "destinationAccountNumber": yen["accountNumber"]}
    placed = await bank.order(bank.ann, "transfer", amount="10.01", **sides)
    transaction_id = placed["transaction"]["id"]
    expected = {
        "amount": "10.01",
        "currency": "USD",
        "status": "COMPLETED",
        # 10.01 * 108.55 = 1086.5855, rounded down
        "conversion": {
            "amount": "1086",
            "currency": "JPY",
            "base": "USD",
            "quote": "JPY",
            "rate": "108.55",
            "version": "v1",
        },
    }
    assert await seen(bank, bank.ann, transaction_id) == expected
    assert await seen(bank, bank.bob, transaction_id) == expected
    assert (await bank.balance(bank.ann, dollars), await bank.balance(bank.bob, yen)) == ("89.99", "1086")
    statement = await GraphQLClient(bank.accounts, bank.bob.token).execute(STATEMENT, {"id": yen["id"]})
    assert statement.ok()["account"]["statement"]["entries"]["nodes"] == [{"amount": "1086", "balance": "1086"}]
    claims = [
        {"__typename": "Account", "id": dollars["id"], "currency": "USD", "minorUnits": 2},
        {"__typename": "Account", "id": yen["id"], "currency": "JPY", "minorUnits": 0},
    ]
    turnovers = (await bank.as_(bank.staff).entities(TURNOVER, claims)).ok()["_entities"]
    assert [each["turnover"] for each in turnovers] == [
        {"currency": "USD", "credited": "100.00", "debited": "10.01"},
        {"currency": "JPY", "credited": "1086", "debited": "0"},
    ]
    report = await check_ledger(variables)
    assert "EXCHANGE" in report


async def test_a_reversal_moves_both_amounts_back_whatever_the_rate_is_now(
    bank: Bank, variables: dict[str, str], tmp_path: Path
) -> None:
    dollars, yen = await bank.open(bank.ann, "100.00"), await bank.open(bank.bob, currency="JPY")
    sides = {"sourceAccountId": dollars["id"], "destinationAccountId": yen["id"]}
    placed = await bank.order(bank.ann, "transfer", amount="10.01", **sides)
    (tmp_path / "rates.yaml").write_text(RATES.replace("108.55", "2"), encoding="utf-8")
    given = {"transactionId": placed["transaction"]["id"], "idempotencyKey": new_object_id()}
    result = (await bank.as_(bank.staff).execute(REVERSE, {"input": given})).ok()["reverseTransaction"]
    reversal = result["reversal"]
    assert (reversal["status"], reversal["amount"], reversal["currency"]) == ("COMPLETED", "1086", "JPY")
    assert reversal["conversion"] == {
        "amount": "10.01",
        "currency": "USD",
        "base": "USD",
        "quote": "JPY",
        "rate": "108.55",
        "version": "v1",
    }
    assert (await bank.balance(bank.ann, dollars), await bank.balance(bank.bob, yen)) == ("100.00", "0")
    await check_ledger(variables)


@pytest.mark.parametrize(
    ("currencies", "own", "code"),
    [
        (("USD", "GBP"), False, "RECEIVER_UNAVAILABLE"),
        (("USD", "GBP"), True, "CURRENCY_MISMATCH"),
        # The rate is out of date.
        (("USD", "EUR"), False, "RECEIVER_UNAVAILABLE"),
        # No rate is computed from that of the other direction.
        (("JPY", "USD"), False, "RECEIVER_UNAVAILABLE"),
    ],
)
async def test_without_a_valid_rate_a_transfer_is_refused(
    bank: Bank, currencies: tuple[str, str], code: str, *, own: bool
) -> None:
    receiver = bank.ann if own else bank.bob
    amount = "10" if currencies[0] == "JPY" else "10.00"
    source = await bank.open(bank.ann, amount, currencies[0])
    destination = await bank.open(receiver, currency=currencies[1])
    sides = {"sourceAccountId": source["id"], "destinationAccountId": destination["id"]}
    refused = await bank.order(bank.ann, "transfer", amount=amount, currency=currencies[0], **sides)
    assert refused["code"] == code
    assert await bank.balance(bank.ann, source) == amount


async def test_an_order_that_is_refused_shows_no_conversion(bank: Bank) -> None:
    """A person without money would learn the currency of somebody's account."""
    dollars, yen = await bank.open(bank.ann), await bank.open(bank.bob, currency="JPY")
    sides = {"sourceAccountId": dollars["id"], "destinationAccountId": yen["id"]}
    refused = await bank.order(bank.ann, "transfer", amount="10.00", **sides)
    assert refused["code"] == "INSUFFICIENT_FUNDS"
    failed = "{ transactions { nodes { status conversion { amount } } } }"
    for person, conversion in ((bank.ann, None), (bank.staff, {"amount": "1085"})):
        listed = (await bank.as_(person).execute(failed)).ok()["transactions"]["nodes"]
        assert listed == [{"status": "FAILED", "conversion": conversion}]


async def test_the_order_is_in_the_currency_of_the_account_that_pays(bank: Bank) -> None:
    dollars, yen = await bank.open(bank.ann, "100.00"), await bank.open(bank.bob, currency="JPY")
    sides = {"sourceAccountId": dollars["id"], "destinationAccountId": yen["id"]}
    refused = await bank.order(bank.ann, "transfer", amount="100", currency="JPY", **sides)
    assert (refused["code"], refused["accountCurrency"]) == ("CURRENCY_MISMATCH", "USD")


async def test_a_repeated_posting_has_the_same_conversion(
    bank: Bank, variables: dict[str, str], tmp_path: Path
) -> None:
    dollars, yen = await bank.open(bank.ann, "100.00"), await bank.open(bank.bob, currency="JPY")
    bank.transport.lose_responses.append(POSTINGS)
    sides = {"sourceAccountId": dollars["id"], "destinationAccountId": yen["id"]}
    placed = await bank.order(bank.ann, "transfer", amount="10.00", **sides)
    assert placed["transaction"]["status"] == "PENDING"
    (tmp_path / "rates.yaml").write_text(RATES.replace("108.55", "2"), encoding="utf-8")
    # Another process, which starts with the new rate, finishes the order with the old one.
    async with bank.another_transaction_service():
        finished = await seen(bank, bank.ann, placed["transaction"]["id"])
    assert (finished["status"], finished["conversion"]["amount"]) == ("COMPLETED", "1085")
    assert await bank.balance(bank.bob, yen) == "1085"
    await check_ledger(variables)


async def test_a_held_exchange_is_captured_with_its_conversion(tmp_path: Path, variables: dict[str, str]) -> None:
    rules = tmp_path / "rules.yaml"
    rules.write_text(HOLDING, encoding="utf-8")
    approve = """mutation ($id: ID!) { approveTransaction(id: $id) { __typename
      ... on ReviewSuccess { transaction { status conversion { amount } } } } }"""
    async with open_bank(tmp_path, None, FRAUD_RULES=str(rules), **variables) as bank:
        dollars, yen = await bank.open(bank.ann, "100.00"), await bank.open(bank.bob, currency="JPY")
        sides = {"sourceAccountId": dollars["id"], "destinationAccountId": yen["id"]}
        placed = await bank.order(bank.ann, "transfer", amount="60.00", **sides)
        assert placed["transaction"]["status"] == "HELD"
        given = {"id": placed["transaction"]["id"]}
        reviewed = (await bank.as_(bank.staff).execute(approve, given)).ok()["approveTransaction"]
        assert reviewed["transaction"] == {"status": "COMPLETED", "conversion": {"amount": "6513"}}
        assert Decimal(await bank.balance(bank.ann, dollars)) == Decimal("40.00")
        await check_ledger(variables)


async def test_a_wrong_file_stops_the_start(tmp_path: Path) -> None:
    (tmp_path / "rates.yaml").write_text(RATES.replace('"108.55"', "108.55"), encoding="utf-8")
    with pytest.raises(ConfigurationError, match=r"EXCHANGE_RATES.*rates\.yaml:3: rates\.0\.rate"):
        async with open_bank(tmp_path, None, EXCHANGE_RATES=str(tmp_path / "rates.yaml")):
            pass
