"""Events of a store, kept in its outbox until they are published (bank §2.10).

A store writes the event in the database transaction that changes the state, so an event exists exactly when its
change was committed. No process reads the outbox yet; events are deleted after `RETENTION`.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import timedelta
from typing import TYPE_CHECKING, Final, Protocol

from bank.values import new_object_id

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from datetime import datetime

RETENTION: Final = timedelta(days=7)
# Rows deleted in one database transaction: few enough that other writers do not wait.
PRUNE_BATCH: Final = 500


@dataclass(frozen=True, slots=True)
class Event:
    """One change of one aggregate; the names are those of CloudEvents 1.0.

    Attributes:
        type: such as `account.opened`.
        subject: id of the aggregate (an account, a transaction).
        time: when the state changed.
        data: JSON object of ids, amounts and statuses; no name, e-mail address, account number or free text.
        id: unique; consumers recognise a repeated delivery by it.
    """

    type: str
    subject: str
    time: datetime
    data: Mapping[str, object]
    id: str = field(default_factory=new_object_id)


@dataclass(frozen=True, slots=True)
class OutboxRow:
    """A stored event. `sequence` increases with every event of the store and is never reused."""

    sequence: int
    event: Event


class Outbox(Protocol):
    """The part of a store that keeps its events."""

    async def events(self, *, after: int, limit: int) -> Sequence[OutboxRow]:
        """Up to `limit` events with a sequence greater than `after`, in ascending order.

        Events of one subject are in the order of their commits.

        Raises:
            Unavailable: the store does not respond.
        """

    async def prune_events(self, before: datetime, *, limit: int) -> int:
        """Delete events older than `before` among the `limit` oldest ones, in one database transaction.

        Returns:
            The number of deleted events.

        Raises:
            Unavailable: the store does not respond.
        """


async def prune(outbox: Outbox, now: datetime) -> int:
    """Delete the events older than `RETENTION`, in batches; returns their number."""
    total = 0
    while deleted := await outbox.prune_events(now - RETENTION, limit=PRUNE_BATCH):
        total += deleted
        if deleted < PRUNE_BATCH:
            break
    return total
