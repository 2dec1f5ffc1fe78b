"""The part of the contract of every transaction store that is about running orders: leases, and events of changes.

`store_contract.CONTRACT` contains these checks.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from contextlib import AbstractAsyncContextManager
from dataclasses import replace
from datetime import timedelta
from functools import partial
from typing import TYPE_CHECKING, Final

import pytest

from bank.identity import SUPPORT
from bank.values import new_object_id, new_user_id
from subgraphs.transaction.domain import IllegalTransition, Parties, Requester, TransactionStatus
from subgraphs.transaction.lease import DURATION, MAX_AHEAD, Lease
from subgraphs.transaction.problems import PaymentDeclined
from subgraphs.transaction.reversal import NotReversible, open_reversal
from subgraphs.transaction.states import Move, StatusChange, moved
from subgraphs.transaction.store.protocol import TransactionStore
from tests.subgraphs.kit.outbox_contract import dead_letters_are_kept_once, old_events_are_pruned_oldest_first
from tests.subgraphs.transaction.support import START, conclude, key_for, party, payment_order, recorded, transaction

if TYPE_CHECKING:
    from datetime import datetime

    from subgraphs.transaction.domain import Transaction

# Opens the same store at every call.
StoreFactory = Callable[[], AbstractAsyncContextManager[TransactionStore]]
S = TransactionStatus
MILLISECOND = timedelta(milliseconds=1)


async def of_several_claims_at_once_one_succeeds(factory: StoreFactory) -> None:
    async with factory() as store, factory() as other:
        record = await recorded(store, pending())
        leases = [Lease.take(f"process {n}", START) for n in range(10)]
        claimed = await asyncio.gather(
            *(s.claim(record.id, lease, START) for s, lease in zip([store, other] * 5, leases, strict=True))
        )
        assert [found for found in claimed if found is not None] == [record]


async def a_live_lease_keeps_others_away_until_it_expires(factory: StoreFactory) -> None:
    async with factory() as store:
        record, lease = pending(), Lease.take("one", START)
        await store.record(record, key_for(record), lease)
        last_moment = lease.expires_at - MILLISECOND
        assert await store.claim(record.id, Lease.take("two", last_moment), last_moment) is None
        assert await store.claim(record.id, Lease.take("one", last_moment), last_moment) is None
        assert await unclaimed(store, last_moment) == []
        assert await unclaimed(store, lease.expires_at) == [record.id]
        assert await store.claim(record.id, Lease.take("two", lease.expires_at), lease.expires_at) == record


async def a_lease_of_a_clock_far_ahead_is_not_live(factory: StoreFactory) -> None:
    async with factory() as store:
        record = pending()
        await store.record(record, key_for(record), Lease("one", START + MAX_AHEAD + MILLISECOND))
        assert await unclaimed(store, START) == [record.id]
        assert await store.claim(record.id, Lease.take("two", START), START) == record


async def a_lease_is_renewed_and_released_by_its_owner_only(factory: StoreFactory) -> None:
    async with factory() as store:
        record, other = pending(), pending()
        first, later = Lease.take("one", START), START + DURATION - MILLISECOND
        for one in (record, other):
            await store.record(one, key_for(one), first)
        await store.renew([record.id, other.id], Lease.take("two", later))
        await store.release(record.id, "two")
        assert await unclaimed(store, later) == []
        await store.renew([record.id, new_object_id()], Lease.take("one", later))
        assert await unclaimed(store, first.expires_at) == [other.id]
        await store.release(record.id, "one")
        await store.release(record.id, "one")
        assert await unclaimed(store, first.expires_at) == sorted([record.id, other.id])
        # A released lease is not renewed: another process may have the order by now.
        await store.renew([record.id], Lease.take("one", later))
        assert record.id in await unclaimed(store, first.expires_at)


async def only_pending_transactions_are_claimed(factory: StoreFactory) -> None:
    async with factory() as store:
        record, held = pending(), pending()
        for one in (record, held):
            await store.record(one, key_for(one), Lease.take("one", START))
        await conclude(store, record.id, S.COMPLETED, None, START)
        await conclude(store, held.id, S.HELD, None, START)
        expired = START + DURATION
        for transaction_id in (record.id, held.id, new_object_id()):
            assert await store.claim(transaction_id, Lease.take("two", expired), expired) is None
        assert await unclaimed(store, expired) == []
        # The step to HELD ended the lease, so that a release from review can be claimed at once.
        await conclude(store, held.id, S.PENDING, None, START)
        assert await unclaimed(store, START) == [held.id]


async def an_event_is_written_exactly_when_a_transaction_changes(factory: StoreFactory) -> None:
    async with factory() as store:
        record = pending()
        refused = replace(pending(), status=S.FAILED, problem=PaymentDeclined())
        await store.record(record, key_for(record, "key"), Lease.take("one", START))
        await store.record(replace(pending(), requester=record.requester), key_for(record, "key"))
        await recorded(store, refused)
        await store.release(record.id, "one")
        await store.claim(record.id, Lease.take("two", START), START)
        later = START + MILLISECOND
        for _ in range(2):
            await conclude(store, record.id, S.COMPLETED, None, later)
        with pytest.raises(IllegalTransition):
            await conclude(store, record.id, S.FAILED, PaymentDeclined(), later)
        with pytest.raises(IllegalTransition):
            await conclude(store, new_object_id(), S.COMPLETED, None, later)
        rows = await store.events(after=0, limit=10)
        assert [(row.event.type, row.event.subject, row.event.time, row.event.data["status"]) for row in rows] == [
            ("transaction.recorded", record.id, START, "PENDING"),
            ("transaction.recorded", refused.id, START, "FAILED"),
            ("transaction.status_changed", record.id, later, "COMPLETED"),
        ]
        assert rows[1].event.data["problemCode"] == "PAYMENT_DECLINED"


async def every_status_is_in_the_history(factory: StoreFactory) -> None:
    record, other = pending(), replace(pending(), status=S.FAILED, problem=PaymentDeclined())
    moments = [START + n * MILLISECOND for n in range(4)]
    reviewer = new_user_id()
    async with factory() as store:
        for one in (record, other):
            await recorded(store, one)
        for move, at, by in ((Move.HOLD, 1, None), (Move.APPROVE, 2, reviewer), (Move.COMPLETE, 3, None)):
            step = partial(moved, move=move, at=moments[at])
            for _ in range(2):
                await store.change(record.id, step, by=by)
        with pytest.raises(IllegalTransition):
            await store.change(record.id, partial(moved, move=Move.FAIL, at=START))
    async with factory() as store:
        assert await store.histories([record.id, other.id, new_object_id(), "nonsense"]) == {
            record.id: [
                StatusChange(S.PENDING, START),
                StatusChange(S.HELD, moments[1]),
                StatusChange(S.PENDING, moments[2], reviewer),
                StatusChange(S.COMPLETED, moments[3]),
            ],
            other.id: [StatusChange(S.FAILED, START)],
        }


async def a_change_decides_on_the_newest_state(factory: StoreFactory) -> None:
    """Of changes at once, each sees the results of those before it, so none of them is lost."""
    record = pending()
    async with factory() as store, factory() as other:
        await recorded(store, record)

        def tick(found: Transaction) -> Transaction:
            return replace(found, updated_at=found.updated_at + MILLISECOND)

        await asyncio.gather(*(s.change(record.id, tick) for s in [store, other] * 5))
        assert (await store.by_ids([record.id]))[record.id].updated_at == START + 10 * MILLISECOND
        assert [change.status for change in (await store.histories([record.id]))[record.id]] == [S.PENDING]
        assert len(await store.events(after=0, limit=20)) == 1


async def a_known_state_saves_a_read_and_decides_nothing(factory: StoreFactory) -> None:
    """A change by a caller whose known state is old gets the newest state, as a change without a known state."""
    record = pending()
    held, completed = START + MILLISECOND, START + 2 * MILLISECOND
    async with factory() as store:
        await store.record(record, key_for(record), Lease.take("one", START))
        after = await store.change(record.id, partial(moved, move=Move.HOLD, at=held), known=record)
        assert (after.status, after.updated_at) == (S.HELD, held)
        assert (await store.by_ids([record.id]))[record.id] == after
        # The known state allows this move, and the newest one does not.
        with pytest.raises(IllegalTransition):
            await store.change(record.id, partial(moved, move=Move.COMPLETE, at=completed), known=record)
        # The newest state allows this move, and the known one does not.
        approve = partial(moved, move=Move.APPROVE, at=completed)
        assert (await store.change(record.id, approve, by="reviewer", known=record)).status is S.PENDING
        # In the known state, this move changes nothing.
        old = replace(record, status=S.COMPLETED)
        complete = partial(moved, move=Move.COMPLETE, at=held)
        assert (await store.change(record.id, complete, known=old)).updated_at == held
        missing = replace(record, id=new_object_id())
        with pytest.raises(IllegalTransition):
            await store.change(missing.id, complete, known=missing)
        assert [change.status for change in (await store.histories([record.id]))[record.id]] == [
            S.PENDING,
            S.HELD,
            S.PENDING,
            S.COMPLETED,
        ]
        assert [row.event.data["status"] for row in await store.events(after=0, limit=10)] == [
            "PENDING",
            "HELD",
            "PENDING",
            "COMPLETED",
        ]


async def old_events_of_transactions_are_pruned(factory: StoreFactory) -> None:
    async with factory() as store:

        async def record_at(moment: datetime) -> None:
            await recorded(store, pending(moment))

        await old_events_are_pruned_oldest_first(store, record_at)
        await dead_letters_are_kept_once(store)


async def a_transaction_has_one_reversal_that_has_not_failed(factory: StoreFactory) -> None:
    async with factory() as store, factory() as other:
        ann, staff = party(), Requester(new_user_id(), frozenset({SUPPORT}))
        original = await recorded(store, transaction(payment_order(ann), Parties(ann, None), status=S.COMPLETED))

        def reversal() -> Transaction:
            return open_reversal(new_object_id(), original, staff, START)

        failed = await recorded(store, reversal())
        assert failed.order.reversal is not None
        assert (await other.by_ids([failed.id]))[failed.id] == failed
        with pytest.raises(NotReversible):
            await recorded(other, reversal())
        await conclude(store, failed.id, S.FAILED, PaymentDeclined(), START)
        attempts = await asyncio.gather(
            *(recorded(each, reversal()) for each in (store, other, store)), return_exceptions=True
        )
        assert [type(each) for each in attempts].count(NotReversible) == 2
        (made,) = (each for each in attempts if not isinstance(each, BaseException))
        # A repetition of the request that was recorded finds its own order.
        again = await store.record(replace(made, id=new_object_id()), key_for(made))
        assert again is not None
        assert again.transaction == made


def pending(at: datetime = START) -> Transaction:
    ann = party()
    return transaction(payment_order(ann), Parties(ann, None), at=at)


async def unclaimed(store: TransactionStore, at: datetime) -> list[str]:
    return list(await store.unclaimed_ids(at, after="", limit=10))


RUNNING_ORDERS_CONTRACT: Final[tuple[Callable[[StoreFactory], Awaitable[None]], ...]] = (
    of_several_claims_at_once_one_succeeds,
    a_live_lease_keeps_others_away_until_it_expires,
    a_lease_of_a_clock_far_ahead_is_not_live,
    a_lease_is_renewed_and_released_by_its_owner_only,
    only_pending_transactions_are_claimed,
    an_event_is_written_exactly_when_a_transaction_changes,
    every_status_is_in_the_history,
    a_transaction_has_one_reversal_that_has_not_failed,
    a_change_decides_on_the_newest_state,
    a_known_state_saves_a_read_and_decides_nothing,
    old_events_of_transactions_are_pruned,
)
