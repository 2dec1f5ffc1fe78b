"""The contract of the exports in a store, and of the work on them.

Covers `subgraphs/account/store/sqlite_exports.py`, `subgraphs/account/store/mongo_exports.py` and
`subgraphs/account/exports/export.py`.
"""

from __future__ import annotations

import asyncio
import csv
import json
from dataclasses import replace
from datetime import timedelta
from itertools import pairwise
from typing import TYPE_CHECKING, Any

import pytest

from bank import values
from bank.values import new_object_id, new_user_id
from subgraphs.account.exports import worker
from subgraphs.account.exports.export import (
    EXPORT_LIFETIME,
    ExportFailure,
    ExportFormat,
    ExportStatus,
    Result,
    StatementExport,
    open_export,
    requested,
)
from subgraphs.account.statements import Period
from tests.subgraphs.account.hold_contract import in_an_hour
from tests.subgraphs.account.support import funded, person, withdrawal
from tests.subgraphs.kit.outbox_contract import START

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable
    from datetime import datetime

    from subgraphs.account.domain import Account
    from subgraphs.account.store.protocol import AccountStore
    from tests.subgraphs.account.support import StoreFactory

MILLISECOND = timedelta(milliseconds=1)


def export_of(user_id: str, at: datetime = START) -> StatementExport:
    return open_export(user_id, (new_object_id(), "JPY"), ExportFormat.CSV, Period(START - EXPORT_LIFETIME, at), at)


def of_account(account: Account, format_: ExportFormat) -> StatementExport:
    period = Period(account.created_at, in_an_hour())
    return open_export(account.user_id, (account.id, account.currency), format_, period, values.now())


async def an_export_and_its_event_are_recorded_together(factory: StoreFactory) -> None:
    export = export_of(new_user_id())
    async with factory() as store:
        assert await store.request_export(export)
        (row,) = await store.events(after=0, limit=10)
        assert replace(row.event, id="") == replace(requested(export), id="")
        assert not await store.request_export(replace(export, id=new_object_id()), max_exports=1)
        assert len(await store.events(after=0, limit=10)) == 1
    async with factory() as store:
        assert await store.export(export.id) == export
        assert await store.export("nonsense") is None
        assert await store.export(new_object_id()) is None


async def a_user_has_a_bounded_number_of_exports_at_a_time(factory: StoreFactory) -> None:
    user = new_user_id()
    async with factory() as store, factory() as other:
        stores = [store, other] * 4
        accepted = await asyncio.gather(*(each.request_export(export_of(user), max_exports=3) for each in stores))
        assert sum(accepted) == 3
        assert len(await store.exports_of(user, START)) == 3
        assert await store.request_export(export_of(new_user_id()), max_exports=3)
        assert not await store.request_export(export_of(user, START + EXPORT_LIFETIME - MILLISECOND), max_exports=3)
        newer = export_of(user, START + EXPORT_LIFETIME)
        assert await store.request_export(newer, max_exports=3)
        assert await store.exports_of(user, newer.requested_at) == [newer]


async def an_export_is_finished_once(factory: StoreFactory) -> None:
    export = export_of(new_user_id())
    async with factory() as store:
        await store.request_export(export)
        await store.finish_export(export.id, Result(ExportStatus.COMPLETED, 7, 2))
        await store.finish_export(export.id, Result(ExportStatus.FAILED, failure=ExportFailure.INTERNAL_ERROR))
        done = replace(export, status=ExportStatus.COMPLETED, entries=7, parts=2)
        assert await store.export(export.id) == done


async def expired_exports_are_deleted_with_their_parts(factory: StoreFactory) -> None:
    old, new = export_of(new_user_id()), export_of(new_user_id(), START + MILLISECOND)
    async with factory() as store:
        for export in (old, new):
            await store.request_export(export)
            await store.save_export_part(export.id, 0, "first")
            await store.save_export_part(export.id, 1, "second")
            await store.save_export_part(export.id, 1, "again")
        assert await store.export_part(old.id, 1) == "again"
        await worker.delete_expired(store, old.expires_at - MILLISECOND)
        assert await store.export(old.id) == old
        await worker.delete_expired(store, old.expires_at)
        assert await store.export(old.id) is None
        assert await store.export_part(old.id, 0) is None
        assert await store.export_part(new.id, 0) == "first"
        assert await store.export_part(new.id, 2) is None


async def file_of(store: AccountStore, export: StatementExport) -> tuple[StatementExport, str]:
    """Let the consumer work on an export, and return the export and its file."""
    await store.request_export(export)
    await worker.consumer(store).handle([requested(export)])
    finished = await store.export(export.id)
    assert finished is not None
    parts = [await store.export_part(export.id, number) for number in range(finished.parts)]
    return finished, "".join(part or "" for part in parts)


async def a_file_has_all_entries_of_the_period(factory: StoreFactory) -> None:
    async with factory() as store:
        ann = person()
        account = await funded(store, ann, "10.00")
        for _ in range(6):
            await store.post(withdrawal(ann, account.id, "1.25"))
        with pytest.MonkeyPatch.context() as patch:
            patch.setattr(worker, "ENTRIES_PER_PART", 3)
            exported, text = await file_of(store, of_account(account, ExportFormat.CSV))
            in_json, document = await file_of(store, of_account(account, ExportFormat.JSON))
            empty = Period(account.created_at - EXPORT_LIFETIME, account.created_at - MILLISECOND)
            nothing, no_lines = await file_of(store, replace(of_account(account, ExportFormat.JSON), period=empty))
            patch.setattr(worker, "MAX_ENTRIES", 6)
            refused, _ = await file_of(store, of_account(account, ExportFormat.CSV))
    assert [(each.status, each.entries, each.parts) for each in (exported, in_json, nothing)] == [
        (ExportStatus.COMPLETED, 7, 3),
        (ExportStatus.COMPLETED, 7, 3),
        (ExportStatus.COMPLETED, 0, 1),
    ]
    assert (refused.status, refused.failure) == (ExportStatus.FAILED, ExportFailure.TOO_MANY_ENTRIES)
    lines = list(csv.DictReader(text.splitlines()))
    assert [(line["amount"], line["currency"]) for line in lines] == [("10.00", "USD"), *[("-1.25", "USD")] * 6]
    assert [line["balance"] for line in lines] == ["10.00", "8.75", "7.50", "6.25", "5.00", "3.75", "2.50"]
    assert all(one["postedAt"] <= other["postedAt"] for one, other in pairwise(lines))
    found: dict[str, Any] = json.loads(document)
    assert [{**entry, "currency": "USD"} for entry in found.pop("data")] == lines
    assert found == {
        "accountId": account.id,
        "currency": "USD",
        "from": values.format_timestamp(in_json.period.begin),
        "to": values.format_timestamp(in_json.period.end),
        "openingBalance": "0.00",
        "closingBalance": "2.50",
    }
    assert json.loads(no_lines)["data"] == []


CONTRACT: tuple[Callable[[StoreFactory], Awaitable[None]], ...] = (
    an_export_and_its_event_are_recorded_together,
    a_user_has_a_bounded_number_of_exports_at_a_time,
    an_export_is_finished_once,
    expired_exports_are_deleted_with_their_parts,
    a_file_has_all_entries_of_the_period,
)
