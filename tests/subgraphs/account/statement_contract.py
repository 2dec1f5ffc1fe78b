"""The part of the contract of account stores that is about entries: statements, and balances at a time.

Covers `subgraphs/account/store/sqlite_statements.py` and `subgraphs/account/store/mongo_statements.py`.
"""

from __future__ import annotations

from datetime import timedelta
from decimal import Decimal
from itertools import pairwise
from typing import TYPE_CHECKING

from bank.values import new_object_id
from subgraphs.account.statements import Period, sort_key
from subgraphs.kit.pages import PageRequest
from tests.subgraphs.account.hold_contract import in_an_hour
from tests.subgraphs.account.support import funded, opened, person, transfer, withdrawal

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable, Sequence

    from subgraphs.account.domain import Account
    from subgraphs.account.statements import LedgerEntry
    from subgraphs.account.store.protocol import AccountStore
    from tests.subgraphs.account.support import StoreFactory

WHOLE = PageRequest(limit=100)
MILLISECOND = timedelta(milliseconds=1)


def until_now(account: Account) -> Period:
    return Period(account.created_at, in_an_hour())


async def of(store: AccountStore, account: Account, page: PageRequest = WHOLE) -> Sequence[LedgerEntry]:
    return await in_period(store, account, until_now(account), page)


async def in_period(
    store: AccountStore, account: Account, period: Period, page: PageRequest = WHOLE
) -> Sequence[LedgerEntry]:
    return (await store.entries([(account.id, period)], page)).get((account.id, period), ())


async def a_statement_has_each_entry_with_the_balance_after_it(factory: StoreFactory) -> None:
    async with factory() as store:
        ann, bob = person(), person()
        source, destination = await funded(store, ann, "10.00"), await opened(store, bob)
        order = transfer(ann, source.id, destination.id, "2.50")
        await store.post(order)
        await store.post(transfer(ann, source.id, destination.id, "100.00"))
        entries = await of(store, source)
        assert [(entry.position, str(entry.amount), str(entry.balance)) for entry in entries] == [
            (1, "10.00", "10.00"),
            (2, "-2.50", "7.50"),
        ]
        assert {(entry.account_id, entry.currency) for entry in entries} == {(source.id, "USD")}
        (received,) = await of(store, destination)
        assert (received.transaction_id, received.amount) == (order.transaction_id, Decimal("2.50"))
        assert entries[1].transaction_id == order.transaction_id
        wanted = [(each, until_now(source)) for each in (source.id, destination.id, new_object_id())]
        both = await store.entries(wanted, WHOLE)
        assert [both.get(key, []) for key in wanted] == [entries, [received], []]


async def pages_of_entries_meet_in_both_directions(factory: StoreFactory) -> None:
    async with factory() as store:
        account = await funded(store, ann := person(), "10.00")
        for _ in range(7):
            await store.post(withdrawal(ann, account.id, "1.00"))
        entries = list(await of(store, account))
        assert len(entries) == 8
        assert all(before.balance + after.amount == after.balance for before, after in pairwise(entries))
        for backwards in (False, True):
            expected = entries[::-1] if backwards else entries
            read: list[LedgerEntry] = []
            page = PageRequest(limit=3, backwards=backwards)
            while rows := (await of(store, account, page))[:3]:
                read += rows
                place = sort_key(rows[-1])
                bounds = {"before": place} if backwards else {"after": place}
                page = PageRequest(limit=3, backwards=backwards, **bounds)
            assert read == expected
        between = PageRequest(after=sort_key(entries[1]), before=sort_key(entries[4]))
        assert await of(store, account, between) == entries[2:4]


async def a_period_begins_with_its_first_moment_and_ends_before_its_last(factory: StoreFactory) -> None:
    async with factory() as store:
        account = await funded(store, person(), "10.00")
        (entry,) = await of(store, account)
        at = entry.posted_at
        for period, found in (
            (Period(at, at + MILLISECOND), [entry]),
            (Period(at - MILLISECOND, at), []),
            (Period(at + MILLISECOND, in_an_hour()), []),
            (Period(at, at), []),
        ):
            assert list(await in_period(store, account, period)) == found


async def the_balance_at_a_time_is_that_after_the_entries_before_it(factory: StoreFactory) -> None:
    async with factory() as store:
        account = await funded(store, ann := person(), "10.00")
        await store.post(withdrawal(ann, account.id, "4.00"))
        first, second = await of(store, account)
        moments = [first.posted_at, second.posted_at + MILLISECOND, in_an_hour()]
        unknown = new_object_id()
        found = await store.balances_before([*((account.id, moment) for moment in moments), (unknown, moments[2])])
        assert found == {(account.id, moment): Decimal("6.00") for moment in moments[1:]}
        if first.posted_at < second.posted_at:
            between = (account.id, second.posted_at)
            assert await store.balances_before([between]) == {between: Decimal("10.00")}


async def the_last_hash_of_each_account_in_a_period_is_found(factory: StoreFactory) -> None:
    async with factory() as store:
        ann = person()
        source, destination = await funded(store, ann, "10.00"), await opened(store, ann)
        period = until_now(source)
        before = dict(await store.last_hashes(period))
        assert set(before) == {source.id}
        await store.post(transfer(ann, source.id, destination.id, "1.00"))
        after = dict(await store.last_hashes(period))
        assert set(after) == {source.id, destination.id}
        assert after[source.id] != before[source.id]
        assert {len(each) for each in after.values()} == {32}
        assert await store.last_hashes(Period(period.end, period.end)) == []


STATEMENT_CONTRACT: tuple[Callable[[StoreFactory], Awaitable[None]], ...] = (
    a_statement_has_each_entry_with_the_balance_after_it,
    pages_of_entries_meet_in_both_directions,
    a_period_begins_with_its_first_moment_and_ends_before_its_last,
    the_balance_at_a_time_is_that_after_the_entries_before_it,
    the_last_hash_of_each_account_in_a_period_is_found,
)
