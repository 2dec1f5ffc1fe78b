"""The work that the running service does beside its requests."""

from __future__ import annotations

import asyncio
from datetime import timedelta
from typing import TYPE_CHECKING

from bank import values
from servicekit.settings import load
from subgraphs.kit.outbox import RETENTION
from subgraphs.transaction import saga
from subgraphs.transaction.app import create_app
from subgraphs.transaction.domain import Parties, TransactionStatus
from subgraphs.transaction.settings import TransactionSettings
from tests.subgraphs.support import running
from tests.subgraphs.transaction.support import party, payment_order, recorded, sqlite_store, transaction

if TYPE_CHECKING:
    from pathlib import Path

    import pytest


async def test_the_service_renews_leases_from_its_start(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    renewed = asyncio.Event()

    async def renew(_orders: saga.Orders) -> None:
        renewed.set()

    monkeypatch.setattr(saga.Orders, "renew_leases", renew)
    async with running(create_app(load(TransactionSettings, {"MOSAFE_DATA_DIR": str(tmp_path)}))):
        async with asyncio.timeout(30):
            await renewed.wait()


async def test_the_service_deletes_events_older_than_a_week(tmp_path: Path) -> None:
    ann = party()
    async with sqlite_store(tmp_path) as store:
        old, new = (
            transaction(payment_order(ann), Parties(ann, None), at=at, status=TransactionStatus.COMPLETED)
            for at in (values.now() - RETENTION - timedelta(minutes=1), values.now())
        )
        for record in (old, new):
            await recorded(store, record)
        async with running(create_app(load(TransactionSettings, {"MOSAFE_DATA_DIR": str(tmp_path)}))):
            async with asyncio.timeout(30):
                while len(rows := await store.events(after=0, limit=9)) > 1:
                    pass
        assert [row.event.subject for row in rows] == [new.id]
