"""The use cases of sessions: begin, refresh, log out (bank §2.8).

Every way to log in begins a session here, and whatever ends sessions revokes them here.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import timedelta
from typing import TYPE_CHECKING, Final

import structlog

from servicekit import client_address, user_agent
from servicekit.cautious_clock import CautiousClock
from subgraphs.auth import refresh_tokens, tokens
from subgraphs.auth.displayed_times import moment_text
from subgraphs.auth.domain import RefreshToken, Session, SessionRules, StepUp, Verdict
from subgraphs.auth.mail.letters import Mail, MailKind
from subgraphs.auth.sessions.devices import Device
from subgraphs.auth.sessions.session_list import Arrival
from subgraphs.auth.signing_keys import PUBLISH_AFTER

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable
    from datetime import datetime

    from bank.revocation import RevocationList
    from subgraphs.auth.authentication import Authentication
    from subgraphs.auth.domain import User
    from subgraphs.auth.mail.delivery import MailQueue
    from subgraphs.auth.store.protocol import AuthStore

# How long a revocation is kept. After a session has ended, its last access token expires within minutes. But if the
# clock is then set back, the token is valid again. So a revocation is kept for a day, because a clock is rarely set
# back by more than that.
REVOCATION_LIFETIME: Final = timedelta(days=1)
# `revoke_ended_sessions` revokes the sessions that have ended within this time. The access tokens of older sessions
# have expired.
_REPAIRED: Final = PUBLISH_AFTER + timedelta(minutes=1)

# The purpose of the key in `SessionTokens` (`subgraphs.auth.sealing.derive_key`).
REFRESH_KEY_PURPOSE: Final = "next refresh tokens"

_log = structlog.stdlib.get_logger("identity")


@dataclass(frozen=True, slots=True)
class SignedIn:
    """The result of a successful login, registration or refresh: the user, and the tokens of the session."""

    user: User
    access: tokens.AccessToken
    refresh_token: str


@dataclass(frozen=True, slots=True)
class Clocks:
    """The clocks of the service.

    Attributes:
        now: the clock for times that are stored or sent.
        for_deletion: the clock that decides which data has expired and is deleted (`servicekit.cautious_clock`).
    """

    now: Callable[[], datetime]
    for_deletion: Callable[[], datetime]

    @classmethod
    def of(cls, wall: Callable[[], datetime]) -> Clocks:
        return cls(wall, CautiousClock(wall))


@dataclass(frozen=True, slots=True)
class SteppedUp:
    """The tokens of the session that replaces a session after a step-up, and what they say about the login."""

    access: tokens.AccessToken
    refresh_token: str
    authentication: Authentication


@dataclass(frozen=True, slots=True)
class SessionTokens:
    """How the tokens of sessions are made.

    Attributes:
        access: issues the access tokens.
        rules: how long sessions last.
        key: the key from which the next refresh token is derived.
    """

    access: tokens.AccessTokens
    rules: SessionRules
    key: bytes


class SessionService:
    """The use cases of sessions."""

    def __init__(
        self,
        store: AuthStore,
        *,
        session_tokens: SessionTokens,
        revocations: RevocationList,
        mails: MailQueue,
        clocks: Clocks,
    ) -> None:
        self._store = store
        self._tokens = session_tokens
        self._revocations = revocations
        self._mails = mails
        self._clock = clocks.now
        self._deletion_clock = clocks.for_deletion

    @property
    def rules(self) -> SessionRules:
        """How long sessions last."""
        return self._tokens.rules

    def arrival(self, user: User) -> Arrival:
        """Return the arrival of `user` on the device that has sent the current request."""
        device = _current_device()
        now = self._clock()
        return Arrival(device, lambda: self._mails.sealed(_notice(user, device, now)))

    async def begin(self, user: User, authentication: Authentication | None = None) -> SignedIn | None:
        """Begin a session of `user`; return None if the user is disabled, or has changed the password in the meantime.

        Args:
            user: the user, who has proved their identity.
            authentication: how and when; by default, now and with the password only.
        """
        now = self._clock()
        rules = self._tokens.rules
        refresh_token = refresh_tokens.new_refresh_token()
        session = Session.begin(tokens.new_identifier(), user.id, now, authentication, rules)
        session = replace(session, family=_family(refresh_token))
        token = RefreshToken.issue(tokens.digest(refresh_token), session, now, rules)
        expired_before = min(now, self._deletion_clock())
        begun = await self._store.begin_session(session, token, expired_before, self.arrival(user), known=user)
        if begun is None:
            return None
        if begun.has_notice:
            self._mails.wake()
        return SignedIn(user, await self._tokens.access.issue(user, session), refresh_token)

    async def owner(self, refresh_token: str) -> str | None:
        """Return the id of the user to whom a refresh token belongs, whether it is still valid or not."""
        return await self._store.token_owner(tokens.digest(refresh_token))

    async def refresh(self, refresh_token: str) -> SignedIn | None:
        """Return the next pair of tokens of a session; None if the refresh token is not valid.

        If the token was exchanged a moment ago, the same next refresh token is returned again. If it was exchanged
        earlier, its session ends, and the session's access tokens become invalid.
        """
        now = self._clock()
        following = refresh_tokens.next_refresh_token(refresh_token, self._tokens.key)
        exchange = await self._store.exchange(
            tokens.digest(refresh_token), tokens.digest(following), now, self._tokens.rules, _current_device().network
        )
        if exchange is None:
            await self.end_family(_family(refresh_token))
            return None
        if exchange.verdict is Verdict.REUSED:
            await self._revoke_reused(exchange.session.id)
        if exchange.verdict not in {Verdict.ROTATE, Verdict.REPEATED}:
            return None
        access = await self._tokens.access.issue(exchange.user, exchange.session)
        return SignedIn(exchange.user, access, following)

    async def end_family(self, family: bytes | None) -> None:
        """End the session with this family, to which a token belongs that is not stored any more.

        Only used tokens are deleted from the store, so the token was used before, and somebody has sent it again.
        """
        ended = None if family is None else await self._store.end_family(family, self._clock())
        if ended is not None:
            await self._revoke_reused(ended)

    async def _revoke_reused(self, session_id: str) -> None:
        _log.warning("refresh token used twice, session ends", session_id=session_id)
        await self.revoke([session_id])

    async def step_up(self, session_id: str, proof: Authentication) -> SteppedUp | None:
        """Replace a session after a new proof of the user's identity. From then on, its old tokens are invalid.

        Return None if the session has ended, or if the proof does not suffice (`Authentication.stepped_up`).
        """
        refresh_token = refresh_tokens.new_refresh_token()
        digest, family = tokens.digest(refresh_token), _family(refresh_token)
        step = StepUp(proof, tokens.new_identifier(), digest, self._tokens.rules, family)
        replaced = await self._store.step_up(session_id, step, self._clock())
        if replaced is None:
            return None
        await self.revoke([session_id])
        session, user = replaced
        return SteppedUp(await self._tokens.access.issue(user, session), refresh_token, session.authentication)

    async def end(self, session_id: str) -> datetime:
        """End a session, and return the time of its end. From then on, the session's tokens are invalid."""
        now = self._clock()
        session = await self._store.end_session(session_id, now)
        await self.revoke([session_id])
        return session.ended_at if session is not None and session.ended_at is not None else now

    async def repair(self, user_id: str | None = None) -> None:
        """Revoke the sessions of a user, or of all users, that ended recently.

        A crash may have prevented their revocation.
        """
        await revoke_ended_sessions(self._store, self._revocations, self._clock(), user_id)

    async def revoke(self, session_ids: Iterable[str]) -> None:
        """Make the access tokens of sessions that have ended invalid for every process."""
        for session_id in session_ids:
            await revoke(self._revocations, session_id, self._clock())


def _family(refresh_token: str) -> bytes | None:
    return refresh_tokens.family_digest(refresh_token, tokens.digest)


def _current_device() -> Device:
    """Return the device that has sent the current request."""
    return Device.of(user_agent.current(), client_address.current().client)


def _notice(user: User, device: Device, now: datetime) -> Mail:
    facts = {"device": device.words, "network": device.network, "time": moment_text(now)}
    return Mail(MailKind.NEW_DEVICE, user.email, facts)


async def revoke_ended_sessions(
    store: AuthStore, revocations: RevocationList, now: datetime, user_id: str | None = None
) -> None:
    """Revoke the recently ended sessions of a user, or of all users."""
    for session in await store.sessions_ended_since(now - _REPAIRED):
        if user_id is None or session.user_id == user_id:
            await revoke(revocations, session.id, now)


async def revoke(revocations: RevocationList, session_id: str, now: datetime) -> None:
    """Make the access tokens of a session invalid for every process."""
    await revocations.revoke(session_id, (now + REVOCATION_LIFETIME).timestamp())
