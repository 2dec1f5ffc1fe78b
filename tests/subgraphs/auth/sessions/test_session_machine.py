"""Any sequence of logins, refreshes, ends and pauses, compared with a model of a few lines, on both stores.

Covers the rules of `subgraphs/auth/domain.py`, `subgraphs/auth/sessions/session_service.py` and the list of sessions.
"""

from __future__ import annotations

import asyncio
from collections import Counter
from contextlib import AsyncExitStack
from dataclasses import dataclass, field
from datetime import timedelta
from typing import TYPE_CHECKING, Any, ClassVar

import jwt
from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import Bundle, RuleBasedStateMachine, invariant, rule, run_state_machine_as_test

from subgraphs.kit.pages import PageRequest
from tests.subgraphs.auth.sessions.session_stores import RULES, SessionsOfTest, opened, stored_tokens

if TYPE_CHECKING:
    from collections.abc import Coroutine
    from datetime import datetime
    from pathlib import Path

    from subgraphs.auth.domain import User
    from subgraphs.auth.sessions.session_service import SignedIn

PAUSES = st.sampled_from(
    [
        timedelta(0),
        timedelta(seconds=1),
        RULES.grace - timedelta(milliseconds=1),
        RULES.grace,
        RULES.idle - timedelta(seconds=1),
        RULES.idle,
        RULES.lifetime,
    ]
)


@dataclass
class ModelSession:
    expires_at: datetime
    is_ended: bool = False


@dataclass
class ModelToken:
    session: str
    expires_at: datetime
    used_at: datetime | None = None
    following: str | None = None


@dataclass
class Model:
    """What clients may expect."""

    sessions: dict[str, ModelSession] = field(default_factory=dict)
    tokens: dict[str, ModelToken] = field(default_factory=dict)

    def add_token(self, text: str, session: str, now: datetime) -> None:
        assert text not in self.tokens
        self.tokens[text] = ModelToken(session, min(now + RULES.idle, self.sessions[session].expires_at))

    def refresh(self, text: str, now: datetime) -> str | None:
        """Return `new` or `same` for a new next token or the one of before, None for a refusal."""
        token = self.tokens[text]
        session = self.sessions[token.session]
        if session.is_ended or now >= session.expires_at:
            return None
        if token.used_at is None:
            return "new" if now < token.expires_at else None
        following = self.tokens[token.following or ""]
        if now - token.used_at < RULES.grace and following.used_at is None:
            return "same"
        session.is_ended = True
        return None


class Machine(RuleBasedStateMachine):
    place: ClassVar[Path | str]
    refresh_tokens: Bundle[str] = Bundle("refresh tokens")

    def __init__(self) -> None:
        super().__init__()
        self.loop = asyncio.new_event_loop()
        self.open = AsyncExitStack()
        self.sessions = SessionsOfTest(self.run(self.open.enter_async_context(opened(self.place))))
        self.user: User = self.run(self.sessions.new_user())
        self.model = Model()

    def run(self, work: Coroutine[Any, Any, Any]) -> Any:
        return self.loop.run_until_complete(work)

    def teardown(self) -> None:
        try:
            self.at_most_two_tokens_of_a_session_are_stored()
        finally:
            self.run(self.open.aclose())
            self.loop.close()

    def at_most_two_tokens_of_a_session_are_stored(self) -> None:
        issued = Counter(token.session for token in self.model.tokens.values())
        stored = self.run(stored_tokens(self.place))  # other examples have left their sessions in the store
        for session, count in issued.items():
            # An expired session is deleted with its tokens when another begins.
            assert stored.get(session) in {None, min(count, 2)}

    @property
    def now(self) -> datetime:
        return self.sessions.clock.now

    @rule(target=refresh_tokens)
    def log_in(self) -> str:
        began: SignedIn = self.run(self.sessions.begin(self.user))
        self.model.sessions[session_of(began)] = ModelSession(self.now + RULES.lifetime)
        self.model.add_token(began.refresh_token, session_of(began), self.now)
        return began.refresh_token

    @rule(target=refresh_tokens, text=refresh_tokens)
    def refresh(self, text: str) -> str:
        expected = self.model.refresh(text, self.now)
        found: SignedIn | None = self.run(self.sessions.service.refresh(text))
        assert (found is not None) == (expected is not None)
        if found is None:
            return text
        token = self.model.tokens[text]
        assert session_of(found) == token.session
        if expected == "same":
            assert found.refresh_token == token.following
        else:
            self.model.add_token(found.refresh_token, token.session, self.now)
            token.used_at, token.following = self.now, found.refresh_token
        return found.refresh_token

    @rule(text=refresh_tokens, times=st.integers(2, 5))
    def refresh_at_once(self, text: str, times: int) -> None:
        async def together() -> list[SignedIn | None]:
            return await asyncio.gather(*(self.sessions.service.refresh(text) for _ in range(times)))

        expected = self.model.refresh(text, self.now)
        found: list[SignedIn | None] = self.run(together())
        texts = {None if each is None else each.refresh_token for each in found}
        assert len(texts) == 1
        (following,) = texts
        assert (following is not None) == (expected is not None)
        if following is not None and expected == "new":
            token = self.model.tokens[text]
            self.model.add_token(following, token.session, self.now)
            token.used_at, token.following = self.now, following

    @rule(text=refresh_tokens, secret=st.text(max_size=50))
    def refresh_with_a_token_that_only_the_family_shows(self, text: str, secret: str) -> None:
        """A token that was used long ago looks so to the store."""
        family, _, issued = text.partition(".")
        if secret == issued:
            return
        assert self.run(self.sessions.service.refresh(f"{family}.{secret}")) is None
        session = self.model.sessions[self.model.tokens[text].session]
        session.is_ended |= self.now < session.expires_at

    @rule(text=refresh_tokens)
    def log_out(self, text: str) -> None:
        session = self.model.tokens[text].session
        self.run(self.sessions.service.end(session))
        self.model.sessions[session].is_ended = True

    @rule(text=refresh_tokens)
    def end_other_sessions(self, text: str) -> None:
        """The store ends only sessions that have not expired, and whoever asks it revokes them."""
        kept = self.model.tokens[text].session
        ended = self.run(self.sessions.store.session_list.end(self.user.id, self.now, but=kept))
        self.run(self.sessions.service.revoke(ended))
        others = {
            name
            for name, session in self.model.sessions.items()
            if name != kept and not session.is_ended and self.now < session.expires_at
        }
        assert set(ended) == others
        for name in others:
            self.model.sessions[name].is_ended = True

    @rule(pause=PAUSES)
    def wait(self, pause: timedelta) -> None:
        self.sessions.clock.now += pause

    @rule(text=st.text(max_size=50))
    def refresh_with_a_text_that_nobody_issued(self, text: str) -> None:
        assert self.run(self.sessions.service.refresh(text)) is None

    @invariant()
    def the_tokens_of_ended_sessions_and_no_others_are_revoked(self) -> None:
        ended = {name for name, session in self.model.sessions.items() if session.is_ended}
        assert self.sessions.revocations.ids == ended

    @invariant()
    def the_sessions_that_can_be_refreshed_are_listed(self) -> None:
        page = self.run(self.sessions.store.session_list.page(self.user.id, PageRequest(100), self.now))
        usable = {
            token.session
            for token in self.model.tokens.values()
            if token.used_at is None and self.now < token.expires_at and not self.model.sessions[token.session].is_ended
        }
        assert {each.id for each in page} == usable


def session_of(signed_in: SignedIn) -> str:
    return str(jwt.decode(signed_in.access.text, options={"verify_signature": False})["sid"])


def test_sessions_behave_as_the_model(place: Path | str) -> None:
    class OnThisStore(Machine):
        pass

    OnThisStore.place = place
    run_state_machine_as_test(
        OnThisStore,
        settings=settings(
            max_examples=25,
            stateful_step_count=20,
            deadline=None,
            suppress_health_check=[HealthCheck.too_slow],
        ),
    )
