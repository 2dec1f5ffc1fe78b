"""The use cases of API keys: create, list, rotate, revoke, and exchange for an access token (bank §2.24).

An exchange begins a session that lasts as long as its access token. So whatever ends the sessions of a user, such as a
revoked role, ends the tokens of the user's keys too.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from bank import scopes
from bank.api_keys import ExchangedToken
from servicekit.errors import Unauthenticated
from subgraphs.auth import tokens
from subgraphs.auth.api_keys.api_key import (
    MAX_KEYS,
    ApiKey,
    check_overlap,
    checked,
    digest,
    new_secret,
    session_prefix,
)
from subgraphs.auth.audit_log.entry import Action, Actor, Subject, SubjectKind
from subgraphs.auth.domain import ACCESS_LIFETIME, PERMISSIONS, Operation, RefreshToken, Role, Session
from subgraphs.auth.sessions.session_service import revoke_ended_sessions

if TYPE_CHECKING:
    from bank.identity import Caller
    from bank.revocation import RevocationList
    from subgraphs.auth.audit_log.entry import NewEntry
    from subgraphs.auth.audit_log.writing import AuditLog
    from subgraphs.auth.domain import User
    from subgraphs.auth.sessions.session_service import Clocks
    from subgraphs.auth.store.protocol import AuthStore


@dataclass(frozen=True, slots=True)
class NewSecret:
    """A key and its new secret, which is shown once."""

    key: ApiKey
    secret: str


@dataclass(frozen=True, slots=True)
class TooManyKeys:
    """The owner has as many live keys as possible."""


class ApiKeyService:
    """The use cases of API keys."""

    def __init__(
        self,
        store: AuthStore,
        *,
        access_tokens: tokens.AccessTokens,
        revocations: RevocationList,
        audit: AuditLog,
        clocks: Clocks,
    ) -> None:
        self._store = store
        self._access_tokens = access_tokens
        self._revocations = revocations
        self._audit = audit
        self._clock = clocks.now
        self._deletion_clock = clocks.for_deletion

    async def create(self, caller: Caller, name: str, wanted: frozenset[str], days: int) -> NewSecret | TooManyKeys:
        """Create a key of the caller.

        Raises:
            BadUserInput: the name, a scope or the number of days is not valid.
        """
        key = checked(caller.user_id, name, wanted, days, self._clock())
        entry = self._entry(caller, Action.API_KEY_CREATED, key.id, scopes=" ".join(sorted(wanted)))
        return await add_key(self._store, key, entry)

    async def list_own(self, caller: Caller) -> list[ApiKey]:
        """Return the live keys of the caller, oldest first."""
        return await self._store.api_keys.of_user(caller.user_id, self._clock())

    async def rotate(self, caller: Caller, key_id: str, overlap_hours: int) -> NewSecret | None:
        """Give a key of the caller a new secret; the old one ends after the overlap. None if there is no such key.

        Raises:
            BadUserInput: the overlap is too long or negative.
        """
        overlap = check_overlap(overlap_hours)
        if await self._permitted(caller, key_id, Operation.ROTATE_API_KEY) is None:
            return None
        entry = self._entry(caller, Action.API_KEY_ROTATED, key_id, overlapHours=str(overlap_hours))
        now, secret = self._clock(), new_secret(key_id)
        if not await self._store.api_keys.rotate(key_id, digest(secret), now, now + overlap, entry):
            return None
        key = await self._store.api_keys.find(key_id, now)
        if key is None:
            return None
        await revoke_ended_sessions(self._store, self._revocations, now, key.user_id)
        return NewSecret(key, secret)

    async def revoke(self, caller: Caller, key_id: str) -> ApiKey | None:
        """End a key of the caller, or of anybody if the caller is an administrator. None if there is no such key."""
        key = await self._permitted(caller, key_id, Operation.REVOKE_API_KEY)
        if key is None:
            return None
        now = self._clock()
        if not await self._store.api_keys.revoke(key_id, now, self._entry(caller, Action.API_KEY_REVOKED, key_id)):
            return None
        await revoke_ended_sessions(self._store, self._revocations, now, key.user_id)
        return replace(key, revoked_at=now)

    async def exchange(self, api_key: str) -> ExchangedToken:
        """Return an access token for a key (`bank.api_keys.ApiKeyExchange`).

        Raises:
            Unauthenticated: the key is unknown, revoked or expired, or its owner is disabled.
        """
        now = self._clock()
        use = await self._store.api_keys.use(digest(api_key), now)
        if use is None or not use.is_valid(now):
            raise Unauthenticated
        key = use.key
        user = (await self._store.users([key.user_id])).get(key.user_id)
        if user is None:
            raise Unauthenticated
        session = Session.begin(session_prefix(key.id) + tokens.new_identifier(), user.id, now)
        session = replace(session, expires_at=min(now + ACCESS_LIFETIME, use.ends_at))
        # Nobody knows the refresh token of this session.
        token = RefreshToken.issue(tokens.digest(tokens.new_secret_token()), session, now)
        if not await self._store.begin_session(session, token, min(now, self._deletion_clock())):
            raise Unauthenticated
        await self._store.api_keys.touch(key.id, now)
        issued = await self._access_tokens.issue_to_machine(_limited(user, key), session, key)
        return ExchangedToken(issued.text, issued.expires_in)

    async def _permitted(self, caller: Caller, key_id: str, operation: Operation) -> ApiKey | None:
        """Return a live key if the caller may do `operation` with it."""
        now = self._clock()
        key = await self._store.api_keys.find(key_id, now)
        if key is None or not key.is_live(now) or not PERMISSIONS[operation].allows(caller, key.user_id):
            return None
        return key

    def _entry(self, caller: Caller, action: Action, key_id: str, **details: str) -> NewEntry:
        subject = Subject(SubjectKind.API_KEY, key_id)
        return self._audit.entry(Actor.user(caller.user_id), action, subject, details=details)


async def add_key(store: AuthStore, key: ApiKey, audit: NewEntry) -> NewSecret | TooManyKeys:
    """Store a new key with its first secret."""
    secret = new_secret(key.id)
    if not await store.api_keys.add(key, digest(secret), MAX_KEYS, audit):
        return TooManyKeys()
    return NewSecret(replace(key, secrets_end_at=(key.expires_at,)), secret)


def _limited(user: User, key: ApiKey) -> User:
    """Return the user with the roles that a key may use: those of staff need the scope for it."""
    return user if scopes.STAFF in key.scopes else replace(user, roles=user.roles & {Role.CUSTOMER})
