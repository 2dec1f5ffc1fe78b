"""The contract of every outbox of mails; each check takes a function that opens the same store again.

Covers `subgraphs/auth/mail/outbox.py`.
"""

from __future__ import annotations

import asyncio
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Final

from subgraphs.auth.mail.outbox import ClaimedMail, QueuedMail

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable

    from tests.subgraphs.auth.store_contract import OpenStore

NOW: Final = datetime(2026, 1, 31, 9, 30, 0, 123_000, tzinfo=UTC)
SOON: Final = NOW + timedelta(minutes=2)


def queued(mail_id: str, at: datetime = NOW) -> QueuedMail:
    return QueuedMail(mail_id, b"sealed " + mail_id.encode(), at, at + timedelta(hours=1))


async def a_mail_is_stored_unchanged_and_claimed_once(open_store: OpenStore) -> None:
    async with open_store() as store:
        await store.mails.add([queued("a")])
    async with open_store() as store:
        assert await store.mails.claim(NOW, SOON, 10) == [ClaimedMail(queued("a"), 1)]
        assert await store.mails.claim(NOW, SOON, 10) == []


async def a_mail_is_claimed_again_when_the_claim_has_ended(open_store: OpenStore) -> None:
    """The process that claimed it has crashed."""
    async with open_store() as store:
        await store.mails.add([queued("a")])
        await store.mails.claim(NOW, SOON, 10)
    async with open_store() as store:
        assert await store.mails.claim(SOON, SOON + timedelta(minutes=2), 10) == [ClaimedMail(queued("a"), 2)]


async def a_postponed_mail_is_due_later(open_store: OpenStore) -> None:
    async with open_store() as store:
        await store.mails.add([queued("a")])
        await store.mails.claim(NOW, SOON, 10)
        later = NOW + timedelta(hours=3)
        await store.mails.postpone("a", later)
        await store.mails.postpone("unknown", later)
        assert await store.mails.claim(later - timedelta(seconds=1), later, 10) == []
        assert [claimed.attempts for claimed in await store.mails.claim(later, later, 10)] == [2]


async def a_removed_mail_is_gone(open_store: OpenStore) -> None:
    async with open_store() as store:
        await store.mails.add([queued("a"), queued("b")])
        for _ in range(2):
            await store.mails.remove("a")
        assert [claimed.mail.id for claimed in await store.mails.claim(NOW, SOON, 10)] == ["b"]


async def the_oldest_mails_are_claimed_first_and_no_more_than_the_limit(open_store: OpenStore) -> None:
    async with open_store() as store:
        mails = [queued(str(number), NOW - timedelta(seconds=number)) for number in range(5)]
        await store.mails.add(mails)
        first = {claimed.mail.id for claimed in await store.mails.claim(NOW, SOON, 3)}
        assert first == {"4", "3", "2"}
        assert {claimed.mail.id for claimed in await store.mails.claim(NOW, SOON, 3)} == {"0", "1"}


async def no_mail_is_claimed_by_two_processes(open_store: OpenStore) -> None:
    async with open_store() as one, open_store() as other:
        await one.mails.add([queued(str(number)) for number in range(40)])
        claims = await asyncio.gather(*(each.mails.claim(NOW, SOON, 7) for each in [one, other] * 8))
        ids = [claimed.mail.id for claim in claims for claimed in claim]
        # PostgreSQL may skip rows that another process looks at, so the rest is claimed afterwards.
        ids += [claimed.mail.id for claimed in await one.mails.claim(NOW, SOON, 40)]
        assert sorted(ids, key=int) == [str(number) for number in range(40)]


CHECKS: Final[tuple[Callable[[OpenStore], Awaitable[None]], ...]] = (
    a_mail_is_stored_unchanged_and_claimed_once,
    a_mail_is_claimed_again_when_the_claim_has_ended,
    a_postponed_mail_is_due_later,
    a_removed_mail_is_gone,
    the_oldest_mails_are_claimed_first_and_no_more_than_the_limit,
    no_mail_is_claimed_by_two_processes,
)
