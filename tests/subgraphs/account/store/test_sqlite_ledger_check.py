"""The ledger check finds violations that the database's own constraints would refuse.

Covers `subgraphs/account/store/ledger_report.py`.
"""

from __future__ import annotations

import sqlite3
from contextlib import closing
from typing import TYPE_CHECKING

import pytest

from subgraphs.account.store.ledger_report import CHAINS
from subgraphs.account.store.sqlite_ledger_check import INVARIANTS, check_ledger
from tests.subgraphs.account.support import KEY, funded, opened, person, sqlite_factory, transfer

if TYPE_CHECKING:
    from pathlib import Path


@pytest.fixture
async def path(tmp_path: Path) -> Path:
    """A ledger with a deposit, a transfer and a refused transfer."""
    file = tmp_path / "account.sqlite3"
    async with sqlite_factory(file)() as store:
        ann = person()
        source, destination = await funded(store, ann, "10.00"), await opened(store, ann)
        await store.post(transfer(ann, source.id, destination.id, "4.00"))
        await store.post(transfer(ann, source.id, destination.id, "400.00"))
    return file


def test_a_sound_ledger_is_counted(path: Path) -> None:
    report = check_ledger(path)
    assert report.sound
    assert (report.accounts, report.posted, report.refused, report.entries) == (2, 2, 1, 4)
    assert report.customer_sums == {"USD": 1000}


# How to break each invariant after triggers, foreign keys and checks are removed.
TAMPERING = {
    "every reference has its row": "UPDATE entries SET account_id = 'gone' WHERE sequence = 1",
    "the entries of each transaction sum to zero": "UPDATE entries SET amount = amount + 1 WHERE sequence = 1",
    "each balance is the sum of its entries": "UPDATE accounts SET balance = balance + 1 WHERE user_id IS NOT NULL",
    "each entry continues the balance before it": "UPDATE entries SET balance_after = 7 WHERE sequence = 3",
    "all accounts, internal ones included, sum to zero per currency": "UPDATE accounts SET balance = balance + 1",
    "no customer's balance is negative": "UPDATE accounts SET balance = -1 WHERE user_id IS NOT NULL",
    "closed accounts are empty": "UPDATE accounts SET status = 'CLOSED'",
    "entries have the currency of their account": "UPDATE entries SET currency = 'EUR'",
    "posted transactions have entries, refused ones none": "UPDATE postings SET outcome = 'POSTED', problem = NULL",
    "held money equals the sum of active holds": "UPDATE accounts SET held = 1 WHERE user_id IS NOT NULL",
    "entries belong to a posted transaction": "DELETE FROM postings WHERE outcome = 'POSTED'",
}


@pytest.mark.parametrize("invariant", TAMPERING)
def test_tampering_is_found(invariant: str, path: Path) -> None:
    with closing(sqlite3.connect(path, isolation_level=None)) as connection:
        connection.execute("PRAGMA ignore_check_constraints = ON")
        triggers = connection.execute("SELECT name FROM sqlite_master WHERE type = 'trigger'").fetchall()
        for (name,) in triggers:
            connection.execute(f"DROP TRIGGER {name}")
        connection.execute(TAMPERING[invariant])
    report = check_ledger(path)
    assert not report.sound
    found = {violation.invariant: violation for violation in report.violations}
    assert found[invariant].count >= 1
    assert found[invariant].examples


@pytest.mark.parametrize(
    "change",
    ["UPDATE entries SET posted_at = '2020' WHERE sequence = 3", "DELETE FROM entries WHERE sequence = 2"],
)
def test_the_first_broken_entry_of_a_chain_is_named(change: str, path: Path) -> None:
    assert CHAINS not in {violation.invariant for violation in check_ledger(path, KEY).violations}
    with closing(sqlite3.connect(path, isolation_level=None)) as connection:
        for (name,) in connection.execute("SELECT name FROM sqlite_master WHERE type = 'trigger'").fetchall():
            connection.execute(f"DROP TRIGGER {name}")
        (account_id, transaction_id) = connection.execute(
            "SELECT account_id, transaction_id FROM entries WHERE sequence = 3"
        ).fetchone()
        connection.execute(change)
    found = {violation.invariant: violation for violation in check_ledger(path, KEY).violations}
    position = 2 if "posted_at" in change else 1
    expected = {"account_id": account_id, "position": position, "transaction_id": transaction_id}
    assert found[CHAINS].examples == (expected,)


def test_damage_to_the_file_is_found(path: Path) -> None:
    with closing(sqlite3.connect(path, isolation_level=None)) as connection:
        connection.execute("PRAGMA writable_schema = ON")
        # The index does not contain the rows that its definition says.
        connection.execute(
            "UPDATE sqlite_master SET sql = sql || ' WHERE amount > 0' WHERE name = 'entries_by_account'"
        )
    assert [violation.invariant for violation in check_ledger(path).violations] == ["the file is intact"]


def test_every_invariant_is_broken_by_a_test() -> None:
    assert set(TAMPERING) | {"the file is intact"} == set(INVARIANTS)


def test_a_missing_file_is_an_error_and_is_not_created(tmp_path: Path) -> None:
    with pytest.raises(sqlite3.Error):
        check_ledger(tmp_path / "none.sqlite3")
    assert not (tmp_path / "none.sqlite3").exists()
