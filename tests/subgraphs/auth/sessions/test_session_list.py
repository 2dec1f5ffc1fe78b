"""The list of sessions on SQLite and PostgreSQL.

Covers `subgraphs/auth/sessions/session_list.py`, `subgraphs/auth/sessions/sqlite_sessions.py` and
`subgraphs/auth/sessions/postgres_sessions.py`.
"""

from __future__ import annotations

import asyncio
from dataclasses import replace
from datetime import timedelta
from ipaddress import ip_address
from typing import TYPE_CHECKING

import pytest

from servicekit import client_address, user_agent
from servicekit.client_address import ClientPath
from subgraphs.auth.domain import InvalidField
from subgraphs.auth.mail.letters import MailKind
from subgraphs.auth.sessions.devices import KNOWN_FOR, MAX_KNOWN, Device
from subgraphs.auth.sessions.session_list import MAX_NAME_LENGTH, ListedSession, parse_session_name, sort_key
from subgraphs.kit.pages import PageRequest
from tests.subgraphs.auth.sessions.session_stores import RULES, SessionsOfTest, opened
from tests.subgraphs.auth.sessions.test_session_service import session_id

if TYPE_CHECKING:
    from pathlib import Path

    from subgraphs.auth.domain import User
    from subgraphs.auth.mail.letters import Mail
    from subgraphs.auth.sessions.session_service import SignedIn

FIREFOX = "Mozilla/5.0 (Windows NT 10.0; Win64; x64; rv:140.0) Gecko/20100101 Firefox/140.0"
ALL = PageRequest(100)


async def begin_at(sessions: SessionsOfTest, user: User, address: str, agent: str = FIREFOX) -> SignedIn:
    with client_address.serving(ClientPath((ip_address(address),))), user_agent.serving(agent):
        return await sessions.begin(user)


async def listed(sessions: SessionsOfTest, user: User) -> list[ListedSession]:
    return [*await sessions.store.session_list.page(user.id, ALL, sessions.clock.now)]


async def mails(sessions: SessionsOfTest) -> list[Mail]:
    """The stored mails, which are claimed."""
    now = sessions.clock.now
    claimed = await sessions.store.mails.claim(now, now + timedelta(days=365), 1000)
    return [sessions.mails.opened(each.mail) for each in claimed]


async def test_a_session_is_listed_with_its_device(sessions: SessionsOfTest) -> None:
    user, start = await sessions.new_user(), sessions.clock.now
    began = await begin_at(sessions, user, "203.0.113.77")
    expected = ListedSession(
        session_id(began), Device("Firefox on Windows", "203.0.113.0/24"), None, start, start, start + RULES.lifetime
    )
    assert await listed(sessions, user) == [expected]
    assert await listed(sessions, await sessions.new_user()) == []


async def test_a_session_that_begins_outside_a_request_has_no_device(sessions: SessionsOfTest) -> None:
    user = await sessions.new_user()
    await sessions.begin(user)
    assert [each.device for each in await listed(sessions, user)] == [Device("Unknown device", "")]


async def test_ended_idle_and_expired_sessions_are_not_listed(sessions: SessionsOfTest) -> None:
    user = await sessions.new_user()
    ended, idle, used = [await sessions.begin(user) for _ in range(3)]
    await sessions.service.end(session_id(ended))
    sessions.clock.now += RULES.idle - timedelta(seconds=1)
    assert await sessions.service.refresh(used.refresh_token) is not None
    assert {each.id for each in await listed(sessions, user)} == {session_id(idle), session_id(used)}
    sessions.clock.now += timedelta(seconds=1)
    assert [each.id for each in await listed(sessions, user)] == [session_id(used)]
    assert await sessions.store.session_list.count(user.id, sessions.clock.now) == 1
    sessions.clock.now += RULES.lifetime
    assert await listed(sessions, user) == []


async def test_the_last_use_is_written_once_a_minute(sessions: SessionsOfTest) -> None:
    user, start = await sessions.new_user(), sessions.clock.now
    began = await begin_at(sessions, user, "203.0.113.77")
    for seconds, expected in ((59, 0), (60, 60), (119, 60), (120, 120)):
        sessions.clock.now = start + timedelta(seconds=seconds)
        with client_address.serving(ClientPath((ip_address("2001:db8:1:2::3"),))):
            following = await sessions.service.refresh(began.refresh_token)
        assert following is not None
        began = following
        (session,) = await listed(sessions, user)
        assert session.last_used_at == start + timedelta(seconds=expected)
        assert session.device == Device("Firefox on Windows", "2001:db8:1::/48" if expected else "203.0.113.0/24")


async def test_the_list_has_pages_in_both_directions(sessions: SessionsOfTest) -> None:
    user = await sessions.new_user()
    for number in range(5):
        sessions.clock.now += timedelta(seconds=number % 2)  # two pairs begin at the same time
        await sessions.begin(user)
    everything, store, now = await listed(sessions, user), sessions.store.session_list, sessions.clock.now
    assert everything == sorted(everything, key=lambda each: (each.created_at, each.id), reverse=True)
    middle = sort_key(everything[2])
    assert await store.page(user.id, PageRequest(2), now) == everything[:3]
    assert await store.page(user.id, PageRequest(2, after=middle), now) == everything[3:]
    assert await store.page(user.id, PageRequest(2, before=middle), now) == everything[:2]
    assert await store.page(user.id, PageRequest(1, before=middle, backwards=True), now) == everything[1::-1]
    assert await store.count(user.id, now) == 5


async def test_only_an_own_live_session_is_renamed(sessions: SessionsOfTest) -> None:
    ann, eve = await sessions.new_user(), await sessions.new_user()
    began, other = await sessions.begin(ann), await sessions.begin(ann)
    store, now = sessions.store.session_list, sessions.clock.now
    before = next(each for each in await listed(sessions, ann) if each.id == session_id(began))
    assert await store.rename(ann.id, session_id(began), "My laptop \u738b", now) == replace(
        before, name="My laptop \u738b"
    )
    for user, name in ((eve, session_id(began)), (ann, "unknown"), (ann, "\x00"), (ann, "\ud800")):
        assert await store.rename(user.id, name, "Stolen", now) is None
    assert {each.name for each in await listed(sessions, ann)} == {None, "My laptop \u738b"}
    assert await store.rename(ann.id, session_id(began), None, now) == before
    await sessions.service.end(session_id(other))
    assert await store.rename(ann.id, session_id(other), "Gone", now) is None


async def test_own_sessions_are_ended(sessions: SessionsOfTest) -> None:
    ann, eve = await sessions.new_user(), await sessions.new_user()
    first, second, third, fourth = [session_id(await sessions.begin(ann)) for _ in range(4)]
    of_eve = session_id(await sessions.begin(eve))
    store, now = sessions.store.session_list, sessions.clock.now
    for name in (of_eve, "unknown", "\x00", "\ud800"):
        assert await store.end(ann.id, now, only=name) == []
    assert await store.end(ann.id, now, only=first) == [first]
    assert await store.end(ann.id, now, only=first) == []
    assert sorted(await store.end(ann.id, now, but=second)) == sorted([third, fourth])
    assert await store.end(ann.id, now) == [second]
    assert [each.id for each in await listed(sessions, eve)] == [of_eve]
    assert {each.id for each in await sessions.store.sessions_ended_since(now)} == {first, second, third, fourth}


async def test_many_ends_at_once_end_each_session_once(place: Path | str) -> None:
    async with opened(place) as one, opened(place) as other:
        sessions = SessionsOfTest(one)
        user = await sessions.new_user()
        began = [session_id(await sessions.begin(user)) for _ in range(6)]
        found = await asyncio.gather(
            *(store.session_list.end(user.id, sessions.clock.now) for store in [one, other] * 5)
        )
        assert sorted(each for ended in found for each in ended) == sorted(began)


async def test_a_login_from_a_new_device_is_reported_once(sessions: SessionsOfTest) -> None:
    user = await sessions.new_user()
    await begin_at(sessions, user, "203.0.113.1")
    await begin_at(sessions, user, "203.0.113.2")
    assert await mails(sessions) == []
    await begin_at(sessions, user, "198.51.100.9")
    await begin_at(sessions, user, "198.51.100.10")
    (mail,) = await mails(sessions)
    assert (mail.kind, mail.recipient) == (MailKind.NEW_DEVICE, user.email)
    assert mail.facts == {
        "device": "Firefox on Windows",
        "network": "198.51.100.0/24",
        "time": "01 June 2026, 09:30 UTC",
    }
    await begin_at(sessions, await sessions.new_user(), "192.0.2.1")
    assert await mails(sessions) == []
    sessions.clock.now += KNOWN_FOR
    await begin_at(sessions, user, "203.0.113.1")
    assert len(await mails(sessions)) == 1


async def test_a_device_in_use_stays_known(sessions: SessionsOfTest) -> None:
    user = await sessions.new_user()
    for _ in range(3):
        await begin_at(sessions, user, "203.0.113.1")
        sessions.clock.now += KNOWN_FOR - timedelta(days=1)
    assert await mails(sessions) == []


async def test_only_a_new_device_wakes_the_delivery_of_mails(sessions: SessionsOfTest) -> None:
    user = await sessions.new_user()
    await begin_at(sessions, user, "203.0.113.1")
    await begin_at(sessions, user, "203.0.113.1")
    assert not sessions.mails.queued.is_set()
    await begin_at(sessions, user, "198.51.100.9")
    assert sessions.mails.queued.is_set()


async def test_a_disabled_user_gets_no_notice_and_no_device(sessions: SessionsOfTest) -> None:
    user = await sessions.new_user()
    await begin_at(sessions, user, "203.0.113.1")
    await sessions.store.disable(user.id, sessions.clock.now)
    with client_address.serving(ClientPath((ip_address("192.0.2.1"),))):
        assert await sessions.service.begin(user) is None
    assert await mails(sessions) == []


async def test_a_bounded_number_of_devices_is_remembered(sessions: SessionsOfTest) -> None:
    user = await sessions.new_user()
    for number in range(MAX_KNOWN + 2):
        sessions.clock.now += timedelta(seconds=1)
        await begin_at(sessions, user, f"10.0.{number}.1")
    await mails(sessions)
    for number, is_known in ((MAX_KNOWN, True), (0, False)):
        await begin_at(sessions, user, f"10.0.{number}.1")
        assert (await mails(sessions) == []) is is_known


@pytest.mark.parametrize(
    ("text", "name"),
    [
        ("My laptop", "My laptop"),
        ("  a ", "a"),
        ("", None),
        (" \t", None),
        ("x" * MAX_NAME_LENGTH, "x" * MAX_NAME_LENGTH),
    ],
)
def test_a_name_is_a_line_of_text(text: str, name: str | None) -> None:
    assert parse_session_name(text) == name


@pytest.mark.parametrize("text", ["x" * (MAX_NAME_LENGTH + 1), "a\nb", "a\x00b", "\u202egnp", "\ud800"])
def test_other_names_are_refused(text: str) -> None:
    with pytest.raises(InvalidField):
        parse_session_name(text)
