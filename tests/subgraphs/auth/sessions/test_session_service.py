"""Sessions and their chains of refresh tokens, on SQLite and PostgreSQL.

Covers `subgraphs/auth/refresh_tokens.py`.
"""

from __future__ import annotations

import asyncio
from datetime import timedelta
from typing import TYPE_CHECKING

import jwt

from subgraphs.auth.domain import RefreshToken, Session
from subgraphs.auth.tokens import digest
from tests.subgraphs.auth.sessions.session_stores import RULES, SessionsOfTest, opened, stored_tokens

if TYPE_CHECKING:
    from pathlib import Path

    from subgraphs.auth.sessions.session_service import SignedIn

MOMENT = timedelta(milliseconds=1)


def session_id(signed_in: SignedIn) -> str:
    return str(jwt.decode(signed_in.access.text, options={"verify_signature": False})["sid"])


async def test_a_lost_answer_is_repeated_with_the_same_next_token(sessions: SessionsOfTest) -> None:
    first = await sessions.begin()
    second = await sessions.service.refresh(first.refresh_token)
    assert second is not None
    sessions.clock.now += RULES.grace - MOMENT
    again = await sessions.service.refresh(first.refresh_token)
    assert again is not None
    assert again.refresh_token == second.refresh_token != first.refresh_token
    assert session_id(again) == session_id(second) == session_id(first)
    assert sessions.revocations.ids == set()
    assert await sessions.service.refresh(second.refresh_token) is not None


async def test_after_the_grace_a_reused_token_ends_the_session(sessions: SessionsOfTest) -> None:
    first = await sessions.begin()
    second = await sessions.service.refresh(first.refresh_token)
    assert second is not None
    sessions.clock.now += RULES.grace
    assert await sessions.service.refresh(first.refresh_token) is None
    assert await sessions.service.refresh(second.refresh_token) is None
    assert sessions.revocations.ids == {session_id(first)}


async def test_the_grace_ends_when_the_next_token_is_used(sessions: SessionsOfTest) -> None:
    first = await sessions.begin()
    second = await sessions.service.refresh(first.refresh_token)
    assert second is not None
    assert await sessions.service.refresh(second.refresh_token) is not None
    assert await sessions.service.refresh(first.refresh_token) is None
    assert sessions.revocations.ids == {session_id(first)}


async def chain(sessions: SessionsOfTest, length: int) -> list[SignedIn]:
    """A session, and what each of its refreshes has returned."""
    found = [await sessions.begin()]
    for _ in range(length - 1):
        following = await sessions.service.refresh(found[-1].refresh_token)
        assert following is not None
        found.append(following)
    return found


async def test_all_tokens_of_a_session_have_one_family_and_no_other_session_has_it(sessions: SessionsOfTest) -> None:
    families = {each.refresh_token.partition(".")[0] for each in await chain(sessions, 4)}
    assert len(families) == 1
    assert families.isdisjoint({each.refresh_token.partition(".")[0] for each in await chain(sessions, 4)})


async def test_a_session_of_months_has_two_tokens_and_each_older_one_ends_it(
    sessions: SessionsOfTest, place: Path | str
) -> None:
    found = await chain(sessions, 40)
    assert await stored_tokens(place) == {session_id(found[0]): 2}
    assert await sessions.service.refresh(found[3].refresh_token) is None
    assert sessions.revocations.ids == {session_id(found[0])}
    assert await sessions.service.refresh(found[-1].refresh_token) is None


async def test_an_old_token_ends_its_session_also_after_a_change_of_the_secret(sessions: SessionsOfTest) -> None:
    found = await chain(sessions, 4)
    restarted = SessionsOfTest(sessions.store, secret=b"n" * 32, revocations=sessions.revocations)
    assert await restarted.service.refresh(found[0].refresh_token) is None
    assert sessions.revocations.ids == {session_id(found[0])}


async def test_a_session_of_an_earlier_release_keeps_all_its_tokens(
    sessions: SessionsOfTest, place: Path | str
) -> None:
    user, now = await sessions.new_user(), sessions.clock.now
    session = Session.begin("of before", user.id, now, rules=RULES)
    assert await sessions.store.begin_session(session, RefreshToken.issue(digest("old"), session, now, RULES), now)
    text = "old"
    for _ in range(4):
        following = await sessions.service.refresh(text)
        assert following is not None
        text = following.refresh_token
    assert await stored_tokens(place) == {"of before": 5}
    assert await sessions.service.refresh("old") is None
    assert sessions.revocations.ids == {"of before"}


async def test_a_token_and_its_predecessors_at_once_end_the_session(place: Path | str) -> None:
    """Whoever comes first: the exchange deletes tokens that others read, and nobody waits for each other."""
    async with opened(place) as one, opened(place) as other:
        first, second = SessionsOfTest(one), SessionsOfTest(other)
        for _ in range(10):
            found = await chain(first, 4)
            texts = [each.refresh_token for each in found]
            await asyncio.gather(*(each.service.refresh(text) for text in texts for each in (first, second)))
            assert session_id(found[0]) in first.revocations.ids | second.revocations.ids
            assert await first.service.refresh(texts[-1]) is None
            assert (await stored_tokens(place))[session_id(found[0])] <= 3


async def test_without_a_grace_the_second_use_ends_the_session(sessions: SessionsOfTest) -> None:
    strict = sessions.with_rules(grace=timedelta(0))
    first = await strict.begin()
    assert await strict.service.refresh(first.refresh_token) is not None
    assert await strict.service.refresh(first.refresh_token) is None
    assert sessions.revocations.ids == {session_id(first)}


async def test_a_token_repeated_across_a_change_of_the_secret_ends_the_session(sessions: SessionsOfTest) -> None:
    """The service cannot derive the next token of before."""
    first = await sessions.begin()
    assert await sessions.service.refresh(first.refresh_token) is not None
    restarted = SessionsOfTest(sessions.store, secret=b"n" * 32, revocations=sessions.revocations)
    assert await restarted.service.refresh(first.refresh_token) is None
    assert sessions.revocations.ids == {session_id(first)}


async def test_the_chain_goes_on_after_a_change_of_the_secret(sessions: SessionsOfTest) -> None:
    first = await sessions.begin()
    restarted = SessionsOfTest(sessions.store, secret=b"n" * 32)
    assert await restarted.service.refresh(first.refresh_token) is not None


async def test_100_refreshes_of_one_token_at_once_get_one_next_token(place: Path | str) -> None:
    """Two processes share the store. The session is intact afterwards."""
    async with opened(place) as one, opened(place) as other:
        first, second = SessionsOfTest(one), SessionsOfTest(other)
        began = await first.begin()
        both = [first, second] * 50
        found = await asyncio.gather(*(each.service.refresh(began.refresh_token) for each in both))
        assert len({each.refresh_token for each in found if each is not None}) == 1
        assert None not in found
        assert first.revocations.ids | second.revocations.ids == set()
        following = found[0]
        assert following is not None
        assert await first.service.refresh(following.refresh_token) is not None


async def test_100_refreshes_of_a_stolen_token_at_once_end_the_session(place: Path | str) -> None:
    async with opened(place) as one, opened(place) as other:
        first, second = SessionsOfTest(one), SessionsOfTest(other)
        began = await first.begin()
        assert await first.service.refresh(began.refresh_token) is not None
        for each in (first, second):
            each.clock.now += RULES.grace
        found = await asyncio.gather(*(each.service.refresh(began.refresh_token) for each in [first, second] * 50))
        assert set(found) == {None}
        assert first.revocations.ids | second.revocations.ids == {session_id(began)}


async def test_an_idle_session_and_an_old_one_end(sessions: SessionsOfTest) -> None:
    idle, busy = await sessions.begin(), await sessions.begin()
    for _ in range(4):
        sessions.clock.now += RULES.idle - MOMENT
        following = await sessions.service.refresh(busy.refresh_token)
        assert following is not None
        busy = following
    assert await sessions.service.refresh(idle.refresh_token) is None
    sessions.clock.now += timedelta(seconds=1)
    assert await sessions.service.refresh(busy.refresh_token) is None


async def test_an_access_token_does_not_outlive_its_session(sessions: SessionsOfTest) -> None:
    short = await sessions.with_rules(lifetime=timedelta(minutes=1)).begin()
    assert short.access.expires_in == 60
