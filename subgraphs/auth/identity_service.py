"""The use cases of the auth service: register, log in, refresh, log out (bank §2.8).

This module knows nothing of GraphQL.
"""

from __future__ import annotations

from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass
from datetime import timedelta
from typing import TYPE_CHECKING, Final, TypedDict

import structlog

from bank import values
from servicekit.cautious_clock import CautiousClock
from servicekit.errors import BadUserInput, Unauthenticated, Unavailable
from subgraphs.auth import tokens
from subgraphs.auth.domain import (
    MAX_EMAIL_LENGTH,
    MAX_NAME_LENGTH,
    InvalidField,
    RefreshToken,
    Role,
    Session,
    User,
    Verdict,
    email_key,
    parse_email,
    parse_name,
)
from subgraphs.auth.password_rules import check_length, weakness
from subgraphs.auth.signing_keys import PUBLISH_AFTER
from subgraphs.auth.store.protocol import EmailExists

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Callable, Iterable, Mapping
    from datetime import datetime

    from bank.identity import Caller
    from bank.revocation import RevocationList
    from subgraphs.auth.attempts import Attempt, Origin
    from subgraphs.auth.login_limits import LoginLimits
    from subgraphs.auth.password_hashing import PasswordHasher
    from subgraphs.auth.store.protocol import AuthStore, Credentials

# How long a revocation is kept. After a session has ended, its last access token expires within minutes. But if the
# clock is then set back, the token is valid again. So a revocation is kept for a day, because a clock is rarely set
# back by more than that.
_REVOCATION_LIFETIME: Final = timedelta(days=1)
# `revoke_ended_sessions` revokes the sessions that have ended within this time. The access tokens of older sessions
# have expired.
_REPAIRED: Final = PUBLISH_AFTER + timedelta(minutes=1)

_log = structlog.stdlib.get_logger("identity")


@dataclass(frozen=True, slots=True)
class SignedIn:
    """The result of a successful login, registration or refresh: the user, and the tokens of the session."""

    user: User
    access: tokens.AccessToken
    refresh_token: str


@dataclass(frozen=True, slots=True)
class TakenEmail:
    """Another user has the e-mail address."""


@dataclass(frozen=True, slots=True)
class WeakChoice:
    """The password is too easy to guess. `reason` is a text for the user."""

    reason: str


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
class GuardedPasswords:
    """The hasher of passwords, and the limits that each caller of the hasher must check first."""

    hasher: PasswordHasher
    limits: LoginLimits


class IdentityService:
    """The use cases of the service.

    If a request is refused (for example, because the password is weak), the refusal is the return value. Any other
    failure is raised as a `ServiceError`.
    """

    def __init__(
        self,
        store: AuthStore,
        *,
        passwords: GuardedPasswords,
        access_tokens: tokens.AccessTokens,
        revocations: RevocationList,
        clocks: Clocks,
    ) -> None:
        self._store = store
        self._passwords = passwords
        self._access_tokens = access_tokens
        self._revocations = revocations
        self._clock = clocks.now
        self._deletion_clock = clocks.for_deletion

    async def register(
        self, *, email: str, password: str, name: str, origin: Origin
    ) -> SignedIn | TakenEmail | WeakChoice:
        """Register a new customer and begin a session.

        Raises:
            BadUserInput: names every field that is not valid.
            RateLimited: too many registrations from this address.
            Unavailable: too many passwords wait to be hashed, or the store does not respond.
        """
        new_user = NewUser(email, password, name, (Role.CUSTOMER,))
        await self._passwords.limits.count_password_choice(origin)
        user = await check_user(self._passwords.hasher, new_user, self._clock())
        if isinstance(user, WeakChoice):
            return user
        attempt = await self._passwords.limits.begin_registration(email_key(user.email), origin)
        async with _given_back_unless_hashed(attempt):
            added = await add_user(self._store, self._passwords.hasher, user, password)
        if isinstance(added, TakenEmail):
            return added
        signed_in = await self._begin_session(added)
        if signed_in is None:  # an operator disabled the user in the meantime
            raise Unauthenticated
        return signed_in

    async def login(self, *, email: str, password: str, origin: Origin) -> SignedIn | None:
        """Begin a session; None if the e-mail address is unknown, the password is wrong or the user is disabled.

        All cases take the same time: one hash is computed in each.

        Raises:
            RateLimited: too many failed logins of this account or from this address.
            Unavailable: too many passwords wait to be hashed, or the store does not respond.
        """
        address = _email_if_any(email)
        attempt = await self._passwords.limits.begin_login(email if address is None else email_key(address), origin)
        async with _given_back_unless_hashed(attempt):
            known = None if address is None else await self._store.credentials(address)
            matches = await self._passwords.hasher.verify(password, None if known is None else known.password_hash)
        if known is None or not matches or known.user.disabled_at is not None:
            return None
        await attempt.give_back()
        await self._renew_hash(known, password)
        return await self._begin_session(known.user)

    async def _renew_hash(self, known: Credentials, password: str) -> None:
        """Replace a hash that has outdated parameters.

        If the queue is full, keep the hash; the next login tries again.
        """
        if self._passwords.hasher.is_outdated(known.password_hash):
            with suppress(Unavailable):
                encoded = await self._passwords.hasher.hash(password)
                await self._store.set_password_hash(known.user.id, encoded)

    async def refresh(self, refresh_token: str) -> SignedIn | None:
        """Return the next pair of tokens of a session; None if the refresh token is not valid.

        If the token was exchanged before, its session ends, and the session's access tokens become invalid.
        """
        now = self._clock()
        successor = tokens.new_refresh_token()
        exchange = await self._store.exchange(tokens.digest(refresh_token), tokens.digest(successor), now)
        if exchange is None:
            return None
        if exchange.verdict is Verdict.REUSED:
            _log.warning("refresh token used twice, session ends", session_id=exchange.session.id)
            await self._revoke(exchange.session.id)
        if exchange.verdict is not Verdict.ROTATE:
            return None
        access = await self._access_tokens.issue(exchange.user, exchange.session)
        return SignedIn(exchange.user, access, successor)

    async def logout(self, caller: Caller) -> datetime:
        """End the caller's session, and return the time of its end. From then on, the session's tokens are invalid."""
        now = self._clock()
        session = await self._store.end_session(caller.session_id, now)
        await self._revoke(caller.session_id)
        return session.ended_at if session is not None and session.ended_at is not None else now

    async def repair(self) -> None:
        """Revoke the sessions that ended recently. A crash may have prevented their revocation."""
        await revoke_ended_sessions(self._store, self._revocations, self._clock())

    async def _begin_session(self, user: User) -> SignedIn | None:
        now = self._clock()
        session = Session.begin(tokens.new_identifier(), user.id, now)
        refresh_token = tokens.new_refresh_token()
        token = RefreshToken.issue(tokens.digest(refresh_token), session, now)
        if not await self._store.begin_session(session, token, min(now, self._deletion_clock())):
            return None
        return SignedIn(user, await self._access_tokens.issue(user, session), refresh_token)

    async def _revoke(self, session_id: str) -> None:
        await _revoke(self._revocations, session_id, self._clock())


async def revoke_ended_sessions(
    store: AuthStore, revocations: RevocationList, now: datetime, user_id: str | None = None
) -> None:
    """Revoke the recently ended sessions of a user, or of all users."""
    for session in await store.sessions_ended_since(now - _REPAIRED):
        if user_id is None or session.user_id == user_id:
            await _revoke(revocations, session.id, now)


async def _revoke(revocations: RevocationList, session_id: str, now: datetime) -> None:
    await revocations.revoke(session_id, (now + _REVOCATION_LIFETIME).timestamp())


class FieldProblem(TypedDict):
    """An entry of `extensions.fields` in the GraphQL error: a field that is not valid."""

    path: list[str]
    code: str
    message: str


@dataclass(frozen=True, slots=True)
class NewUser:
    """The input of a registration, not validated yet."""

    email: str
    password: str
    name: str
    roles: Iterable[Role]


async def create_user(
    store: AuthStore, hasher: PasswordHasher, new_user: NewUser, now: datetime
) -> User | TakenEmail | WeakChoice:
    """Validate and store a new user without checking the rate limits. Operators' commands use this function.

    Raises:
        BadUserInput: names every field that is not valid.
    """
    user = await check_user(hasher, new_user, now)
    return user if isinstance(user, WeakChoice) else await add_user(store, hasher, user, new_user.password)


async def check_user(hasher: PasswordHasher, new_user: NewUser, now: datetime) -> User | WeakChoice:
    """Return the user to add, without storing it.

    The password is checked in the hasher's threads, because this takes some milliseconds.

    Raises:
        BadUserInput: names every field that is not valid.
        Unavailable: too many passwords wait to be hashed.
    """
    problems = _bad_fields(
        {
            "email": lambda: parse_email(new_user.email),
            "password": lambda: check_length(new_user.password),
            "name": lambda: parse_name(new_user.name),
        }
    )
    # The check is slow for long texts, so they are shortened.
    context = {"email": new_user.email[:MAX_EMAIL_LENGTH], "name": new_user.name[:MAX_NAME_LENGTH]}
    weak = None
    if not any("password" in problem["path"] for problem in problems):
        weak = await hasher.run(lambda: weakness(new_user.password, **context))
    if problems:
        judged = [] if weak is None else [FieldProblem(path=["input", "password"], code="WEAK_PASSWORD", message=weak)]
        raise BadUserInput(details={"fields": problems + judged})
    if weak is not None:
        return WeakChoice(weak)
    return User(
        values.new_user_id(), parse_email(new_user.email), parse_name(new_user.name), frozenset(new_user.roles), now
    )


async def add_user(store: AuthStore, hasher: PasswordHasher, user: User, password: str) -> User | TakenEmail:
    """Store a user that `check_user` returned.

    Raises:
        Unavailable: too many passwords wait to be hashed, or the store does not respond.
    """
    try:
        await store.add_user(user, await hasher.hash(password))
    except EmailExists:
        return TakenEmail()
    return user


@asynccontextmanager
async def _given_back_unless_hashed(attempt: Attempt) -> AsyncIterator[None]:
    """If the block raises Unavailable, remove `attempt` from the counts, so that the client may try again.

    If the client closes its connection, the attempt is still counted. Otherwise, a client could avoid all limits by
    closing its connection early.
    """
    try:
        yield
    except Unavailable:
        await attempt.give_back()
        raise


def _bad_fields(parsers: Mapping[str, Callable[[], object]]) -> list[FieldProblem]:
    """Run the parser of each field, and return a problem for each field that is not valid."""
    problems: list[FieldProblem] = []
    for name, parse in parsers.items():
        try:
            parse()
        except InvalidField as error:
            problems.append(FieldProblem(path=["input", name], code=error.code, message=error.message))
    return problems


def _email_if_any(text: str) -> str | None:
    try:
        return parse_email(text)
    except InvalidField:
        return None
