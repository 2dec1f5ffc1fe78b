"""The contract of every account store: each implementation runs `CONTRACT` unchanged.

A check takes a factory that opens the same store at every call; the store is empty at first.

Covers `subgraphs/account/store/protocol.py`.
"""

from __future__ import annotations

import asyncio
from dataclasses import replace
from decimal import Decimal
from functools import partial
from typing import TYPE_CHECKING

import pytest

from bank import values
from bank.identity import CUSTOMER
from bank.values import new_object_id, new_user_id
from servicekit.errors import Unavailable
from subgraphs.account.domain import (
    Account,
    AccountStatus,
    AccountType,
    Opening,
    open_account,
)
from subgraphs.account.errors import TransactionIdReused
from subgraphs.account.problems import LimitReached
from subgraphs.account.store.protocol import AccountFilter
from subgraphs.kit.pages import PageRequest
from tests.subgraphs.account.audit_contract import AUDIT_CONTRACT
from tests.subgraphs.account.exchange_contract import EXCHANGE_CONTRACT
from tests.subgraphs.account.export_contract import CONTRACT as EXPORT_CONTRACT
from tests.subgraphs.account.hold_contract import HOLD_CONTRACT
from tests.subgraphs.account.statement_contract import STATEMENT_CONTRACT
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
from tests.subgraphs.kit.outbox_contract import (
    dead_letters_are_kept_once,
    last_sequence,
    old_events_are_pruned_oldest_first,
    readers_keep_their_positions,
    types_since,
)

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable
    from datetime import datetime

    from subgraphs.account.store.protocol import AccountStore
    from tests.subgraphs.account.support import StoreFactory

ANY = AccountFilter(statuses=None)


async def an_opened_account_is_found_by_id_and_by_number(factory: StoreFactory) -> None:
    async with factory() as store:
        account = await opened(store, person(), "KWD", AccountType.SAVINGS)
        assert await store.by_ids([account.id, new_object_id(), "nonsense"]) == {account.id: account}
        assert await store.by_numbers([account.number, "0" * 10]) == {account.number: account}
        assert await store.by_ids([]) == {}
    async with factory() as store:
        assert await current(store, account) == account


async def an_account_number_is_never_reused(factory: StoreFactory) -> None:
    async with factory() as store:
        owner = person()
        old = await opened(store, owner)
        await with_status(store, old, AccountStatus.CLOSED)
        drawn: list[str] = []

        def rule(already_open: int) -> Account | LimitReached:
            opening = Opening(owner.user_id, AccountType.CHECKING, "USD")
            account = open_account(opening, already_open=already_open, limit=9, now=values.now())
            assert isinstance(account, Account)
            number = account.number if drawn else old.number
            drawn.append(number)
            return replace(account, number=number)

        fresh = await store.open(owner.user_id, rule)
        assert isinstance(fresh, Account)
        assert drawn == [old.number, fresh.number]

        def stubborn(_already_open: int) -> Account:
            return replace(fresh, id=new_object_id(), number=old.number)

        with pytest.raises(Unavailable):
            await store.open(owner.user_id, stubborn)
        assert await store.count(ANY) == 2


async def only_accounts_that_are_not_closed_count_towards_the_limit(factory: StoreFactory) -> None:
    async with factory() as store:
        owner = person()
        accounts = [await opened(store, owner) for _ in range(3)]
        await opened(store, person())
        await with_status(store, accounts[0], AccountStatus.CLOSED)
        await with_status(store, accounts[1], AccountStatus.FROZEN)
        seen: list[int] = []

        def rule(already_open: int) -> Account | LimitReached:
            seen.append(already_open)
            return LimitReached(already_open)

        assert await store.open(owner.user_id, rule) == LimitReached(2)
        assert seen == [2]


async def the_limit_holds_when_many_open_at_once(factory: StoreFactory) -> None:
    owner = person()

    def rule(already_open: int) -> Account | LimitReached:
        opening = Opening(owner.user_id, AccountType.CHECKING, "USD")
        return open_account(opening, already_open=already_open, limit=3, now=values.now())

    async with factory() as one, factory() as two:
        results = await asyncio.gather(*(store.open(owner.user_id, rule) for store in (one, two) for _ in range(4)))
        assert sum(isinstance(result, Account) for result in results) == 3


async def a_rule_changes_an_account_or_leaves_it_unchanged(factory: StoreFactory) -> None:
    async with factory() as store:
        account = await opened(store, person())
        frozen = await with_status(store, account, AccountStatus.FROZEN)
        assert await current(store, account) == frozen
        assert await store.change(account.id, lambda found: "refused" if found == frozen else "wrong") == "refused"
        assert await store.change(new_object_id(), lambda found: "none" if found is None else "wrong") == "none"
        assert await current(store, account) == frozen


async def concurrent_changes_follow_one_another(factory: StoreFactory) -> None:
    async with factory() as one, factory() as two:
        account = await opened(one, person())

        def rise(found: Account | None) -> Account:
            assert found is not None
            return replace(found, version=found.version + 1)

        await asyncio.gather(*(store.change(account.id, rise) for store in (one, two) for _ in range(5)))
        assert (await current(one, account)).version == account.version + 10


async def pages_are_stable_and_meet(factory: StoreFactory) -> None:
    async with factory() as store:
        owner = person()
        accounts = [await opened(store, owner) for _ in range(5)]
        first = await store.page(ANY, PageRequest(limit=2))
        assert [a.id for a in first] == [a.id for a in accounts[:3]]
        accounts.append(await opened(store, owner))
        rest = await store.page(ANY, PageRequest(limit=9, after=(first[1].id,)))
        assert [a.id for a in rest] == [a.id for a in accounts[2:]]
        between = PageRequest(limit=9, after=(accounts[0].id,), before=(accounts[3].id,))
        assert [a.id for a in await store.page(ANY, between)] == [a.id for a in accounts[1:3]]
        last = await store.page(ANY, PageRequest(limit=2, before=(accounts[4].id,), backwards=True))
        assert [a.id for a in last] == [a.id for a in reversed(accounts[1:4])]
        assert len(await store.page(ANY, PageRequest(limit=0))) == 1


async def filters_combine(factory: StoreFactory) -> None:
    async with factory() as store:
        owner = person()
        checking = await opened(store, owner)
        savings = await opened(store, owner, "EUR", AccountType.SAVINGS)
        closed = await with_status(store, await opened(store, owner, "EUR"), AccountStatus.CLOSED)
        frozen = await with_status(store, await opened(store, owner), AccountStatus.FROZEN)
        expected: list[tuple[AccountFilter, list[Account]]] = [
            (AccountFilter(), [checking, savings, frozen]),
            (ANY, [checking, savings, closed, frozen]),
            (AccountFilter(statuses=(AccountStatus.CLOSED,)), [closed]),
            (AccountFilter(types=(AccountType.SAVINGS, AccountType.BUSINESS)), [savings]),
            (AccountFilter(statuses=None, currencies=("EUR",)), [savings, closed]),
            (AccountFilter(currencies=("EUR",), types=(AccountType.CHECKING,)), []),
            (AccountFilter(statuses=()), []),
        ]
        for wanted, accounts in expected:
            assert await store.page(wanted, PageRequest()) == accounts
            assert await store.count(wanted) == len(accounts)


async def each_owners_page_is_limited_separately(factory: StoreFactory) -> None:
    async with factory() as store:
        ann, bob, nobody = person(), person(), person()
        owned: dict[str, list[Account]] = {ann.user_id: [], bob.user_id: []}
        for owner in (ann, bob, ann, bob, ann):
            owned[owner.user_id].append(await opened(store, owner))
        owners = [ann.user_id, bob.user_id, nobody.user_id]
        pages = await store.pages_of(owners, ANY, PageRequest(limit=1))
        assert pages == {owner: accounts[:2] for owner, accounts in owned.items()}
        backwards = await store.pages_of(owners, ANY, PageRequest(limit=9, backwards=True))
        assert backwards == {owner: accounts[::-1] for owner, accounts in owned.items()}
        assert await store.counts_of(owners, ANY) == {ann.user_id: 3, bob.user_id: 2}
        assert await store.pages_of([bob.user_id], ANY, PageRequest()) == {bob.user_id: owned[bob.user_id]}


async def a_posting_moves_money_once(factory: StoreFactory) -> None:
    async with factory() as store:
        ann, bob = person(), person()
        source, destination = await funded(store, ann, "10.00"), await opened(store, bob)
        posting = transfer(ann, source.id, destination.id, "4.00")
        outcome = await store.post(posting)
        assert outcome.posted
    async with factory() as store:
        promoted = replace(posting, on_behalf_of=replace(ann, roles=frozenset({CUSTOMER})))
        assert await store.post(promoted) == outcome
        after, arrived = await current(store, source), await current(store, destination)
        assert (after.balance, arrived.balance) == (Decimal("6.00"), Decimal("4.00"))
        assert (after.version, arrived.version) == (source.version + 1, destination.version + 1)
        assert after.balance_as_of == after.updated_at == values.parse_timestamp(outcome.decided_at)


async def a_recorded_refusal_stays_after_its_reason_is_gone(factory: StoreFactory) -> None:
    async with factory() as store:
        ann = person()
        source, destination = await opened(store, ann), await opened(store, ann)
        posting = transfer(ann, source.id, destination.id, "4.00")
        outcome = await store.post(posting)
        assert code_of(outcome) == "INSUFFICIENT_FUNDS"
        assert (await store.post(deposit(ann, source.id, "10.00"))).posted
        assert await store.post(posting) == outcome
        assert (await store.post(replace(posting, transaction_id=new_object_id()))).posted
        assert await current(store, source) == replace(
            source,
            balance=Decimal("6.00"),
            version=3,
            balance_as_of=(now := await current(store, source)).balance_as_of,
            updated_at=now.updated_at,
        )


async def a_transaction_id_belongs_to_one_posting(factory: StoreFactory) -> None:
    async with factory() as store:
        ann = person()
        source, destination = await funded(store, ann, "10.00"), await opened(store, ann)
        posting = transfer(ann, source.id, destination.id, "4.00")
        refused = transfer(ann, source.id, destination.id, "400.00")
        for first in (posting, refused):
            await store.post(first)
            other = replace(transfer(ann, source.id, destination.id, "1.00"), transaction_id=first.transaction_id)
            with pytest.raises(TransactionIdReused):
                await store.post(other)
        assert (await current(store, source)).balance == Decimal("6.00")


async def internal_accounts_are_never_listed(factory: StoreFactory) -> None:
    async with factory() as store:
        account = await funded(store, person(), "10.00")
        assert [a.id for a in await store.page(ANY, PageRequest())] == [account.id]
        assert await store.count(ANY) == 1


async def one_posting_sent_many_times_at_once_is_posted_once(factory: StoreFactory) -> None:
    async with factory() as one, factory() as two:
        ann = person()
        source, destination = await funded(one, ann, "10.00"), await opened(one, ann)
        posting = transfer(ann, source.id, destination.id, "4.00")
        outcomes = await asyncio.gather(*(store.post(posting) for store in (one, two) for _ in range(5)))
        assert len({outcome.decided_at for outcome in outcomes}) == 1
        assert all(outcome.posted for outcome in outcomes)
        assert (await current(two, destination)).balance == Decimal("4.00")


async def transfers_in_both_directions_neither_deadlock_nor_lose_money(factory: StoreFactory) -> None:
    async with factory() as one, factory() as two:
        ann, bob = person(), person()
        left, right = await funded(one, ann, "20.00"), await funded(two, bob, "20.00")

        async def move(turn: int) -> object:
            actor, source, destination = (ann, left, right) if turn % 2 else (bob, right, left)
            store = one if turn % 3 else two
            return code_of(await store.post(transfer(actor, source.id, destination.id, "7.00")))

        async with asyncio.timeout(30):
            codes = await asyncio.gather(*(move(turn) for turn in range(40)))
        assert set(codes) <= {None, "INSUFFICIENT_FUNDS"}
        balances = [(await current(one, account)).balance for account in (left, right)]
        assert sum(balances) == Decimal("40.00")
        moved = [sum(codes[turn] is None for turn in range(parity, 40, 2)) for parity in (0, 1)]
        assert balances[0] == Decimal("20.00") + 7 * (moved[0] - moved[1])


async def concurrent_withdrawals_do_not_overdraw_an_account(factory: StoreFactory) -> None:
    async with factory() as one, factory() as two:
        ann = person()
        account = await funded(one, ann, "10.00")
        outcomes = await asyncio.gather(
            *(store.post(withdrawal(ann, account.id, "3.00")) for store in (one, two) for _ in range(4))
        )
        assert sum(outcome.posted for outcome in outcomes) == 3
        assert (await current(one, account)).balance == Decimal("1.00")


async def a_posting_during_a_freeze_is_wholly_before_or_after_it(factory: StoreFactory) -> None:
    async with factory() as one, factory() as two:
        ann = person()
        account = await funded(one, ann, "10.00")
        freezing = asyncio.create_task(with_status(one, account, AccountStatus.FROZEN))
        outcomes = await asyncio.gather(*(two.post(withdrawal(ann, account.id, "1.00")) for _ in range(5)))
        await freezing
        posted = sum(outcome.posted for outcome in outcomes)
        assert {code_of(outcome) for outcome in outcomes} <= {None, "ACCOUNT_FROZEN"}
        after = await current(one, account)
        assert (after.balance, after.status) == (Decimal(10 - posted).quantize(Decimal("0.01")), AccountStatus.FROZEN)


async def an_event_is_written_exactly_when_an_account_changes(factory: StoreFactory) -> None:
    async with factory() as store:
        ann = person()
        source, destination = await opened(store, ann), await opened(store, ann)
        assert await types_since(store, 0) == ["account.opened"] * 2
        assert await store.open(ann.user_id, LimitReached) == LimitReached(2)
        assert await store.change(source.id, lambda _: "refused") == "refused"
        assert await store.change(source.id, lambda found: found) == source
        assert await types_since(store, 0) == ["account.opened"] * 2

        frozen = await with_status(store, source, AccountStatus.FROZEN)
        active = await with_status(store, frozen, AccountStatus.ACTIVE)
        assert await types_since(store, 2) == ["account.changed"] * 2

        before = await last_sequence(store)
        assert (await store.post(deposit(ann, source.id, "10.00"))).posted
        posting = transfer(ann, source.id, destination.id, "4.00")
        assert (await store.post(posting)).posted
        refused = transfer(ann, source.id, destination.id, "400.00")
        assert not (await store.post(refused)).posted
        for repeated in (posting, refused):
            await store.post(repeated)
        events = [row.event for row in await store.events(after=before, limit=10)]
        assert [(event.type, event.subject, event.data["amount"], event.data["balance"]) for event in events] == [
            ("account.posted", source.id, "10.00", "10.00"),
            ("account.posted", source.id, "-4.00", "6.00"),
            ("account.posted", destination.id, "4.00", "4.00"),
        ]
        assert [event.data["version"] for event in events] == [active.version + 1, active.version + 2, 2]
        assert events[1].data["transactionId"] == posting.transaction_id
        assert events[1].time == (await current(store, source)).updated_at


async def a_change_that_fails_leaves_no_event(factory: StoreFactory) -> None:
    async with factory() as store:
        account = await opened(store, person())

        def failing(_: object) -> Account:
            raise LookupError

        for change in (store.open(account.user_id, failing), store.change(account.id, failing)):
            with pytest.raises(LookupError):
                await change
        used = deposit(person(), account.id, "1.00")
        await store.post(used)
        with pytest.raises(TransactionIdReused):
            await store.post(replace(deposit(person(), account.id, "2.00"), transaction_id=used.transaction_id))
        assert await types_since(store, 0) == ["account.opened"]


async def open_at(store: AccountStore, moment: datetime) -> None:
    """Open an account of a new person at a time."""
    opening = Opening(new_user_id(), AccountType.CHECKING, "USD")
    await store.open(opening.user_id, lambda already: open_account(opening, already_open=already, limit=9, now=moment))


async def old_events_of_accounts_are_pruned(factory: StoreFactory) -> None:
    async with factory() as store:
        await old_events_are_pruned_oldest_first(store, partial(open_at, store))


async def readers_of_the_outbox_keep_their_positions(factory: StoreFactory) -> None:
    async with factory() as store:
        await readers_keep_their_positions(store, partial(open_at, store))
        await dead_letters_are_kept_once(store)


CONTRACT: tuple[Callable[[StoreFactory], Awaitable[None]], ...] = (
    an_opened_account_is_found_by_id_and_by_number,
    an_account_number_is_never_reused,
    only_accounts_that_are_not_closed_count_towards_the_limit,
    the_limit_holds_when_many_open_at_once,
    a_rule_changes_an_account_or_leaves_it_unchanged,
    concurrent_changes_follow_one_another,
    pages_are_stable_and_meet,
    filters_combine,
    each_owners_page_is_limited_separately,
    a_posting_moves_money_once,
    a_recorded_refusal_stays_after_its_reason_is_gone,
    a_transaction_id_belongs_to_one_posting,
    internal_accounts_are_never_listed,
    one_posting_sent_many_times_at_once_is_posted_once,
    transfers_in_both_directions_neither_deadlock_nor_lose_money,
    concurrent_withdrawals_do_not_overdraw_an_account,
    a_posting_during_a_freeze_is_wholly_before_or_after_it,
    an_event_is_written_exactly_when_an_account_changes,
    a_change_that_fails_leaves_no_event,
    old_events_of_accounts_are_pruned,
    readers_of_the_outbox_keep_their_positions,
    *STATEMENT_CONTRACT,
    *AUDIT_CONTRACT,
    *EXCHANGE_CONTRACT,
    *HOLD_CONTRACT,
    *EXPORT_CONTRACT,
)
