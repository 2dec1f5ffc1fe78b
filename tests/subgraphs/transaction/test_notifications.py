"""Notifications: which events make them, and what their owner sees.

Covers `subgraphs/transaction/graphql_notifications.py`.
"""

from __future__ import annotations

import asyncio
import random
from dataclasses import replace
from datetime import timedelta
from typing import TYPE_CHECKING, Any

import pytest

from bank import values
from bank.values import new_object_id
from subgraphs.kit.outbox import Event
from subgraphs.kit.pages import PageRequest
from subgraphs.transaction import events
from subgraphs.transaction.notifications import NotificationKind, consumer, of_event
from tests.subgraphs.bank import open_bank
from tests.subgraphs.transaction.support import START, sqlite_store

if TYPE_CHECKING:
    from pathlib import Path

    from tests.subgraphs.bank import Bank, Person

K = NotificationKind

LIST = """query ($unread: Boolean! = false, $after: String, $first: Int) {
  notifications(unreadOnly: $unread, after: $after, first: $first) {
    totalCount pageInfo { endCursor hasNextPage } nodes { id kind readAt transaction { id amount status } } } }"""
MARK = "mutation ($ids: [ID!]) { markNotificationsRead(ids: $ids) { marked unread } }"


def event(
    status: str, *, type_: str = "TRANSFER", source: str | None = "ann", destination: str | None = "bob"
) -> Event:
    data = {"type": type_, "status": status, "sourceUserId": source, "destinationUserId": destination}
    return Event(events.STATUS_CHANGED, new_object_id(), values.now(), data)


@pytest.mark.parametrize(
    ("given", "told"),
    [
        (event("COMPLETED"), {"ann": K.TRANSACTION_COMPLETED, "bob": K.MONEY_RECEIVED}),
        (event("COMPLETED", destination="ann"), {"ann": K.TRANSACTION_COMPLETED}),
        (event("COMPLETED", type_="DEPOSIT", source=None), {"bob": K.TRANSACTION_COMPLETED}),
        (event("COMPLETED", type_="PAYMENT", destination=None), {"ann": K.TRANSACTION_COMPLETED}),
        (event("COMPLETED", type_="REVERSAL"), {}),
        (event("HELD"), {"ann": K.TRANSACTION_HELD}),
        (event("FAILED"), {"ann": K.TRANSACTION_FAILED}),
        (event("REVERSED"), {"ann": K.TRANSACTION_REVERSED, "bob": K.TRANSACTION_REVERSED}),
        (event("PENDING"), {}),
        (Event(events.RECORDED, new_object_id(), values.now(), {"type": "TRANSFER", "status": "FAILED"}), {}),
        (Event("fraud.decided", new_object_id(), values.now(), {}), {}),
    ],
)
def test_an_event_notifies_the_owners(given: Event, told: dict[str, NotificationKind]) -> None:
    found = list(of_event(given))
    assert {each.user_id: each.kind for each in found} == told
    assert list(of_event(given)) == found  # the ids are the same, too
    assert len({each.id for each in found}) == len(found)


async def test_repeated_late_and_reordered_events_make_each_notification_once(tmp_path: Path) -> None:
    chosen = random.Random(11)
    events = [replace(event("COMPLETED"), time=START + timedelta(seconds=n)) for n in range(40)]
    deliveries = [*events, *chosen.choices(events, k=60)]
    chosen.shuffle(deliveries)
    async with sqlite_store(tmp_path) as store:
        while deliveries:
            batch, deliveries = deliveries[:7], deliveries[7:]
            await consumer(store).handle(batch)
        for user, kind in (("ann", K.TRANSACTION_COMPLETED), ("bob", K.MONEY_RECEIVED)):
            found = await store.notifications_of(user, PageRequest(100))
            assert [each.created_at for each in found] == [each.time for each in reversed(events)]
            assert [each.transaction_id for each in found] == [each.subject for each in reversed(events)]
            assert {each.kind for each in found} == {kind}


async def notifications(bank: Bank, person: Person, count: int) -> list[dict[str, Any]]:
    """The notifications of a person, when there are `count` of them."""
    while True:
        found = (await bank.as_(person).execute(LIST)).ok()["notifications"]["nodes"]
        if len(found) >= count:
            nodes: list[dict[str, Any]] = found
            return nodes
        await asyncio.sleep(0.01)


async def test_both_sides_of_a_transfer_are_notified(bank: Bank) -> None:
    hers, his = await bank.open(bank.ann, "100.00"), await bank.open(bank.bob)
    sent = await bank.order(bank.ann, "transfer", sourceAccountId=hers["id"], destinationAccountId=his["id"])
    (received,) = await notifications(bank, bank.bob, 1)
    assert received["kind"] == "MONEY_RECEIVED"
    assert received["transaction"] == {"id": sent["transaction"]["id"], "amount": "10.00", "status": "COMPLETED"}
    own = await notifications(bank, bank.ann, 2)
    assert [each["kind"] for each in own] == ["TRANSACTION_COMPLETED"] * 2
    assert (await bank.as_(bank.staff).execute(LIST)).ok()["notifications"]["nodes"] == []


async def test_a_page_and_a_count_of_unread_notifications(bank: Bank) -> None:
    await bank.open(bank.ann, "100.00")
    await bank.open(bank.ann, "50.00")
    newest, oldest = await notifications(bank, bank.ann, 2)
    client = bank.as_(bank.ann)
    first = (await client.execute(LIST, {"first": 1})).ok()["notifications"]
    assert (first["nodes"], first["totalCount"], first["pageInfo"]["hasNextPage"]) == ([newest], 2, True)
    second = (await client.execute(LIST, {"after": first["pageInfo"]["endCursor"]})).ok()["notifications"]
    assert second["nodes"] == [oldest]

    marked = (await bank.as_(bank.bob).execute(MARK, {"ids": [newest["id"]]})).ok()["markNotificationsRead"]
    assert marked == {"marked": 0, "unread": 0}
    marked = (await client.execute(MARK, {"ids": [newest["id"], "x"]})).ok()["markNotificationsRead"]
    assert marked == {"marked": 1, "unread": 1}
    unread = (await client.execute(LIST, {"unread": True})).ok()["notifications"]
    assert (unread["nodes"], unread["totalCount"]) == ([oldest], 1)
    assert (await client.execute(MARK)).ok()["markNotificationsRead"] == {"marked": 1, "unread": 0}


async def test_notifications_need_a_caller_and_a_bounded_list(bank: Bank) -> None:
    assert (await bank.as_(None).execute(LIST)).codes == ["UNAUTHENTICATED"]
    assert (await bank.as_(None).execute(MARK)).codes == ["UNAUTHENTICATED"]
    assert (await bank.as_(bank.ann).execute(LIST, {"after": "forged"})).codes == ["BAD_USER_INPUT"]
    assert (await bank.as_(bank.ann).execute(MARK, {"ids": ["x"] * 101})).codes == ["BAD_USER_INPUT"]


async def test_with_kafka_the_notifications_come_from_the_topic(tmp_path: Path, kafka_brokers: str) -> None:
    async with open_bank(tmp_path, KAFKA_BROKERS=kafka_brokers) as bank:
        await bank.open(bank.ann, "100.00")
        (deposit,) = await notifications(bank, bank.ann, 1)
        assert deposit["kind"] == "TRANSACTION_COMPLETED"
