"""Joining the installation; `tests/security/test_lost_stores.py` tests it with the three services."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from bank.store_records import StoreMismatch, StoreRecords
from subgraphs.kit.store_identity import joined
from tests.subgraphs.account.support import opened, person, sqlite_factory
from tests.subgraphs.transaction.support import sqlite_store

if TYPE_CHECKING:
    from pathlib import Path


async def test_changes_are_recorded_while_the_service_runs_and_others_are_remembered_at_its_end(tmp_path: Path) -> None:
    records = StoreRecords(tmp_path)
    async with sqlite_factory(tmp_path / "account.sqlite3")() as accounts, sqlite_store(tmp_path) as transactions:
        async with joined(accounts, "account", tmp_path):
            assert records.read() == {"account": await accounts.identity()}
            await opened(accounts, person())
            assert records.read() == {"account": await accounts.identity()}
            async with joined(transactions, "transaction", tmp_path):
                assert set(await transactions.known_stores()) == {"account"}
        assert await accounts.known_stores() == {"transaction": await transactions.identity()}
        before = records.read()
        await opened(accounts, person())
        assert records.read() == before


async def test_a_mismatch_leaves_the_records_and_the_store_as_they_are(tmp_path: Path) -> None:
    async with sqlite_factory(tmp_path / "account.sqlite3")() as store, joined(store, "account", tmp_path):
        await opened(store, person())
    before = StoreRecords(tmp_path).read()
    async with sqlite_factory(tmp_path / "other.sqlite3")() as other:
        with pytest.raises(StoreMismatch):
            async with joined(other, "account", tmp_path):
                pass
        assert await other.known_stores() == {}
    assert StoreRecords(tmp_path).read() == before


async def test_a_folder_that_is_lost_while_the_service_runs_does_not_fail_its_end(tmp_path: Path) -> None:
    async with sqlite_factory(tmp_path / "account.sqlite3")() as store:
        async with joined(store, "account", tmp_path):
            (tmp_path / "stores" / "account").write_text("damaged")
            await opened(store, person())
        assert await store.known_stores() == {}
