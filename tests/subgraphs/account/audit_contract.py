"""The part of the contract of account stores that lets others look back.

It is about the postings that were made, refusals of wrong receivers, changes by staff, and the identity of the store.
"""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from bank import values
from bank.values import new_object_id, new_user_id
from subgraphs.account.domain import Account, AccountStatus, StaffAction, StaffActionKind
from subgraphs.account.posting_rules import WRONG_RECEIVER_WINDOW
from tests.subgraphs.account.support import current, deposit, funded, opened, person, transfer, with_status, withdrawal

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable

    from tests.subgraphs.account.support import StoreFactory


async def postings_that_were_made_are_listed_by_id(factory: StoreFactory) -> None:
    async with factory() as store:
        ann = person()
        account = await opened(store, ann)
        made = [deposit(ann, account.id, "1.00") for _ in range(3)]
        refused = withdrawal(ann, account.id, "9.00")
        for posting in (*made, refused):
            await store.post(posting)
        ids = sorted(posting.transaction_id for posting in made)
        assert await store.posted_ids(after="", limit=2) == ids[:2]
        assert await store.posted_ids(after=ids[1], limit=2) == ids[2:]
        assert await store.which_posted([*ids[:2], refused.transaction_id, new_object_id()]) == set(ids[:2])


async def refusals_of_wrong_receivers_are_counted_around_a_time(factory: StoreFactory) -> None:
    async with factory() as store:
        ann, bob = person(), person()
        source, frozen = await funded(store, ann, "10.00"), await opened(store, bob)
        closed = await with_status(store, await opened(store, ann), AccountStatus.CLOSED)
        await with_status(store, frozen, AccountStatus.FROZEN)
        start = values.now()
        for destination in (new_object_id(), frozen.id, closed.id):
            assert not (await store.post(transfer(ann, source.id, destination, "1.00"))).posted
        assert not (await store.post(transfer(ann, source.id, new_object_id(), "99.00"))).posted
        assert not (await store.post(deposit(ann, new_object_id(), "1.00"))).posted
        times = await store.wrong_receivers(ann.user_id, start)
        assert len(times) == 2
        assert list(times) == sorted(times)
        assert await store.wrong_receivers(ann.user_id, times[-1] + WRONG_RECEIVER_WINDOW) == []
        assert await store.wrong_receivers(ann.user_id, times[0] - WRONG_RECEIVER_WINDOW) == []
        assert await store.wrong_receivers(bob.user_id, start) == []


async def the_change_of_staff_is_kept(factory: StoreFactory) -> None:
    async with factory() as store:
        account, moment = await opened(store, person()), values.now()
        action = StaffAction(StaffActionKind.FROZEN, new_user_id(), moment)
        changed = await store.change(
            account.id, lambda _: replace(account, status=AccountStatus.FROZEN, version=2, staff_action=action)
        )
        assert isinstance(changed, Account)
        assert (await current(store, account)).staff_action == action
        (event,) = [row.event for row in await store.events(after=1, limit=9)]
        assert (event.data["staffAction"], event.data["staffUserId"]) == ("FROZEN", action.user_id)


async def a_store_has_one_identity_and_counts_its_changes(factory: StoreFactory) -> None:
    reported: list[int] = []
    async with factory() as store:
        before = await store.identity()
        store.report_changes(reported.append)
        account = await opened(store, ann := person())
        await with_status(store, account, AccountStatus.FROZEN)
        await store.post(deposit(ann, account.id, "1.00"))
        await store.remember({"auth": before})
        assert reported == [before.changes + n for n in (1, 2, 3)]
    async with factory() as store:
        assert await store.identity() == replace(before, changes=before.changes + 3)
        assert await store.known_stores() == {"auth": before}
        await store.remember({})
        assert await store.known_stores() == {}


AUDIT_CONTRACT: tuple[Callable[[StoreFactory], Awaitable[None]], ...] = (
    postings_that_were_made_are_listed_by_id,
    refusals_of_wrong_receivers_are_counted_around_a_time,
    the_change_of_staff_is_kept,
    a_store_has_one_identity_and_counts_its_changes,
)
