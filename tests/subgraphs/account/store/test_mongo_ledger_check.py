"""The ledger check of MongoDB finds what a writer to the database changes."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest
from bson import Decimal128
from click.testing import CliRunner
from pymongo import MongoClient

from bank import values
from subgraphs.account.cli import command
from subgraphs.account.holds import Hold
from subgraphs.account.store.ledger_report import CHAINS
from subgraphs.account.store.mongo import MongoAccountStore
from subgraphs.account.store.mongo_ledger_check import INVARIANTS
from subgraphs.account.store.protocol import DEFAULT_LIMITS
from tests.subgraphs.account.hold_contract import in_an_hour
from tests.subgraphs.account.support import KEY, funded, mongo_address, opened, person, transfer, withdrawal

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

    from pymongo.database import Database

    from tests.subgraphs.account.support import StoreFactory


@pytest.fixture
async def store(accounts_url: str, mongo_stores: StoreFactory) -> AsyncIterator[MongoAccountStore]:
    """A ledger with two deposits, a transfer, a refused transfer and a hold."""
    async with mongo_stores() as other:
        ann = person()
        source, destination = await funded(other, ann, "10.00"), await opened(other, ann)
        await funded(other, ann, "7", "JPY")
        await other.post(transfer(ann, source.id, destination.id, "4.00"))
        await other.post(transfer(ann, source.id, destination.id, "400.00"))
        assert isinstance(await other.reserve(withdrawal(ann, source.id, "1.00"), in_an_hour(), DEFAULT_LIMITS), Hold)
    store = await MongoAccountStore.open_chained(mongo_address(accounts_url), KEY, values.now)
    yield store
    await store.close()


async def test_a_sound_ledger_is_counted(store: MongoAccountStore) -> None:
    report = await store.check(KEY)
    assert report.sound, report.violations
    assert (report.accounts, report.posted, report.refused, report.entries) == (3, 3, 1, 6)
    assert report.customer_sums == {"JPY": 7, "USD": 1000}
    assert report.internal_sums == {("DEPOSITS", "JPY"): -7, ("DEPOSITS", "USD"): -1000}
    assert report.invariants == INVARIANTS
    assert CHAINS not in (await store.check(None)).invariants


_LAST = {"balanceAfter": Decimal128("6.00")}
# How to break each invariant: a collection, a filter, and a change of one document; None deletes it.
TAMPERING: dict[str, tuple[str, dict[str, Any], dict[str, Any] | None]] = {
    "the entries of each transaction sum to zero": ("entries", _LAST, {"$set": {"amount": Decimal128("-4.01")}}),
    "each balance is the sum of its entries": (
        "accounts",
        {"balance": Decimal128("6.00")},
        {"$set": {"balance": Decimal128("6.01")}},
    ),
    "each entry continues the balance before it": ("entries", _LAST, {"$set": {"balanceAfter": Decimal128("7.00")}}),
    "all accounts, internal ones included, sum to zero per currency": (
        "accounts",
        {"balance": Decimal128("6.00")},
        {"$set": {"balance": Decimal128("9.00")}},
    ),
    "no customer's balance is negative": (
        "accounts",
        {"currency": "JPY"},
        {"$set": {"balance": Decimal128("-1")}},
    ),
    "closed accounts are empty": ("accounts", {}, {"$set": {"status": "CLOSED"}}),
    "entries have the currency of their account": ("entries", _LAST, {"$set": {"currency": "EUR"}}),
    "posted transactions have entries, refused ones none": (
        "postings",
        {"outcome": "REFUSED"},
        {"$set": {"outcome": "POSTED"}},
    ),
    "held money equals the sum of active holds": ("holds", {}, {"$set": {"status": "EXPIRED"}}),
    "entries belong to a posted transaction": ("postings", {"type": "TRANSFER", "outcome": "POSTED"}, None),
    CHAINS: ("entries", _LAST, {"$set": {"line": 1}}),
}


def tamper(database: Database[dict[str, Any]], invariant: str) -> None:
    name, which, change = TAMPERING[invariant]
    if change is None:
        database[name].delete_one(which)
        return
    collection = database.get_collection(name)
    database.command("collMod", name, validationLevel="off")
    collection.update_one(which, change)
    database.command("collMod", name, validationLevel="strict")


@pytest.mark.parametrize("invariant", INVARIANTS)
async def test_tampering_is_found(
    invariant: str, store: MongoAccountStore, mongo_database: MongoClient[dict[str, Any]]
) -> None:
    tamper(mongo_database.get_default_database(), invariant)
    report = await store.check(KEY)
    found = {violation.invariant: violation for violation in report.violations}
    assert found[invariant].count >= 1
    assert found[invariant].examples


def test_the_command_checks_the_database_of_the_service(tmp_path: Any, mongo_url: str) -> None:
    environ = {"MOSAFE_DATA_DIR": str(tmp_path), "ACCOUNT_DB_URL": mongo_url}
    runner = CliRunner(env=environ)
    assert runner.invoke(command, ["migrate"]).exit_code == 0
    result = runner.invoke(command, ["ledger", "check"])
    assert (result.exit_code, result.output.splitlines()[-1]) == (0, "the ledger is sound")
    assert f"ok      {CHAINS}" in result.output
    with MongoClient[dict[str, Any]](mongo_url) as client:
        client.get_default_database()["store_identity"].update_one({}, {"$set": {"id": "0" * 24}})
    result = runner.invoke(command, ["ledger", "check"])
    assert (result.exit_code, result.output.splitlines()[-1]) == (1, "THE LEDGER IS NOT SOUND")
