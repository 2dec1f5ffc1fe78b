"""The ledger's invariants on every store: random operations, two stores on the same data."""

from __future__ import annotations

import tempfile
from pathlib import Path
from typing import TYPE_CHECKING, Any, ClassVar

from hypothesis import HealthCheck, settings
from hypothesis.stateful import invariant, run_state_machine_as_test

from subgraphs.account.store.sqlite_ledger_check import check_ledger
from tests.subgraphs.account.hold_machine import HoldMachine
from tests.subgraphs.account.support import mongo_factory, sqlite_factory

if TYPE_CHECKING:
    from pymongo import MongoClient

    from tests.subgraphs.account.support import StoreFactory


class SqliteLedger(HoldMachine):
    """The machine on one file, which the ledger check reads too."""

    def __init__(self) -> None:
        self.folder = tempfile.TemporaryDirectory()
        self.path = Path(self.folder.name) / "account.sqlite3"
        super().__init__()

    def factory(self) -> StoreFactory:
        return sqlite_factory(self.path)

    @invariant()
    def the_ledger_check_finds_nothing(self) -> None:
        report = check_ledger(self.path)
        assert report.sound, report.violations
        assert report.accounts == len(self.known)
        assert report.posted + report.refused == len(self.decided)

    def teardown(self) -> None:
        super().teardown()
        self.folder.cleanup()


def test_no_sequence_of_operations_breaks_the_ledger() -> None:
    # About 600 steps, a few seconds. The model checks every outcome, so a few steps find much.
    bounded = settings(
        max_examples=20, stateful_step_count=30, deadline=None, suppress_health_check=[HealthCheck.too_slow]
    )
    run_state_machine_as_test(SqliteLedger, settings=bounded)


class MongoLedger(HoldMachine):
    """The machine on one database; the test sets the URL."""

    url: ClassVar[str]

    def factory(self) -> StoreFactory:
        return mongo_factory(self.url)


def test_no_sequence_of_operations_breaks_the_ledger_in_mongodb(
    accounts_url: str, mongo_database: MongoClient[dict[str, Any]]
) -> None:
    _ = mongo_database
    MongoLedger.url = accounts_url
    # A step takes longer than in SQLite, and the rules are the same. So fewer steps suffice.
    bounded = settings(
        max_examples=4, stateful_step_count=15, deadline=None, suppress_health_check=[HealthCheck.too_slow]
    )
    run_state_machine_as_test(MongoLedger, settings=bounded)
