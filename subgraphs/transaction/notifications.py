"""Notifications: messages to a person about transactions, made from the events of transactions (docs/events.md). Pure.

| status of the transaction | who is notified | kind |
|---|---|---|
| HELD | the owner of the order | `TRANSACTION_HELD` |
| FAILED | the owner of the order | `TRANSACTION_FAILED` |
| COMPLETED | the owner of the order | `TRANSACTION_COMPLETED` |
| COMPLETED | the receiver, if this is another person | `MONEY_RECEIVED` |
| REVERSED | the owners of both accounts | `TRANSACTION_REVERSED` |

A reversal is a separate transaction. Nobody is notified of it, because both owners are notified of the transaction
that it reverses.
"""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from datetime import timedelta
from enum import StrEnum
from typing import TYPE_CHECKING, Final, Protocol

from bank.events.topics import TRANSACTIONS
from subgraphs.kit.events.bus import Consumer
from subgraphs.kit.times import to_milliseconds
from subgraphs.transaction.domain import TransactionStatus, TransactionType
from subgraphs.transaction.events import STATUS_CHANGED

if TYPE_CHECKING:
    from collections.abc import Collection, Iterator, Sequence
    from datetime import datetime

    from subgraphs.kit.outbox import Event
    from subgraphs.kit.pages import PageRequest, SortKey

GROUP: Final = "notifications"
# After this time, a notification is deleted. The transaction itself is kept.
RETENTION: Final = timedelta(days=90)
# How many notifications are deleted in one database transaction.
DELETE_BATCH: Final = 500
# The number of parts of a sort key.
SORT_KEY_WIDTH: Final = 2


class NotificationKind(StrEnum):
    MONEY_RECEIVED = "MONEY_RECEIVED"
    TRANSACTION_COMPLETED = "TRANSACTION_COMPLETED"
    TRANSACTION_FAILED = "TRANSACTION_FAILED"
    TRANSACTION_HELD = "TRANSACTION_HELD"
    TRANSACTION_REVERSED = "TRANSACTION_REVERSED"


@dataclass(frozen=True, slots=True)
class Notification:
    """A notification of one person.

    Attributes:
        id: 24 hexadecimal digits. They depend only on the event and the person, so the same event never makes a second
            notification.
        created_at: the time of the event.
        read_at: None until the person has read it.
    """

    id: str
    user_id: str
    kind: NotificationKind
    transaction_id: str
    created_at: datetime
    read_at: datetime | None = None


class NotificationStore(Protocol):
    """The notifications of all persons.

    Every method raises Unavailable when the store does not respond. The tests of every implementation are in
    `tests/subgraphs/transaction/notification_contract.py`.
    """

    async def add_notifications(self, notifications: Sequence[Notification]) -> None:
        """Insert those notifications whose ids do not exist yet."""

    async def notifications_of(
        self, user_id: str, page: PageRequest, *, unread_only: bool = False
    ) -> Sequence[Notification]:
        """Return up to `page.limit + 1` notifications, newest first; in reverse order if `page.backwards`.

        `sort_key` makes the sort keys of the page.
        """

    async def count_notifications(self, user_id: str, *, unread_only: bool = False) -> int:
        """Return the number of the person's notifications."""

    async def mark_read(self, user_id: str, ids: Collection[str] | None, at: datetime) -> int:
        """Mark unread notifications of the person as read at a time: those with these ids, or all if `ids` is None.

        Returns:
            How many were marked. Those of other persons, and those that were read before, do not change.
        """

    async def delete_notifications(self, before: datetime, *, limit: int) -> int:
        """Delete up to `limit` notifications that are older than `before`. Return their number."""


def sort_key(notification: Notification) -> SortKey:
    """Return the sort key of a notification: its time in milliseconds since 1970, and its id."""
    return str(to_milliseconds(notification.created_at)), notification.id


def of_event(event: Event) -> Iterator[Notification]:
    """Yield the notifications of an event. Most types of events have none."""
    if event.type != STATUS_CHANGED or event.data["type"] == TransactionType.REVERSAL:
        return
    source, destination = event.data["sourceUserId"], event.data["destinationUserId"]
    owner = destination if source is None else source
    status = event.data["status"]
    told: dict[object, NotificationKind] = {}
    if status == TransactionStatus.COMPLETED:
        told = {destination: NotificationKind.MONEY_RECEIVED, owner: NotificationKind.TRANSACTION_COMPLETED}
    elif status == TransactionStatus.REVERSED:
        told = dict.fromkeys((destination, source), NotificationKind.TRANSACTION_REVERSED)
    elif status == TransactionStatus.FAILED:
        told = {owner: NotificationKind.TRANSACTION_FAILED}
    elif status == TransactionStatus.HELD:
        told = {owner: NotificationKind.TRANSACTION_HELD}
    for user_id, kind in told.items():
        if isinstance(user_id, str):
            yield Notification(_id_of(event, user_id), user_id, kind, event.subject, event.time)


def _id_of(event: Event, user_id: str) -> str:
    return hashlib.sha256(f"{event.id}:{user_id}".encode()).hexdigest()[:24]


def consumer(store: NotificationStore) -> Consumer:
    """Return the consumer that writes the notifications of all persons."""

    async def handle(events: Sequence[Event]) -> None:
        found = [notification for event in events for notification in of_event(event)]
        if found:
            await store.add_notifications(found)

    return Consumer(GROUP, frozenset({TRANSACTIONS}), handle)


async def delete_old(store: NotificationStore, now: datetime) -> None:
    """Delete the notifications that are older than `RETENTION`."""
    while await store.delete_notifications(now - RETENTION, limit=DELETE_BATCH) == DELETE_BATCH:
        pass
