"""Works on exports: the consumer group `statement-exports` of the topic `exports.v1`."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final, Protocol

import structlog

from bank.events.topics import EXPORTS
from bank.values import from_minor_units
from subgraphs.account.exports import files
from subgraphs.account.exports.export import REQUESTED, ExportFailure, ExportStatus, ExportStore, Result
from subgraphs.account.statements import sort_key
from subgraphs.kit.events.bus import Consumer
from subgraphs.kit.pages import PageRequest

if TYPE_CHECKING:
    from collections.abc import Collection, Mapping, Sequence
    from datetime import datetime
    from decimal import Decimal

    from subgraphs.account.exports.export import StatementExport
    from subgraphs.account.statements import LedgerEntry, Period
    from subgraphs.kit.outbox import Event

GROUP: Final = "statement-exports"
# A part has about 100 bytes for each entry, so a response with a part stays small.
ENTRIES_PER_PART: Final = 1_000
# An export with more entries fails; a person can ask for shorter periods. All exports of a user together then have at
# most about 100 MB.
MAX_ENTRIES: Final = 100_000
# How many exports are deleted in one database transaction.
DELETE_BATCH: Final = 20

_log = structlog.stdlib.get_logger("exports")


class StatementSource(ExportStore, Protocol):
    """The parts of the account store that the work needs; see `AccountStore`."""

    async def entries(
        self, wanted: Collection[tuple[str, Period]], page: PageRequest
    ) -> Mapping[tuple[str, Period], Sequence[LedgerEntry]]:
        """Return a page of entries for each pair of an account id and a period."""

    async def balances_before(
        self, moments: Collection[tuple[str, datetime]]
    ) -> Mapping[tuple[str, datetime], Decimal]:
        """Return the balance before the moment for each pair of an account id and a moment."""


def consumer(store: StatementSource) -> Consumer:
    """Return the consumer that writes the files.

    If it is interrupted, it writes the same parts again, because entries never change and the period is over.
    """

    async def handle(events: Sequence[Event]) -> None:
        for event in events:
            export = await store.export(event.subject) if event.type == REQUESTED else None
            if export is not None and export.status is ExportStatus.PENDING:
                await store.finish_export(export.id, await _write(store, export))

    async def give_up(event: Event) -> None:
        await store.finish_export(event.subject, Result(ExportStatus.FAILED, failure=ExportFailure.INTERNAL_ERROR))

    return Consumer(GROUP, frozenset({EXPORTS}), handle, give_up)


async def _write(store: StatementSource, export: StatementExport) -> Result:
    account, period = export.account_id, export.period
    balances = await store.balances_before([(account, period.begin), (account, period.end)])
    nothing = from_minor_units(0, export.currency)
    opening, closing = (balances.get((account, at), nothing) for at in (period.begin, period.end))
    text, written, parts, after = files.head(export, opening, closing), 0, 0, None
    while True:
        page = PageRequest(ENTRIES_PER_PART, after=after)
        found = (await store.entries([(account, period)], page)).get((account, period), ())
        rows = found[:ENTRIES_PER_PART]
        text += files.lines(export, rows, is_first=written == 0)
        written += len(rows)
        if written > MAX_ENTRIES:
            return Result(ExportStatus.FAILED, failure=ExportFailure.TOO_MANY_ENTRIES)
        is_last = len(found) <= ENTRIES_PER_PART
        await store.save_export_part(export.id, parts, text + (files.tail(export) if is_last else ""))
        text, parts = "", parts + 1
        if is_last:
            _log.info("statement exported", export=export.id, entries=written, parts=parts)
            return Result(ExportStatus.COMPLETED, written, parts)
        after = sort_key(rows[-1])


async def delete_expired(store: ExportStore, now: datetime) -> None:
    """Delete the exports that have expired."""
    while await store.delete_exports(now, limit=DELETE_BATCH) == DELETE_BATCH:
        pass
