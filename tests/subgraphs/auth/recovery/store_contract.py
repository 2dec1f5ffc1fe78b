"""The contract of links, and of the changes that they allow; each check opens the same store again.

Covers `subgraphs/auth/recovery/store.py`.
"""

from __future__ import annotations

import asyncio
from datetime import timedelta
from typing import TYPE_CHECKING, Final

import pytest

from subgraphs.auth.domain import RefreshToken, Session, Verdict
from subgraphs.auth.mail.outbox import QueuedMail
from subgraphs.auth.recovery.links import Link, Purpose
from subgraphs.auth.recovery.store import PasswordChange
from subgraphs.auth.store.protocol import EmailExists
from tests.subgraphs.auth.store_contract import HASH, NOW, signed_in, user

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable
    from datetime import datetime

    from subgraphs.auth.domain import User
    from subgraphs.auth.store.protocol import AuthStore
    from tests.subgraphs.auth.store_contract import OpenStore

RESET: Final = (Purpose.RESET_PASSWORD,)
LATER: Final = NOW + timedelta(minutes=1)
NOTICE: Final = QueuedMail("notice", b"sealed", LATER, LATER + timedelta(days=3))


def link_of(owner: User, purpose: Purpose, digest: bytes = b"link", new_email: str | None = None) -> Link:
    return Link(digest, purpose, owner.id, owner.email, NOW, NOW + timedelta(minutes=30), new_email)


async def hash_of(store: AuthStore, email: str) -> str:
    found = await store.credentials(email)
    assert found is not None
    return found.password_hash


async def mails(store: AuthStore) -> list[str]:
    claimed = await store.mails.claim(LATER, LATER, 10)
    return [each.mail.id for each in claimed]


async def is_live(store: AuthStore, refresh_token: bytes, now: datetime = LATER) -> bool:
    exchange = await store.exchange(refresh_token, refresh_token + b"+", now)
    return exchange is not None and exchange.verdict is Verdict.ROTATE


async def a_link_is_stored_unchanged_and_once(open_store: OpenStore) -> None:
    async with open_store() as store:
        ann = user()
        await store.add_user(ann, HASH)
        links = [
            link_of(ann, Purpose.RESET_PASSWORD, b"reset"),
            link_of(ann, Purpose.CHANGE_EMAIL, b"change", "new@example.com"),
        ]
        for link in [*links, *links]:
            assert await store.recovery.issue(link, NOW)
    async with open_store() as store:
        for link in links:
            assert await store.recovery.find(link.digest, (link.purpose,), NOW) == (link, ann)
        assert await store.recovery.find(b"reset", (Purpose.CHANGE_EMAIL, Purpose.VERIFY_EMAIL), NOW) is None
        assert await store.recovery.find(b"unknown", tuple(Purpose), NOW) is None


async def no_link_is_issued_that_would_not_be_valid(open_store: OpenStore) -> None:
    async with open_store() as store:
        ann = user()
        await store.add_user(ann, HASH)
        stranger = link_of(user("stranger@example.com"), Purpose.RESET_PASSWORD, b"stranger")
        assert not await store.recovery.issue(stranger, NOW)
        assert not await store.recovery.issue(link_of(ann, Purpose.RESET_PASSWORD), NOW + timedelta(minutes=30))
        await store.disable(ann.id, NOW)
        assert not await store.recovery.issue(link_of(ann, Purpose.RESET_PASSWORD, b"other"), NOW)


async def a_used_link_is_not_issued_again(open_store: OpenStore) -> None:
    """A mail may be prepared again after its link was used, if the process that sent it has crashed."""
    async with open_store() as store:
        ann = user()
        await store.add_user(ann, HASH)
        link = link_of(ann, Purpose.VERIFY_EMAIL)
        assert await store.recovery.issue(link, NOW)
        assert await store.recovery.verify_email(link.digest, LATER) is not None
        assert not await store.recovery.issue(link, LATER)
        assert await store.recovery.verify_email(link.digest, LATER) is None


async def expired_links_are_deleted_after_a_day(open_store: OpenStore) -> None:
    async with open_store() as store:
        ann, bob = user(), user("bob@example.com")
        for each in (ann, bob):
            await store.add_user(each, HASH)
        link = link_of(ann, Purpose.VERIFY_EMAIL)
        assert await store.recovery.issue(link, NOW)
        assert await store.recovery.verify_email(link.digest, LATER) is not None
        much_later = link.expires_at + timedelta(days=1, seconds=1)
        await store.recovery.issue(link_of(bob, Purpose.VERIFY_EMAIL, b"other"), much_later)
        # The used link is gone, so that it is stored again, as only a mail that is a day too late could.
        assert await store.recovery.issue(link, NOW)


async def a_reset_replaces_the_hash_ends_all_sessions_and_verifies_the_address(open_store: OpenStore) -> None:
    async with open_store() as store:
        ann, session = await signed_in(store, b"ann")
        await signed_in(store, b"bob")
        for digest in (b"link", b"other"):
            assert await store.recovery.issue(link_of(ann, Purpose.RESET_PASSWORD, digest), NOW)
        changed = await store.recovery.reset_password(b"link", "$new", LATER, [NOTICE])
        assert changed is not None
        assert (changed.id, changed.password_changed_at, changed.email_verified_at) == (ann.id, LATER, LATER)
        assert (await store.users([ann.id]))[ann.id] == changed
        assert await hash_of(store, ann.email) == "$new"
        assert [ended.id for ended in await store.sessions_ended_since(LATER)] == [session.id]
        assert not await is_live(store, b"ann")
        assert await is_live(store, b"bob")
        assert await mails(store) == [NOTICE.id]
        for digest in (b"link", b"other", b"unknown"):
            assert await store.recovery.reset_password(digest, "$third", LATER, []) is None
        assert await hash_of(store, ann.email) == "$new"


async def a_link_resets_no_password_for_another_purpose_or_too_late(open_store: OpenStore) -> None:
    async with open_store() as store:
        ann, _ = await signed_in(store, b"ann")
        await store.recovery.issue(link_of(ann, Purpose.VERIFY_EMAIL, b"verify"), NOW)
        await store.recovery.issue(link_of(ann, Purpose.RESET_PASSWORD, b"reset"), NOW)
        assert await store.recovery.reset_password(b"verify", "$new", LATER, [NOTICE]) is None
        late = NOW + timedelta(minutes=30)
        assert await store.recovery.reset_password(b"reset", "$new", late, [NOTICE]) is None
        assert await hash_of(store, ann.email) == HASH
        assert await is_live(store, b"ann")
        assert await mails(store) == []


async def one_of_many_concurrent_uses_of_a_link_succeeds(open_store: OpenStore) -> None:
    async with open_store() as one, open_store() as other:
        ann, _ = await signed_in(one, b"ann")
        await one.recovery.issue(link_of(ann, Purpose.RESET_PASSWORD), NOW)
        outcomes = await asyncio.gather(
            *(
                store.recovery.reset_password(b"link", f"${number}", LATER, [])
                for number, store in enumerate([one, other] * 4)
            )
        )
        (winner,) = [number for number, outcome in enumerate(outcomes) if outcome is not None]
        assert await hash_of(one, ann.email) == f"${winner}"


async def begin_another_session(store: AuthStore, owner: User, refresh_token: bytes) -> Session:
    session = Session.begin(f"session {refresh_token.hex()}", owner.id, NOW)
    assert await store.begin_session(session, RefreshToken.issue(refresh_token, session, NOW), NOW)
    return session


async def a_change_of_the_password_ends_the_other_sessions_if_wanted(open_store: OpenStore) -> None:
    async with open_store() as store:
        ann, session = await signed_in(store, b"ann")
        other = await begin_another_session(store, ann, b"other")
        await signed_in(store, b"bob")
        assert await store.recovery.change_password(PasswordChange(ann.id, HASH, "$1", None), LATER, [])
        assert await store.sessions_ended_since(NOW) == []
        assert await store.recovery.change_password(PasswordChange(ann.id, "$1", "$2", session.id), LATER, [NOTICE])
        assert [ended.id for ended in await store.sessions_ended_since(NOW)] == [other.id]
        assert await is_live(store, b"ann")
        assert not await is_live(store, b"other")
        assert await is_live(store, b"bob")
        assert await hash_of(store, ann.email) == "$2"
        assert (await store.users([ann.id]))[ann.id].password_changed_at == LATER
        assert await mails(store) == [NOTICE.id]


async def a_password_that_somebody_else_has_changed_is_not_changed(open_store: OpenStore) -> None:
    """A thief who knows the old password must not win against the owner, who resets it at the same moment."""
    async with open_store() as store:
        ann, session = await signed_in(store, b"ann")
        await store.recovery.issue(link_of(ann, Purpose.RESET_PASSWORD), NOW)
        await store.recovery.reset_password(b"link", "$owner", LATER, [])
        late = PasswordChange(ann.id, HASH, "$thief", session.id)
        assert not await store.recovery.change_password(late, LATER, [NOTICE])
        assert await hash_of(store, ann.email) == "$owner"
        assert await mails(store) == []
        before = await store.credentials(ann.email)
        assert before is not None
        await store.renew_password_hash(before, "$renewed")
        assert await hash_of(store, ann.email) == "$renewed"


async def no_session_begins_with_the_old_password_after_the_change(open_store: OpenStore) -> None:
    """The old password was verified, and then the owner changed it, before the session began."""
    async with open_store() as store:
        ann, session = await signed_in(store, b"ann")
        assert await store.recovery.change_password(PasswordChange(ann.id, HASH, "$new", session.id), LATER, [])
        late = Session.begin("late", ann.id, LATER)
        token = RefreshToken.issue(b"late", late, LATER)
        assert not await store.begin_session(late, token, NOW, known=ann)
        assert not await is_live(store, b"late")
        present = (await store.users([ann.id]))[ann.id]
        assert await store.begin_session(late, token, NOW, known=present)


async def a_change_of_the_password_ends_the_links(open_store: OpenStore) -> None:
    async with open_store() as store:
        ann, _ = await signed_in(store, b"ann")
        await store.recovery.issue(link_of(ann, Purpose.RESET_PASSWORD, b"reset"), NOW)
        await store.recovery.issue(link_of(ann, Purpose.CHANGE_EMAIL, b"change", "new@example.com"), NOW)
        assert await store.recovery.change_password(PasswordChange(ann.id, HASH, "$1", None), LATER, [])
        for digest in (b"reset", b"change"):
            assert await store.recovery.find(digest, tuple(Purpose), LATER) is None
        # The mail of a request before the change is prepared after it.
        assert not await store.recovery.issue(link_of(ann, Purpose.RESET_PASSWORD, b"late"), LATER)


async def a_verified_address_stays_verified_since_the_first_time(open_store: OpenStore) -> None:
    async with open_store() as store:
        ann = user()
        await store.add_user(ann, HASH)
        assert (await store.users([ann.id]))[ann.id].email_verified_at is None
        for digest in (b"1", b"2"):
            assert await store.recovery.issue(link_of(ann, Purpose.VERIFY_EMAIL, digest), NOW)
        for digest, at in ((b"1", LATER), (b"2", LATER + timedelta(minutes=1))):
            verified = await store.recovery.verify_email(digest, at)
            assert verified is not None
            assert verified.email_verified_at == LATER


async def a_new_address_replaces_the_old_one(open_store: OpenStore) -> None:
    async with open_store() as store:
        ann, _ = await signed_in(store, b"ann")
        for purpose, digest in ((Purpose.RESET_PASSWORD, b"reset"), (Purpose.VERIFY_EMAIL, b"verify")):
            assert await store.recovery.issue(link_of(ann, purpose, digest), NOW)
        for digest, new_email in ((b"change", "New@example.com"), (b"second", "second@example.com")):
            link = link_of(ann, Purpose.CHANGE_EMAIL, digest, new_email)
            assert await store.recovery.issue(link, NOW)
        changed = await store.recovery.change_email(b"change", LATER, [NOTICE])
        assert changed is not None
        assert (changed.email, changed.email_verified_at) == ("New@example.com", LATER)
        found = await store.credentials("NEW@example.com")
        assert found is not None
        assert found.user == changed
        assert await store.credentials(ann.email) is None
        assert await is_live(store, b"ann"), "the sessions go on"
        assert await mails(store) == [NOTICE.id]
        for digest in (b"reset", b"verify", b"change", b"second"):
            assert await store.recovery.find(digest, tuple(Purpose), LATER) is None
        await store.add_user(user(ann.email), HASH)


async def an_address_that_another_user_has_is_not_taken(open_store: OpenStore) -> None:
    async with open_store() as store:
        ann, _ = await signed_in(store, b"ann")
        link = link_of(ann, Purpose.CHANGE_EMAIL, new_email="BOB@example.com")
        assert await store.recovery.issue(link, NOW)
        await store.add_user(user("bob@example.com"), HASH)
        with pytest.raises(EmailExists):
            await store.recovery.change_email(b"link", LATER, [NOTICE])
        assert (await store.users([ann.id]))[ann.id] == ann
        assert await mails(store) == []
        assert await store.recovery.find(b"link", (Purpose.CHANGE_EMAIL,), LATER) is not None, "nothing was changed"


async def the_mails_to_a_new_user_are_stored_with_the_user(open_store: OpenStore) -> None:
    async with open_store() as store:
        await store.add_user(user(), HASH, mails=[NOTICE])
        with pytest.raises(EmailExists):
            await store.add_user(user(), HASH, mails=[QueuedMail("second", b"sealed", LATER, LATER)])
        assert await mails(store) == [NOTICE.id]


CHECKS: Final[tuple[Callable[[OpenStore], Awaitable[None]], ...]] = (
    a_link_is_stored_unchanged_and_once,
    no_link_is_issued_that_would_not_be_valid,
    a_used_link_is_not_issued_again,
    expired_links_are_deleted_after_a_day,
    a_reset_replaces_the_hash_ends_all_sessions_and_verifies_the_address,
    a_link_resets_no_password_for_another_purpose_or_too_late,
    one_of_many_concurrent_uses_of_a_link_succeeds,
    a_change_of_the_password_ends_the_other_sessions_if_wanted,
    a_password_that_somebody_else_has_changed_is_not_changed,
    no_session_begins_with_the_old_password_after_the_change,
    a_change_of_the_password_ends_the_links,
    a_verified_address_stays_verified_since_the_first_time,
    a_new_address_replaces_the_old_one,
    an_address_that_another_user_has_is_not_taken,
    the_mails_to_a_new_user_are_stored_with_the_user,
)
