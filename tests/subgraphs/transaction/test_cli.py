from __future__ import annotations

import asyncio
from datetime import timedelta
from typing import TYPE_CHECKING

from click.testing import CliRunner

from subgraphs.transaction import cli
from subgraphs.transaction.domain import Parties, TransactionStatus
from tests.subgraphs.transaction.support import (
    START,
    party,
    payment_order,
    recorded,
    sqlite_store,
    transaction,
    transfer_order,
)

if TYPE_CHECKING:
    from pathlib import Path

    import pytest

    from subgraphs.transaction.domain import Transaction


def test_open_orders_are_listed_oldest_first(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(cli, "_PAGE_SIZE", 2)
    ann, bob = party(), party()
    records = [
        transaction(transfer_order(ann, bob, f"{n}.00"), Parties(ann, bob), at=START + timedelta(seconds=n))
        for n in range(1, 6)
    ]
    held = transaction(payment_order(ann), Parties(ann, None), status=TransactionStatus.HELD)
    done = transaction(payment_order(ann), Parties(ann, None), status=TransactionStatus.COMPLETED)

    async def fill(*all_records: Transaction) -> None:
        async with sqlite_store(tmp_path) as store:
            for record in all_records:
                await recorded(store, record)

    asyncio.run(fill(*records, held, done))
    monkeypatch.setenv("MOSAFE_DATA_DIR", str(tmp_path))
    monkeypatch.chdir(tmp_path)
    result = CliRunner().invoke(cli.command, ["open"], catch_exceptions=False)
    lines = result.output.splitlines()
    assert [line.split()[0] for line in lines] == [record.id for record in (held, *records)]
    assert lines[0] == f"{held.id}  2026-03-01T12:00:00.000Z  HELD     PAYMENT     10.00 USD"


def test_without_open_orders_nothing_is_printed(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("MOSAFE_DATA_DIR", str(tmp_path))
    monkeypatch.chdir(tmp_path)
    result = CliRunner().invoke(cli.command, ["open"], catch_exceptions=False)
    assert (result.exit_code, result.output) == (0, "")
