"""The store of the auth service; `tests/subgraphs/auth/store_contract.py` tests every implementation.

Times are arguments: a store does not read the clock.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import timedelta
from typing import TYPE_CHECKING, Final, Protocol

from subgraphs.auth.domain import DEFAULT_RULES
from subgraphs.auth.sessions.session_list import UNKNOWN_ARRIVAL
from subgraphs.kit.store_identity import IdentifiedStore

if TYPE_CHECKING:
    from collections.abc import Collection, Sequence
    from datetime import datetime

    from subgraphs.auth.api_keys.protocol import ApiKeyStore
    from subgraphs.auth.audit_log.entry import NewEntry
    from subgraphs.auth.audit_log.protocol import AuditLogStore
    from subgraphs.auth.authentication import Authentication
    from subgraphs.auth.domain import RefreshToken, Role, Session, SessionRules, StepUp, User, Verdict
    from subgraphs.auth.mail.outbox import MailOutbox, QueuedMail
    from subgraphs.auth.oauth.store import OAuthStore
    from subgraphs.auth.recovery.store import RecoveryStore
    from subgraphs.auth.resealing import Resealing
    from subgraphs.auth.second_factor.store import SecondFactorStore
    from subgraphs.auth.sessions.session_list import Arrival, BegunSession, SessionList
    from subgraphs.auth.signing_keys import SigningKey


# How long a session is stored after its end. Its revocation is made from it (`sessions.session_service`).
ENDED_KEPT: Final = timedelta(days=2)


class EmailExists(Exception):
    """Another user has the e-mail address. Upper and lower case are not distinguished."""


@dataclass(frozen=True, slots=True)
class Credentials:
    """What a login needs to know of a user.

    Attributes:
        password_hash: the encoded hash of the user's password.
        has_second_factor: whether the user has an authenticator app or a passkey.
    """

    user: User
    password_hash: str
    has_second_factor: bool


@dataclass(frozen=True, slots=True)
class TokenExchange:
    """The result for a refresh token that a client has sent. `user` has the present data of the session's user."""

    verdict: Verdict
    session: Session
    user: User


class AuthStore(IdentifiedStore, Protocol):
    """Users, sessions with their refresh tokens, and signing keys (bank §2.8).

    Every method raises Unavailable when the store does not respond, because it is locked, full or missing.

    A method with the argument `audit` appends this entry to the audit log, in the transaction of its change.
    """

    @property
    def session_list(self) -> SessionList:
        """The sessions of a user as a list."""

    @property
    def mails(self) -> MailOutbox:
        """The mails that are not sent yet."""

    @property
    def audit_log(self) -> AuditLogStore:
        """The audit log in the same database."""

    @property
    def api_keys(self) -> ApiKeyStore:
        """API keys of machines."""

    @property
    def oauth(self) -> OAuthStore:
        """The clients, tickets and grants of the authorization server."""

    @property
    def recovery(self) -> RecoveryStore:
        """Links in mails, and changes of passwords and e-mail addresses."""

    async def add_user(
        self, user: User, password_hash: str, *, audit: NewEntry | None = None, mails: Sequence[QueuedMail] = ()
    ) -> None:
        """Insert a user, and mails to them.

        Raises:
            EmailExists: another user has the e-mail address.
        """

    async def users(self, ids: Collection[str]) -> dict[str, User]:
        """Return the users by id, with one query. Ids that do not exist are left out."""

    async def credentials(self, email: str) -> Credentials | None:
        """Return the credentials of the user with this e-mail address, or None. Upper and lower case are equal."""

    async def renew_password_hash(self, known: Credentials, password_hash: str) -> None:
        """Replace the hash of `known` by another hash of the same password.

        If the user has another hash now, because the password was changed in the meantime, nothing happens.
        """

    async def grant(self, user_id: str, role: Role, *, audit: NewEntry | None = None) -> None:
        """Add `role` to the user's roles. If the user already has the role, nothing changes."""

    async def revoke_role(self, user_id: str, role: Role, now: datetime, *, audit: NewEntry | None = None) -> None:
        """Remove `role` from the user's roles. End the user's sessions, because their access tokens contain the role.

        If the user does not have the role, nothing changes.
        """

    async def disable(self, user_id: str, now: datetime, *, audit: NewEntry | None = None) -> None:
        """Do not allow the user to log in, and end the user's sessions. If there is no such user, nothing happens."""

    async def enable(self, user_id: str, *, audit: NewEntry | None = None) -> None:
        """Allow the user to log in again."""

    async def list_users(self, after: str, limit: int) -> list[User]:
        """Return up to `limit` users with ids greater than `after`, by ascending id.

        This is the order of their creation.
        """

    async def begin_session(
        self,
        session: Session,
        token: RefreshToken,
        expired_before: datetime,
        arrival: Arrival = UNKNOWN_ARRIVAL,
        known: User | None = None,
    ) -> BegunSession | None:
        """Insert a session with its first refresh token; delete what nobody needs any more.

        This is: the sessions that expired before `expired_before`, or ended `ENDED_KEPT` before it, with their refresh
        tokens. A store may leave some of them for the next login.

        The device of `arrival` is remembered. If it is new for the user (`subgraphs.auth.sessions.devices.is_new`), the
        notice of `arrival` is stored as a mail in the same transaction.

        If the password has changed since the user was `known`, when they proved their identity, no session begins. So
        whoever knows the old password has no session after the change.

        Returns:
            None if the user is disabled or does not exist. Then no session begins.
        """

    async def token_owner(self, digest: bytes) -> str | None:
        """Return the id of the user to whom the refresh token with `digest` belongs; None if there is no such token."""

    async def exchange(
        self,
        digest: bytes,
        next_digest: bytes,
        now: datetime,
        rules: SessionRules = DEFAULT_RULES,
        network: str = "",
    ) -> TokenExchange | None:
        """Exchange the refresh token with `digest` for the next one, if `subgraphs.auth.domain.rotate` allows it.

        The decision and its result are read and written in one database transaction. `next_digest` is the digest of the
        next token. `network` is the network of the client; it is stored with the time as the last use of the session.

        If the session has a family, the tokens that were used before are deleted: `end_family` finds their reuse. So at
        most two tokens of a session are stored: the unused one, and the one that was exchanged for it. A store may
        leave others, which another process reads at this moment, for the next exchange.

        Returns:
            The result of the exchange, or None if there is no such token.
        """

    async def end_family(self, family: bytes, now: datetime) -> str | None:
        """End the session with this family (`Session.family`), and return its id.

        Return None if there is no such session, or if it has ended or expired.
        """

    async def end_session(self, session_id: str, now: datetime) -> Session | None:
        """End a session, unless it has ended before. Return the ended session, or None if there is no such session."""

    async def renew_authentication(
        self, session_id: str, proof: Authentication, now: datetime
    ) -> tuple[Session, User] | None:
        """Record a new proof of the user's identity in a session (`Authentication.stepped_up`).

        Return the session and its user. Return None if there is no such session, if it has ended or expired, or if the
        proof does not suffice.
        """

    async def step_up(self, session_id: str, step: StepUp, now: datetime) -> tuple[Session, User] | None:
        """End a session, and begin `step.replacement` in its place, with the same device and name.

        Return the new session and its user. Return None, and change nothing, if there is no such session, or if there
        is no replacement for it.
        """

    async def session(self, session_id: str) -> tuple[Session, User] | None:
        """Return a session with its user, or None if there is no such session. It may have ended or expired."""

    async def sessions_ended_since(self, moment: datetime) -> list[Session]:
        """Return the sessions that ended at or after `moment`."""

    async def signing_keys(self) -> list[SigningKey]:
        """Return all signing keys, in any order."""

    async def replace_signing_keys(
        self,
        known: Collection[str],
        add: SigningKey | None,
        remove: Collection[str],
        *,
        audit: NewEntry | None = None,
    ) -> bool:
        """Delete the keys with the ids `remove`, and insert `add`. This happens only if the stored ids are `known`.

        `add` may have the id of a key in `remove`. It then replaces this key.

        Returns:
            False if the stored ids were not `known`, so that nothing was changed.
        """

    async def reseal(self, resealing: Resealing, *, audit: NewEntry | None = None) -> int:
        """Encrypt all stored secrets with a new `AUTH_JWT_SECRET`, in one transaction. Return their number.

        Raises:
            ConfigurationError: a secret cannot be opened. Then nothing is changed.
        """

    @property
    def second_factors(self) -> SecondFactorStore:
        """The second factors, in the same database."""

    async def ping(self) -> None:
        """Check that the store responds. Raises an error if it does not."""

    async def close(self) -> None:
        """Release the connections; the store cannot be used afterwards."""


__all__: Sequence[str] = ("AuthStore", "Credentials", "EmailExists", "TokenExchange")
