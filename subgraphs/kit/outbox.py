"""Events of a store, kept in its outbox until they are published (bank §2.10).

A store writes the event in the database transaction that changes the state. So an event exists if and only if its
change was committed. Events are deleted after `RETENTION`, but not before every reader has read them.

A reader has a name, such as `kafka`, and a position in the outbox. Several processes may want to be the same reader.
Only the process that owns the lease on the reader's name reads (`subgraphs.kit.events.outbox_reader`).
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
# An operator has this long to look at an event that could not be processed. The event itself is deleted earlier, so the
# dead letter contains a copy.
DEAD_LETTER_RETENTION: Final = timedelta(days=30)
# The number of rows that one database transaction deletes. It is small, so that other writers need not wait.
PRUNE_BATCH: Final = 500


@dataclass(frozen=True, slots=True)
class Event:
    """A change of one aggregate, such as an account. The attributes have the names of CloudEvents 1.0.

    Attributes:
        type: the type of the event, such as `account.opened`.
        subject: the id of the aggregate (an account or a transaction).
        time: the time at which the state changed.
        data: a JSON object with ids, amounts and statuses. It contains no name, e-mail address, account number or free
            text.
        id: a unique id, by which consumers recognise a repeated delivery.
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


@dataclass(frozen=True, slots=True)
class DeadLetter:
    """An event that a consumer could not process.

    Attributes:
        group: the consumer group.
        event: a copy of the event.
        reason: why the last attempt failed, for operators.
        at: when the consumer gave up.
    """

    group: str
    event: Event
    reason: str
    at: datetime


class Outbox(Protocol):
    """The part of a store that keeps its events, the positions of their readers, and dead letters.

    A reader continues at its stored position, so it may stop at any time.
    """

    async def events(self, *, after: int, limit: int) -> Sequence[OutboxRow]:
        """Return up to `limit` events with a sequence greater than `after`, in ascending order.

        Events of one subject are in the order of their commits.

        Raises:
            Unavailable: the store does not respond.
        """

    async def prune_events(self, before: datetime, *, limit: int) -> int:
        """Delete events that are older than `before`. At most the `limit` oldest events are deleted.

        An event is not deleted before every reader has read it. All events are deleted in one database transaction.

        Returns:
            The number of deleted events.

        Raises:
            Unavailable: the store does not respond.
        """

    async def last_sequence(self) -> int:
        """Return the number of the newest event; 0 if there was none yet. Raises Unavailable."""

    async def take_position(self, reader: str, owner: str, *, seconds: float) -> int | None:
        """Take or renew the lease on the name `reader`, for `seconds` by the clock of the store.

        Returns:
            The position: the number of the last event that the reader has processed; 0 for a new reader. None if
            another owner has the lease.

        Raises:
            Unavailable: the store does not respond.
        """

    async def save_position(self, reader: str, owner: str, sequence: int) -> bool:
        """Set the position, unless another owner has taken over the lease. Return whether the position was set.

        Raises:
            Unavailable: the store does not respond.
        """

    async def release_position(self, reader: str, owner: str) -> None:
        """End the lease if `owner` has it. Raises Unavailable."""

    async def forget_reader(self, reader: str) -> None:
        """Delete the position of a reader that does not exist any more. Raises Unavailable."""

    async def set_position(self, reader: str, sequence: int) -> bool:
        """Set the position of a reader, whoever has the lease, and end the lease.

        A process that is reading continues at the new position when it next renews its lease.

        Returns:
            False if there is no such reader.

        Raises:
            Unavailable: the store does not respond.
        """

    async def add_dead_letter(self, letter: DeadLetter) -> None:
        """Keep a dead letter. Nothing changes if the group already has one for this event. Raises Unavailable."""

    async def dead_letters(self, *, limit: int) -> Sequence[DeadLetter]:
        """Return the newest `limit` dead letters, the newest first. Raises Unavailable."""

    async def delete_dead_letters(self, before: datetime) -> int:
        """Delete the dead letters that are older than `before`. Return their number. Raises Unavailable."""


async def prune(outbox: Outbox, now: datetime) -> int:
    """Delete the events older than `RETENTION`, in batches, and old dead letters.

    Returns:
        The number of deleted events.
    """
    total = 0
    await outbox.delete_dead_letters(now - DEAD_LETTER_RETENTION)
    while deleted := await outbox.prune_events(now - RETENTION, limit=PRUNE_BATCH):
        total += deleted
        if deleted < PRUNE_BATCH:
            break
    return total
