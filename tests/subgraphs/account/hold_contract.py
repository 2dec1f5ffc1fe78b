"""The part of the contract of account stores that is about holds, hash chains and the sums of a person.

Covers `subgraphs/account/holds.py`.
"""

from __future__ import annotations

import asyncio
from dataclasses import replace
from datetime import timedelta
from decimal import Decimal
from typing import TYPE_CHECKING

import pytest

from bank import values
from bank.values import InvalidValue, new_object_id
from subgraphs.account.domain import AccountStatus, AccountType
from subgraphs.account.errors import TransactionIdReused
from subgraphs.account.holds import Hold, HoldStatus
from subgraphs.account.limits import Ceiling, Limits
from tests.subgraphs.account.support import (
    code_of,
    current,
    deposit,
    funded,
    opened,
    person,
    transfer,
    with_status,
    withdrawal,
)
from tests.subgraphs.kit.outbox_contract import last_sequence

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable
    from datetime import datetime

    from subgraphs.account.domain import Account
    from subgraphs.account.postings import Posting
    from subgraphs.account.store.protocol import AccountStore
    from tests.subgraphs.account.support import StoreFactory


def in_an_hour() -> datetime:
    return values.now() + timedelta(hours=1)


async def held(store: AccountStore, posting: Posting, expires_at: datetime | None = None) -> Hold:
    hold = await store.reserve(posting, expires_at or in_an_hour())
    assert isinstance(hold, Hold), hold
    return hold


async def amounts(store: AccountStore, account: Account) -> tuple[str, str, str]:
    """The balance, the held and the available money."""
    now = await current(store, account)
    return str(now.balance), str(now.held), str(now.available)


async def a_hold_reserves_money_and_is_captured_once(factory: StoreFactory) -> None:
    async with factory() as store:
        ann, bob = person(), person()
        source, destination = await funded(store, ann, "10.00"), await opened(store, bob)
        order = transfer(ann, source.id, destination.id, "6.00")
        hold = await held(store, order)
        assert (hold.status, hold.account_id, hold.amount) == (HoldStatus.HELD, source.id, Decimal("6.00"))
        assert await amounts(store, source) == ("10.00", "6.00", "4.00")
        assert code_of(await store.post(withdrawal(ann, source.id, "4.01"))) == "INSUFFICIENT_FUNDS"
        assert await store.reserve(order, in_an_hour()) == hold
    async with factory() as store:
        outcome = await store.capture(order.transaction_id)
        assert outcome is not None
        assert outcome.posted
        assert await amounts(store, source) == ("4.00", "0.00", "4.00")
        assert (await current(store, destination)).balance == Decimal("6.00")
        assert await store.capture(order.transaction_id) == outcome
        assert await store.post(order) == outcome
        assert await store.reserve(order, in_an_hour()) == outcome
        ended = await store.release(order.transaction_id)
        assert ended is not None
        assert (ended.status, ended.captured) == (HoldStatus.CAPTURED, Decimal("6.00"))
        assert (await current(store, source)).version == source.version + 2


async def a_part_is_captured_and_the_rest_is_free(factory: StoreFactory) -> None:
    async with factory() as store:
        account = await funded(store, ann := person(), "10.00")
        order = withdrawal(ann, account.id, "6.00")
        await held(store, order)
        with pytest.raises(InvalidValue):
            await store.capture(order.transaction_id, Decimal("6.01"))
        outcome = await store.capture(order.transaction_id, Decimal("2.50"))
        assert outcome is not None
        assert outcome.posted
        assert await amounts(store, account) == ("7.50", "0.00", "7.50")
        assert await store.capture(order.transaction_id, Decimal("2.50")) == outcome
        with pytest.raises(TransactionIdReused):
            await store.capture(order.transaction_id)


async def a_posting_with_the_id_of_a_hold_captures_it(factory: StoreFactory) -> None:
    async with factory() as store:
        account = await funded(store, ann := person(), "10.00")
        order = withdrawal(ann, account.id, "10.00")
        await held(store, order)
        other = replace(withdrawal(ann, account.id, "1.00"), transaction_id=order.transaction_id)
        for attempt in (store.post(other), store.reserve(other, in_an_hour())):
            with pytest.raises(TransactionIdReused):
                await attempt
        assert (await store.post(order)).posted
        assert await amounts(store, account) == ("0.00", "0.00", "0.00")


async def a_released_hold_frees_the_money_and_refuses_its_order(factory: StoreFactory) -> None:
    async with factory() as store:
        account = await funded(store, ann := person(), "10.00")
        order = withdrawal(ann, account.id, "10.00")
        await held(store, order)
        ended = await store.release(order.transaction_id)
        assert ended is not None
        assert ended.status is HoldStatus.RELEASED
        assert await store.release(order.transaction_id) == ended
        assert await amounts(store, account) == ("10.00", "0.00", "10.00")
        refusals = [
            await store.capture(order.transaction_id),
            await store.post(order),
            await store.reserve(order, in_an_hour()),
        ]
        assert {code_of(refusal) for refusal in refusals if refusal and not isinstance(refusal, Hold)} == {
            "HOLD_RELEASED"
        }
        assert refusals[0] == refusals[1] == refusals[2]
        assert await store.capture(new_object_id()) is None
        assert await store.release(new_object_id()) is None


async def an_expired_hold_cannot_be_captured(factory: StoreFactory) -> None:
    async with factory() as store:
        account = await funded(store, ann := person(), "10.00")
        late, later, kept = (withdrawal(ann, account.id, amount) for amount in ("3.00", "2.00", "1.00"))
        for order in (late, later):
            await held(store, order, values.now())
        await held(store, kept)
        assert code_of(await store.post(late)) == "HOLD_EXPIRED"
        (due,) = await store.due_holds(limit=10)
        assert await store.accounts_of_hold(due)
        assert await store.expire(due)
        assert not await store.expire(due)
        assert await store.due_holds(limit=10) == []
        outcome = await store.capture(later.transaction_id)
        assert outcome is not None
        assert code_of(outcome) == "HOLD_EXPIRED"
        assert await amounts(store, account) == ("10.00", "1.00", "9.00")


async def a_refused_reservation_is_the_refusal_of_its_order(factory: StoreFactory) -> None:
    async with factory() as store:
        account = await funded(store, ann := person(), "10.00")
        order = withdrawal(ann, account.id, "10.01")
        refusal = await store.reserve(order, in_an_hour())
        assert not isinstance(refusal, Hold)
        assert code_of(refusal) == "INSUFFICIENT_FUNDS"
        assert await store.post(order) == refusal
        assert await amounts(store, account) == ("10.00", "0.00", "10.00")


async def a_capture_that_is_refused_ends_the_hold(factory: StoreFactory) -> None:
    async with factory() as store:
        ann, bob = person(), person()
        source, destination = await funded(store, ann, "10.00"), await opened(store, bob)
        order = transfer(ann, source.id, destination.id, "6.00")
        await held(store, order)
        await with_status(store, destination, AccountStatus.FROZEN)
        outcome = await store.capture(order.transaction_id)
        assert outcome is not None
        assert code_of(outcome) == "RECEIVER_UNAVAILABLE"
        assert await amounts(store, source) == ("10.00", "0.00", "10.00")


async def holds_at_once_do_not_reserve_more_than_there_is(factory: StoreFactory) -> None:
    async with factory() as one, factory() as two:
        account = await funded(one, ann := person(), "10.00")
        orders = [withdrawal(ann, account.id, "3.00") for _ in range(8)]
        results = await asyncio.gather(
            *((one, two)[turn % 2].reserve(order, in_an_hour()) for turn, order in enumerate(orders))
        )
        assert sum(isinstance(result, Hold) for result in results) == 3
        assert await amounts(one, account) == ("10.00", "9.00", "1.00")


async def a_capture_and_a_release_at_once_have_one_result(factory: StoreFactory) -> None:
    async with factory() as one, factory() as two:
        account = await funded(one, ann := person(), "10.00")
        order = withdrawal(ann, account.id, "10.00")
        await held(one, order)
        outcome, ended = await asyncio.gather(one.capture(order.transaction_id), two.release(order.transaction_id))
        assert outcome is not None
        assert ended is not None
        assert outcome.posted == (ended.status is HoldStatus.CAPTURED)
        rest = "0.00" if outcome.posted else "10.00"
        assert await amounts(two, account) == (rest, "0.00", rest)


async def holds_have_events(factory: StoreFactory) -> None:
    async with factory() as store:
        account = await funded(store, ann := person(), "10.00")
        before = await last_sequence(store)
        released, captured = withdrawal(ann, account.id, "1.00"), withdrawal(ann, account.id, "2.00")
        for order in (released, captured):
            await held(store, order)
        await store.release(released.transaction_id)
        await store.capture(captured.transaction_id)
        events = [row.event for row in await store.events(after=before, limit=10)]
        assert [(event.type, event.data["held"]) for event in events] == [
            ("account.held", "1.00"),
            ("account.held", "3.00"),
            ("account.released", "2.00"),
            ("account.posted", "0.00"),
        ]
        assert [event.data["version"] for event in events] == [3, 4, 5, 6]


async def holds_count_towards_the_limits_until_they_are_released(factory: StoreFactory) -> None:
    async with factory() as store:
        account = await funded(store, ann := person(), "90.00")
        limits = Limits(day=Ceiling(Decimal(10)), month=Ceiling(Decimal(12)))
        first, second = withdrawal(ann, account.id, "6.00"), withdrawal(ann, account.id, "6.00")
        assert isinstance(await store.reserve(first, in_an_hour(), limits), Hold)
        refusal = await store.post(second, limits)
        assert refusal.problem is not None
        assert (refusal.problem["kind"], refusal.problem["remaining"]) == ("DAY", "4.00")
        await store.release(first.transaction_id)
        assert (await store.post(withdrawal(ann, account.id, "8.00"), limits)).posted
        wide = replace(limits, day=Ceiling(Decimal(100)))
        refusal = await store.post(withdrawal(ann, account.id, "5.00"), wide)
        assert refusal.problem is not None
        assert (refusal.problem["kind"], refusal.problem["remaining"]) == ("MONTH", "4.00")


async def a_type_of_account_has_limits_of_its_own(factory: StoreFactory) -> None:
    async with factory() as store:
        ann = person()
        checking = await funded(store, ann, "90.00")
        savings = await opened(store, ann, type_=AccountType.SAVINGS)
        assert (await store.post(deposit(ann, savings.id, "90.00"))).posted
        limits = Limits(order=Ceiling.parse("50,SAVINGS=20"), day=Ceiling.parse("100,SAVINGS=30"))
        assert code_of(await store.post(withdrawal(ann, savings.id, "20.01"), limits)) == "AMOUNT_LIMIT_EXCEEDED"
        assert (await store.post(withdrawal(ann, checking.id, "50.00"), limits)).posted
        assert (await store.post(withdrawal(ann, savings.id, "20.00"), limits)).posted
        refusal = await store.post(withdrawal(ann, savings.id, "10.01"), limits)
        assert refusal.problem is not None
        assert (refusal.problem["kind"], refusal.problem["limit"], refusal.problem["remaining"]) == (
            "DAY",
            "30.00",
            "10.00",
        )
        assert (await store.post(withdrawal(ann, checking.id, "30.00"), limits)).posted
        refusal = await store.post(withdrawal(ann, checking.id, "0.01"), limits)
        assert refusal.problem is not None
        assert (refusal.problem["limit"], refusal.problem["remaining"]) == ("100.00", "0.00")


HOLD_CONTRACT: tuple[Callable[[StoreFactory], Awaitable[None]], ...] = (
    a_hold_reserves_money_and_is_captured_once,
    a_part_is_captured_and_the_rest_is_free,
    a_posting_with_the_id_of_a_hold_captures_it,
    a_released_hold_frees_the_money_and_refuses_its_order,
    an_expired_hold_cannot_be_captured,
    a_refused_reservation_is_the_refusal_of_its_order,
    a_capture_that_is_refused_ends_the_hold,
    holds_at_once_do_not_reserve_more_than_there_is,
    a_capture_and_a_release_at_once_have_one_result,
    holds_have_events,
    holds_count_towards_the_limits_until_they_are_released,
    a_type_of_account_has_limits_of_its_own,
)
