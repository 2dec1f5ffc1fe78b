"""The contract of every transaction store: each implementation runs `CONTRACT` unchanged.

A check takes a factory that opens the same store at every call; the store is empty at first.

Covers `subgraphs/transaction/store/protocol.py`, `subgraphs/transaction/store/sqlite_provider_events.py` and
`subgraphs/transaction/store/mongo_provider_events.py`.
"""

from __future__ import annotations

import asyncio
import itertools
import random
from dataclasses import replace
from datetime import timedelta
from decimal import Decimal
from typing import TYPE_CHECKING, Final

import pytest

from bank.values import new_object_id, new_user_id
from subgraphs.kit.pages import PageRequest
from subgraphs.transaction.domain import Conversion, IllegalTransition, Parties, TransactionStatus, TransactionType
from subgraphs.transaction.idempotency import KEY_LIFETIME, UsedKey
from subgraphs.transaction.payments.provider_event import ProviderEvent
from subgraphs.transaction.problems import InsufficientFunds, InvalidAccount, PaymentDeclined, SameAccount
from subgraphs.transaction.store.protocol import Filter, Listing, Sums, TurnoverRequest, sort_key
from tests.subgraphs.transaction.notification_contract import CONTRACT as NOTIFICATION_CONTRACT
from tests.subgraphs.transaction.running_orders_contract import MILLISECOND, RUNNING_ORDERS_CONTRACT, StoreFactory
from tests.subgraphs.transaction.support import (
    START,
    caller,
    conclude,
    deposit_order,
    key_for,
    party,
    payment_order,
    recorded,
    staff,
    ticking,
    transaction,
    transfer_order,
)

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable, Sequence

    from subgraphs.transaction.domain import Party, Transaction

S = TransactionStatus
ALL = Listing(viewer_id=None, page=PageRequest(limit=1000))


async def a_record_is_the_same_after_reopening(factory: StoreFactory) -> None:
    ann, bob = party(), party()
    conversion = Conversion(Decimal("0.001"), "KWD", "JPY", "KWD", Decimal("123456789.000000000001"), "v1")
    order = replace(
        transfer_order(ann, bob, "0.001", "KWD"), destination=bob.account_number, metadata={"ä": "\u0000", "b": ""}
    )
    records = [
        transaction(order, Parties(ann, bob)),
        transaction(replace(payment_order(ann), instrument="pi_approve"), Parties(None, None)),
        transaction(deposit_order(ann, "92233720368547758.07"), Parties(None, ann)),
        replace(transaction(transfer_order(ann, bob, "10", "JPY"), Parties(ann, bob)), conversion=conversion),
        transaction(
            payment_order(ann),
            Parties(ann, None),
            status=S.FAILED,
            problem=InsufficientFunds(Decimal("0.00"), Decimal("10.00"), "USD"),
        ),
    ]
    async with factory() as store:
        for record in records:
            await recorded(store, record)
    async with factory() as store:
        ids = [record.id for record in records]
        assert await store.by_ids([*ids, new_object_id(), "nonsense"]) == dict(zip(ids, records, strict=True))
        assert await store.by_ids([]) == {}


async def a_key_is_taken_once_and_stands_for_its_order(factory: StoreFactory) -> None:
    ann, bob = party(), party()
    first = transaction(transfer_order(ann, bob), Parties(ann, bob))
    second = transaction(transfer_order(ann, bob, "11.00"), Parties(ann, bob))
    entry = key_for(first, "key")
    async with factory() as store:
        assert await store.find_key(entry.scope, START) is None
        assert await store.record(first, entry) is None
        known = UsedKey(entry.fingerprint, first)
        assert await store.record(second, replace(entry, fingerprint="other")) == known
        assert await store.by_ids([second.id]) == {}
        assert await store.find_key(entry.scope, START) == known
        for scope in (
            replace(entry.scope, key="Key"),
            replace(entry.scope, mutation="PAYMENT"),
            replace(entry.scope, user_id=new_user_id()),
        ):
            assert await store.find_key(scope, START) is None


async def concurrent_records_under_one_key_leave_one_transaction(factory: StoreFactory) -> None:
    ann, bob = party(), party()
    records = [transaction(transfer_order(ann, bob), Parties(ann, bob)) for _ in range(10)]
    async with factory() as store, factory() as other:
        results = await asyncio.gather(
            *(s.record(record, key_for(record, "key")) for record, s in zip(records, [store, other] * 5, strict=True))
        )
        (winner,) = [record for record, result in zip(records, results, strict=True) if result is None]
        assert {result.transaction.id for result in results if result is not None} == {winner.id}
        assert await store.listing(ALL) == [winner]


async def a_key_expires_but_never_while_its_transaction_is_open(factory: StoreFactory) -> None:
    ann, bob = party(), party()
    record = transaction(transfer_order(ann, bob), Parties(ann, bob))
    entry = key_for(record)
    expired = START + KEY_LIFETIME
    async with factory() as store:
        await recorded(store, record)
        assert await store.find_key(entry.scope, expired) is not None
        assert await store.delete_expired_keys(expired) == 0
        await conclude(store, record.id, S.COMPLETED, None, expired)
        assert await store.find_key(entry.scope, expired - MILLISECOND) is not None
        assert await store.find_key(entry.scope, expired) is None
        assert await store.delete_expired_keys(expired - MILLISECOND) == 0
        assert await store.delete_expired_keys(expired) == 1
        assert await store.by_ids([record.id])


async def an_expired_key_may_be_used_again_before_it_is_deleted(factory: StoreFactory) -> None:
    ann, bob = party(), party()
    old = transaction(transfer_order(ann, bob), Parties(ann, bob))
    new = transaction(transfer_order(ann, bob), Parties(ann, bob), at=START + KEY_LIFETIME)
    async with factory() as store:
        await store.record(old, key_for(old, "key"))
        await conclude(store, old.id, S.COMPLETED, None, START)
        assert await store.record(new, key_for(new, "key")) is None
        used = await store.find_key(key_for(new, "key").scope, new.created_at)
        assert used is not None
        assert used.transaction.id == new.id


async def a_conclusion_is_taken_once(factory: StoreFactory) -> None:
    ann, bob = party(), party()
    record = transaction(transfer_order(ann, bob), Parties(ann, bob))
    later = START + timedelta(seconds=1)
    async with factory() as store:
        await recorded(store, record)
        done = await conclude(store, record.id, S.COMPLETED, None, later)
        assert done == replace(record, status=S.COMPLETED, updated_at=later)
        again = await conclude(store, record.id, S.COMPLETED, None, later + MILLISECOND)
        assert again == done
        with pytest.raises(IllegalTransition):
            await conclude(store, record.id, S.FAILED, PaymentDeclined(), later)
        assert await store.by_ids([record.id]) == {record.id: done}
        with pytest.raises(IllegalTransition):
            await conclude(store, new_object_id(), S.COMPLETED, None, later)


async def a_failure_keeps_its_problem(factory: StoreFactory) -> None:
    ann, bob = party(), party()
    record = transaction(transfer_order(ann, bob), Parties(ann, bob))
    problem = InvalidAccount(account_id="1000000004")
    async with factory() as store:
        await recorded(store, record)
        await conclude(store, record.id, S.FAILED, problem, START)
    async with factory() as store:
        assert (await store.by_ids([record.id]))[record.id].problem == problem


async def unclaimed_ids_come_oldest_first_in_batches(factory: StoreFactory) -> None:
    ann = party()
    records = [transaction(payment_order(ann), Parties(ann, None)) for _ in range(5)]
    async with factory() as store:
        for record in reversed(records):
            await recorded(store, record)
        await conclude(store, records[1].id, S.COMPLETED, None, START)
        await conclude(store, records[2].id, S.HELD, None, START)
        expected = sorted(records[n].id for n in (0, 3, 4))
        assert list(await store.unclaimed_ids(START, after="", limit=2)) == expected[:2]
        assert list(await store.unclaimed_ids(START, after=expected[1], limit=2)) == expected[2:]


async def a_list_shows_exactly_what_its_viewer_may_see(factory: StoreFactory) -> None:
    people = [new_user_id() for _ in range(3)]
    accounts = [party(owner) for owner in people for _ in range(2)]
    records = _every_kind(accounts)
    random.Random(7).shuffle(records)
    async with factory() as store:
        for record in records:
            await recorded(store, record)
        newest_first = sorted(records, key=lambda r: (r.created_at, r.id), reverse=True)
        assert await store.listing(ALL) == newest_first
        assert await store.count(ALL) == len(records)
        for user_id in (*people, new_user_id()):
            visible = [r for r in newest_first if r.visible_to(caller(user_id))]
            mine = replace(ALL, viewer_id=user_id)
            assert await store.listing(mine) == visible
            assert await store.count(mine) == len(visible)


async def the_list_of_an_account_shows_exactly_what_its_viewer_may_see(factory: StoreFactory) -> None:
    ann, bob, cyd = (new_user_id() for _ in range(3))
    accounts = [party(owner) for owner in (ann, ann, bob, bob, cyd, cyd)]
    records = _every_kind(accounts)
    async with factory() as store:
        for record in records:
            await recorded(store, record)
        newest_first = sorted(records, key=lambda r: (r.created_at, r.id), reverse=True)
        ids = [account.account_id for account in accounts]
        for viewer_id in (None, ann, cyd):
            listing = replace(ALL, viewer_id=viewer_id)
            pages = await store.listing_of_accounts([*ids, "unknown"], listing)
            counts = await store.count_of_accounts([*ids, "unknown"], listing)
            for account in accounts:
                own = viewer_id in {None, account.user_id}
                viewer = staff() if viewer_id is None else caller(viewer_id)
                expected = [r for r in newest_first if own and _touches(r, account) and r.visible_to(viewer)]
                assert pages[account.account_id] == expected
                assert counts[account.account_id] == len(expected)
            assert (pages["unknown"], counts["unknown"]) == ([], 0)


async def pages_follow_each_other_in_both_directions(factory: StoreFactory) -> None:
    ann, bob = party(), party()
    # Three share each millisecond: the id must break the tie.
    records = [
        transaction(
            transfer_order(ann, bob) if n % 2 else transfer_order(bob, ann),
            Parties(ann, bob) if n % 2 else Parties(bob, ann),
            at=START + (n // 3) * MILLISECOND,
            status=S.COMPLETED,
        )
        for n in range(10)
    ]
    newest_first = sorted(records, key=lambda r: (r.created_at, r.id), reverse=True)
    async with factory() as store:
        for record in records:
            await recorded(store, record)

        async def page(request: PageRequest) -> list[Transaction]:
            listing = Listing(ann.user_id, page=request)
            rows = list(await store.listing(listing))
            of_account = await store.listing_of_accounts([ann.account_id, bob.account_id], listing)
            assert of_account[ann.account_id] == rows
            assert of_account[bob.account_id] == []
            return rows

        third = sort_key(newest_first[2])
        seventh = sort_key(newest_first[6])
        assert await page(PageRequest(limit=3)) == newest_first[:4]
        assert await page(PageRequest(limit=3, after=third)) == newest_first[3:7]
        assert await page(PageRequest(limit=3, before=seventh)) == newest_first[:4]
        assert await page(PageRequest(limit=3, backwards=True)) == newest_first[:-5:-1]
        assert await page(PageRequest(limit=3, before=seventh, backwards=True)) == newest_first[5:1:-1]
        assert await page(PageRequest(limit=9, after=third, before=seventh)) == newest_first[3:6]
        assert await page(PageRequest(limit=0)) == newest_first[:1]


async def filters_narrow_a_list(factory: StoreFactory) -> None:
    ann = party()
    orders = [
        deposit_order(ann, "1.00"),
        deposit_order(ann, "100", "JPY"),
        deposit_order(ann, "99.999", "KWD"),
        payment_order(ann, amount="100.00"),
        payment_order(ann, amount="92233720368547758.07"),
    ]
    records = [
        transaction(
            order,
            Parties(None, ann) if order.type is TransactionType.DEPOSIT else Parties(ann, None),
            at=START + n * MILLISECOND,
            status=S.COMPLETED if n % 2 else None,
        )
        for n, order in enumerate(orders)
    ]
    expectations: list[tuple[Filter, set[int]]] = [
        (Filter(), {0, 1, 2, 3, 4}),
        (Filter(types=frozenset({TransactionType.PAYMENT})), {3, 4}),
        (Filter(types=frozenset()), set()),
        (Filter(statuses=frozenset({S.COMPLETED, S.HELD})), {1, 3}),
        (Filter(created_from=START + MILLISECOND), {1, 2, 3, 4}),
        (Filter(created_to=START + MILLISECOND), {0}),
        (Filter(min_amount=Decimal(100)), {1, 3, 4}),
        (Filter(min_amount=Decimal("99.9985")), {1, 2, 3, 4}),
        (Filter(min_amount=Decimal("99.9995")), {1, 3, 4}),
        (Filter(max_amount=Decimal("99.999")), {0, 2}),
        (Filter(max_amount=Decimal("99.9985")), {0}),
        (Filter(max_amount=Decimal("999999999999999.9999")), {0, 1, 2, 3}),
        (Filter(min_amount=Decimal("1.00"), max_amount=Decimal("1.00")), {0}),
        (Filter(types=frozenset({TransactionType.PAYMENT}), max_amount=Decimal("100.00")), {3}),
    ]
    async with factory() as store:
        for record in records:
            await recorded(store, record)
        for wanted, expected in expectations:
            listing = replace(ALL, filter=wanted)
            found = await store.listing(listing)
            assert {records.index(record) for record in found} == expected, wanted
            assert await store.count(listing) == len(expected)
            mine = replace(listing, viewer_id=ann.user_id)
            of_account = await store.listing_of_accounts([ann.account_id], mine)
            assert {records.index(record) for record in of_account[ann.account_id]} == expected, wanted
            assert await store.count_of_accounts([ann.account_id], mine) == {ann.account_id: len(expected)}


async def turnover_sums_completed_transactions_that_the_viewer_may_see(factory: StoreFactory) -> None:
    ann, bob = party(), party()
    moments = ticking()
    async with factory() as store:
        for order, parties, status in (
            (deposit_order(ann, "50.00"), Parties(None, ann), S.COMPLETED),
            (transfer_order(ann, bob, "20.00"), Parties(ann, bob), S.COMPLETED),
            (transfer_order(ann, bob, "0.01"), Parties(ann, bob), S.PENDING),
            (transfer_order(bob, ann, "5.00"), Parties(bob, ann), S.COMPLETED),
            (deposit_order(ann, "7", "JPY"), Parties(None, ann), S.COMPLETED),
        ):
            await recorded(store, transaction(order, parties, at=next(moments), status=status))
        both = [ann.account_id, bob.account_id, "unknown"]
        of_ann = {
            (ann.account_id, "USD"): Sums(credited=Decimal("55.00"), debited=Decimal("20.00")),
            (ann.account_id, "JPY"): Sums(credited=Decimal(7), debited=Decimal(0)),
        }
        of_bob = {(bob.account_id, "USD"): Sums(credited=Decimal("20.00"), debited=Decimal("5.00"))}
        assert await store.turnover(both, TurnoverRequest(ann.user_id)) == of_ann
        assert await store.turnover(both, TurnoverRequest(bob.user_id)) == of_bob
        assert await store.turnover(both, TurnoverRequest(None)) == of_ann | of_bob
        assert await store.turnover(both, TurnoverRequest(new_user_id())) == {}
        window = TurnoverRequest(ann.user_id, START + MILLISECOND, START + 3 * MILLISECOND)
        assert await store.turnover(both, window) == {
            (ann.account_id, "USD"): Sums(credited=Decimal("0.00"), debited=Decimal("20.00"))
        }


async def turnover_beyond_64_bits_is_exact(factory: StoreFactory) -> None:
    ann = party()
    async with factory() as store:
        for _ in range(3):
            order = deposit_order(ann, "92233720368547758.07")
            await recorded(store, transaction(order, Parties(None, ann), status=S.COMPLETED))
        sums = await store.turnover([ann.account_id], TurnoverRequest(ann.user_id))
    assert sums[ann.account_id, "USD"].credited == Decimal("276701161105643274.21")


def _every_kind(accounts: Sequence[Party]) -> list[Transaction]:
    """Transfers between all pairs, and a deposit to and a payment from each account, in every status.

    There is also a transfer from an account to itself, which is always refused.
    """
    moments = ticking()
    records = [
        transaction(transfer_order(source, destination), Parties(source, destination), at=next(moments), status=status)
        for source, destination in itertools.permutations(accounts, 2)
        for status in S
        if status is not S.FAILED
    ]
    for account in accounts:
        records.append(transaction(deposit_order(account), Parties(None, account), at=next(moments)))
        records.append(transaction(payment_order(account), Parties(account, None), at=next(moments)))
    source, destination = accounts[0], accounts[-1]
    refused = transaction(transfer_order(source, destination), Parties(source, destination), at=next(moments))
    to_itself = transaction(transfer_order(source, source), Parties(source, source), at=next(moments))
    return [
        *records,
        replace(refused, status=S.FAILED, problem=PaymentDeclined()),
        replace(to_itself, status=S.FAILED, problem=SameAccount()),
    ]


def _touches(record: Transaction, account: Party) -> bool:
    return account in (record.parties.source, record.parties.destination)


async def settled_transactions_are_listed_by_id_and_changes_are_counted(factory: StoreFactory) -> None:
    ann, reported = party(), list[int]()
    records = [
        transaction(payment_order(ann), Parties(ann, None), status=s) for s in (S.COMPLETED, S.PENDING, S.REVERSED)
    ]
    async with factory() as store:
        before = await store.identity()
        store.report_changes(reported.append)
        for record in records:
            await recorded(store, record)
        await conclude(store, records[1].id, S.COMPLETED, None, START)
        ids = sorted(record.id for record in records)
        assert await store.settled_ids(after="", limit=2) == ids[:2]
        assert await store.settled_ids(after=ids[1], limit=2) == ids[2:]
        assert reported == [before.changes + n for n in (1, 2, 3, 4)]


async def an_event_of_the_provider_is_recorded_once_and_ends(factory: StoreFactory) -> None:
    events = [
        ProviderEvent(f"evt_{number}", "payment.captured", new_object_id(), "pay_1", START + number * MILLISECOND)
        for number in range(3)
    ]
    async with factory() as store, factory() as other:
        first, second, third = events
        assert [await store.record_provider_event(event) for event in (third, first, second)] == [True] * 3
        again = await asyncio.gather(*(each.record_provider_event(first) for each in (store, other) * 3))
        assert again == [False] * 6
        assert await other.open_provider_events(limit=10) == events
        assert await other.open_provider_events(limit=2) == events[:2]
        await store.end_provider_event(first.id)
        await store.end_provider_event("unknown")
        assert await store.open_provider_events(limit=10) == events[1:]
        assert not await store.record_provider_event(first)
        assert await store.delete_provider_events(START) == 0
        assert await store.delete_provider_events(START + 2 * MILLISECOND) == 2
        assert await store.open_provider_events(limit=10) == [third]
        assert await store.record_provider_event(first)


CONTRACT: Final[tuple[Callable[[StoreFactory], Awaitable[None]], ...]] = (
    a_record_is_the_same_after_reopening,
    settled_transactions_are_listed_by_id_and_changes_are_counted,
    a_key_is_taken_once_and_stands_for_its_order,
    concurrent_records_under_one_key_leave_one_transaction,
    a_key_expires_but_never_while_its_transaction_is_open,
    an_expired_key_may_be_used_again_before_it_is_deleted,
    a_conclusion_is_taken_once,
    a_failure_keeps_its_problem,
    unclaimed_ids_come_oldest_first_in_batches,
    a_list_shows_exactly_what_its_viewer_may_see,
    the_list_of_an_account_shows_exactly_what_its_viewer_may_see,
    pages_follow_each_other_in_both_directions,
    filters_narrow_a_list,
    turnover_sums_completed_transactions_that_the_viewer_may_see,
    turnover_beyond_64_bits_is_exact,
    an_event_of_the_provider_is_recorded_once_and_ends,
    *RUNNING_ORDERS_CONTRACT,
    *NOTIFICATION_CONTRACT,
)
