"""The use cases of users: register and log in (bank §2.8).

This module knows nothing of GraphQL.
"""

from __future__ import annotations

from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, TypedDict

from bank import values
from bank.identity import STRONG_ACR_VALUES
from servicekit.errors import BadUserInput, Unauthenticated, Unavailable
from servicekit.finish_despite_cancellation import to_the_end
from subgraphs.auth.authentication import Authentication
from subgraphs.auth.domain import (
    MAX_EMAIL_LENGTH,
    MAX_NAME_LENGTH,
    InvalidField,
    Role,
    User,
    address_to_find,
    email_key,
    parse_email,
    parse_name,
)
from subgraphs.auth.password_rules import check_length, weakness
from subgraphs.auth.second_factor.login import Identified, InvalidChallenge, InvalidProof
from subgraphs.auth.store.protocol import EmailExists
from subgraphs.kit.step_up import RequiredLogin

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Callable, Iterable, Mapping, Sequence
    from datetime import datetime

    from bank.identity import Caller
    from subgraphs.auth.attempts import Attempt, Origin
    from subgraphs.auth.audit_log.entry import NewEntry
    from subgraphs.auth.login_limits import LoginLimits
    from subgraphs.auth.mail.outbox import QueuedMail
    from subgraphs.auth.password_hashing import PasswordHasher
    from subgraphs.auth.second_factor.factor_verification import GivenProof
    from subgraphs.auth.second_factor.login import LoginChallenge, SecondFactorLogin
    from subgraphs.auth.sessions.session_service import SessionService, SignedIn, SteppedUp
    from subgraphs.auth.store.protocol import AuthStore, Credentials


@dataclass(frozen=True, slots=True)
class TakenEmail:
    """Another user has the e-mail address."""


@dataclass(frozen=True, slots=True)
class WeakChoice:
    """The password is too easy to guess. `reason` is a text for the user."""

    reason: str


@dataclass(frozen=True, slots=True)
class GuardedPasswords:
    """The hasher of passwords, and the limits that each caller of the hasher must check first."""

    hasher: PasswordHasher
    limits: LoginLimits


@dataclass(frozen=True, slots=True)
class LoginSteps:
    """The steps of a login."""

    passwords: GuardedPasswords
    second_factors: SecondFactorLogin


class IdentityService:
    """The use cases of the service.

    If a request is refused (for example, because the password is weak), the refusal is the return value. Any other
    failure is raised as a `ServiceError`.
    """

    def __init__(
        self,
        store: AuthStore,
        *,
        steps: LoginSteps,
        sessions: SessionService,
        clock: Callable[[], datetime] = values.now,
    ) -> None:
        self._store = store
        self._passwords = steps.passwords
        self._second_factors = steps.second_factors
        self._sessions = sessions
        self._clock = clock

    async def register(
        self,
        *,
        email: str,
        password: str,
        name: str,
        origin: Origin,
        welcome: Callable[[User], Sequence[QueuedMail]] = lambda _user: (),
    ) -> SignedIn | TakenEmail | WeakChoice:
        """Register a new customer and begin a session. The mails of `welcome` are stored together with the customer.

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
            added = await add_user(self._store, self._passwords.hasher, user, password, StoredWith(mails=welcome(user)))
        if isinstance(added, TakenEmail):
            return added
        signed_in = await self._sessions.begin(added)
        if signed_in is None:  # an operator disabled the user in the meantime
            raise Unauthenticated
        return signed_in

    async def login(self, *, email: str, password: str, origin: Origin) -> SignedIn | LoginChallenge | None:
        """Begin a session, or ask for the second factor of a user who has one.

        Return None if the e-mail address is unknown, the password is wrong or the user is disabled. These cases take
        the same time: one hash is computed in each.

        Raises:
            RateLimited: too many failed logins of this account or from this address.
            Unavailable: too many passwords wait to be hashed, or the store does not respond.
        """
        found = await self.authenticate(email=email, password=password, origin=origin)
        return await self._sessions.begin(found.user) if isinstance(found, Identified) else found

    async def authenticate(self, *, email: str, password: str, origin: Origin) -> Identified | LoginChallenge | None:
        """Return the user with this e-mail address and password, or ask for a second factor, as `login` does.

        No session begins.

        Raises the same errors as `login`.
        """
        known = await self._right_credentials(email, password, origin)
        if known is None:
            return None
        challenge = await self._second_factors.begin(known)
        return challenge or Identified(known.user, Authentication.by_password(self._clock()))

    async def authenticate_with_factor(
        self, token: str, given: GivenProof, origin: Origin
    ) -> Identified | InvalidProof | InvalidChallenge:
        """Return the user of a login whose second step is right. No session begins.

        Raises:
            RateLimited: too many failed logins of this account or from this address.
        """
        return await self._second_factors.complete(token, given, origin)

    async def complete_login(
        self, token: str, given: GivenProof, origin: Origin
    ) -> SignedIn | InvalidProof | InvalidChallenge:
        """Begin the session of a login whose second step is right.

        Raises:
            RateLimited: too many failed logins of this account or from this address.
        """
        identified = await self.authenticate_with_factor(token, given, origin)
        if not isinstance(identified, Identified):
            return identified
        return await self._sessions.begin(identified.user, identified.authentication) or InvalidChallenge()

    async def step_up(
        self, caller: Caller, given: GivenProof | str, token: str, origin: Origin
    ) -> SteppedUp | InvalidProof | InvalidChallenge | RequiredLogin:
        """Replace the caller's session by a new one, after a new proof of identity. The old tokens become invalid.

        Args:
            caller: the caller.
            given: a proof with a second factor; or the password, for a user who has no second factor.
            token: the token of `SecondFactorLogin.begin_step_up` for a passkey, and else empty.
            origin: the networks from which the request comes.

        Returns:
            The new tokens; or why the proof is refused. A `RequiredLogin` says that the user has a second factor, so
            the password does not suffice.

        Raises:
            RateLimited: too many failed logins of this account or from this address.
            Unavailable: too many passwords wait to be hashed, or the store does not respond.
        """
        proof = await (
            self._proof_by_password(caller, given, origin)
            if isinstance(given, str)
            else self._second_factors.verify_again(caller, given, token, origin)
        )
        if not isinstance(proof, Authentication):
            return proof
        # The client could close its connection between the end of the old session and the revocation of its tokens.
        return await to_the_end(self._sessions.step_up(caller.session_id, proof)) or InvalidProof()

    async def _proof_by_password(
        self, caller: Caller, password: str, origin: Origin
    ) -> Authentication | InvalidProof | RequiredLogin:
        if (await self._store.second_factors.factors(caller.user_id)).is_enrolled:
            return RequiredLogin(STRONG_ACR_VALUES, 0)
        user = (await self._store.users([caller.user_id])).get(caller.user_id)
        known = None if user is None else await self._right_credentials(user.email, password, origin)
        return InvalidProof() if known is None else Authentication.by_password(self._clock())

    async def _right_credentials(self, email: str, password: str, origin: Origin) -> Credentials | None:
        """Return the present credentials of a user who may log in; None if they are wrong, after the same time."""
        address = address_to_find(email)
        attempt = await self._passwords.limits.begin_login(email if address is None else email_key(address), origin)
        async with _given_back_unless_hashed(attempt):
            known = None if address is None else await self._store.credentials(address)
            matches = await self._passwords.hasher.verify(password, None if known is None else known.password_hash)
        if known is None or not matches or known.user.disabled_at is not None:
            return None
        await attempt.give_back()
        return await self._renew_hash(known, password)

    async def _renew_hash(self, known: Credentials, password: str) -> Credentials:
        """Replace a hash that is outdated, and return the credentials with the present hash.

        If the queue is full, keep the hash; the next login tries again.
        """
        with suppress(Unavailable):
            encoded = await self._passwords.hasher.renewed(password, known.password_hash)
            if encoded is not None:
                await self._store.renew_password_hash(known, encoded)
                return replace(known, password_hash=encoded)
        return known


class FieldProblem(TypedDict):
    """An entry of `extensions.fields` in the GraphQL error: a field that is not valid."""

    path: list[str]
    code: str
    message: str


@dataclass(frozen=True, slots=True)
class StoredWith:
    """What is stored in the same transaction as a new user: mails to them, and the entry of the audit log."""

    mails: Sequence[QueuedMail] = ()
    audit: NewEntry | None = None


@dataclass(frozen=True, slots=True)
class NewUser:
    """The input of a registration, not validated yet."""

    email: str
    password: str
    name: str
    roles: Iterable[Role]


async def create_user(
    store: AuthStore,
    hasher: PasswordHasher,
    new_user: NewUser,
    now: datetime,
    audit: Callable[[User], NewEntry] | None = None,
) -> User | TakenEmail | WeakChoice:
    """Validate and store a new user without checking the rate limits. Operators' commands use this function.

    `audit` returns the entry of the audit log for the new user.

    Raises:
        BadUserInput: names every field that is not valid.
    """
    user = await check_user(hasher, new_user, now)
    if isinstance(user, WeakChoice):
        return user
    stored_with = StoredWith(audit=None if audit is None else audit(user))
    return await add_user(store, hasher, user, new_user.password, stored_with)


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


async def add_user(
    store: AuthStore, hasher: PasswordHasher, user: User, password: str, stored_with: StoredWith | None = None
) -> User | TakenEmail:
    """Store a user that `check_user` returned.

    Raises:
        Unavailable: too many passwords wait to be hashed, or the store does not respond.
    """
    try:
        found = stored_with or StoredWith()
        await store.add_user(user, await hasher.hash(password), audit=found.audit, mails=found.mails)
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
