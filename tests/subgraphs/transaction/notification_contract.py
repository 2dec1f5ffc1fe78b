"""The contract of the notifications in a store.

Covers `subgraphs/transaction/store/sqlite_notifications.py` and `subgraphs/transaction/store/mongo_notifications.py`.
"""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta
from typing import TYPE_CHECKING, Final

from bank.values import new_object_id, new_user_id
from subgraphs.kit.pages import PageRequest
from subgraphs.transaction.notifications import Notification, NotificationKind, delete_old, sort_key
from tests.subgraphs.transaction.support import START

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable
    from datetime import datetime

    from subgraphs.transaction.store.protocol import TransactionStore
    from tests.subgraphs.transaction.running_orders_contract import StoreFactory

MINUTE: Final = timedelta(minutes=1)


def notification(user_id: str, at: datetime = START) -> Notification:
    return Notification(new_object_id(), user_id, NotificationKind.MONEY_RECEIVED, new_object_id(), at)


async def ids(store: TransactionStore, user_id: str, page: PageRequest, *, unread_only: bool = False) -> list[str]:
    return [each.id for each in await store.notifications_of(user_id, page, unread_only=unread_only)]


async def a_notification_is_added_once(factory: StoreFactory) -> None:
    ann, other = notification(new_user_id()), notification(new_user_id())
    async with factory() as store:
        await store.add_notifications([ann, other])
        assert await store.mark_read(ann.user_id, [ann.id], START + MINUTE) == 1
        await store.add_notifications([replace(ann, kind=NotificationKind.TRANSACTION_FAILED), other])
    async with factory() as store:
        read = replace(ann, read_at=START + MINUTE)
        assert await store.notifications_of(ann.user_id, PageRequest()) == [read]
        assert await store.notifications_of(other.user_id, PageRequest()) == [other]


async def notifications_have_pages_in_both_directions(factory: StoreFactory) -> None:
    user = new_user_id()
    # Two of each time, so that the id decides about their order.
    rows = [notification(user, START + MINUTE * (n // 2)) for n in range(7)]
    newest_first = sorted(rows, key=lambda row: (row.created_at, row.id), reverse=True)
    expected = [row.id for row in newest_first]
    async with factory() as store:
        await store.add_notifications([*rows, notification(new_user_id())])
        for at in range(7):
            after, before = PageRequest(2, after=sort_key(newest_first[at])), PageRequest(2, backwards=True)
            assert await ids(store, user, after) == expected[at + 1 : at + 4]
            before = replace(before, before=sort_key(newest_first[at]))
            assert await ids(store, user, before) == expected[max(0, at - 3) : at][::-1]
        assert await store.count_notifications(user) == 7


async def only_own_unread_notifications_are_marked(factory: StoreFactory) -> None:
    ann, bob = new_user_id(), new_user_id()
    rows = [notification(ann, START + MINUTE * n) for n in range(4)]
    other = notification(bob)
    async with factory() as store:
        await store.add_notifications([*rows, other])
        chosen = [rows[1].id, other.id, "nonsense", new_object_id()]
        assert await store.mark_read(ann, chosen, START) == 1
        assert await store.mark_read(ann, chosen, START + MINUTE) == 0
        assert await ids(store, ann, PageRequest(), unread_only=True) == [rows[n].id for n in (3, 2, 0)]
        assert await ids(store, ann, PageRequest(2, after=sort_key(rows[3])), unread_only=True) == [
            rows[n].id for n in (2, 0)
        ]
        assert await store.count_notifications(ann, unread_only=True) == 3
        assert await store.mark_read(ann, None, START + MINUTE) == 3
        assert await store.count_notifications(ann, unread_only=True) == 0
        assert await store.count_notifications(bob, unread_only=True) == 1
        read_at = {each.id: each.read_at for each in await store.notifications_of(ann, PageRequest())}
        assert read_at == {row.id: START + (timedelta(0) if row is rows[1] else MINUTE) for row in rows}


async def old_notifications_are_deleted(factory: StoreFactory) -> None:
    user = new_user_id()
    rows = [notification(user, START + timedelta(days=n)) for n in range(4)]
    async with factory() as store:
        await store.add_notifications(rows)
        assert await store.delete_notifications(START, limit=10) == 0
        assert await store.delete_notifications(rows[2].created_at, limit=1) == 1
        await delete_old(store, rows[2].created_at + timedelta(days=90))
        assert await ids(store, user, PageRequest()) == [rows[3].id, rows[2].id]


CONTRACT: Final[tuple[Callable[[StoreFactory], Awaitable[None]], ...]] = (
    a_notification_is_added_once,
    notifications_have_pages_in_both_directions,
    only_own_unread_notifications_are_marked,
    old_notifications_are_deleted,
)
