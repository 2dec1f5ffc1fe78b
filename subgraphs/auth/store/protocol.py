"""What the auth service asks of its database; every implementation passes tests/subgraphs/auth/store_contract.py.

Times come from the caller: a store has no clock.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Protocol

if TYPE_CHECKING:
    from collections.abc import Collection, Sequence
    from datetime import datetime

    from subgraphs.auth.domain import RefreshToken, Role, Session, User, Verdict
    from subgraphs.auth.signing_keys import SigningKey


class EmailExists(Exception):
    """The e-mail, without regard to case, is another user's."""


@dataclass(frozen=True, slots=True)
class Credentials:
    """A user with the encoded hash of the password."""

    user: User
    password_hash: str


@dataclass(frozen=True, slots=True)
class Exchange:
    """What became of a refresh token. ``user`` is whom ``session`` belongs to, as of now."""

    verdict: Verdict
    session: Session
    user: User


class AuthStore(Protocol):
    # --- users

    async def add_user(self, user: User, password_hash: str) -> None:
        """Raises EmailExists."""

    async def users(self, ids: Collection[str]) -> dict[str, User]:
        """The users among ``ids`` that exist, by id, in one query."""

    async def credentials(self, email: str) -> Credentials | None:
        """The user with this e-mail, whatever its case."""

    async def set_password_hash(self, user_id: str, password_hash: str) -> None:
        """Replace the hash; nothing happens when there is no such user."""

    async def grant(self, user_id: str, role: Role) -> None:
        """Add ``role`` to the user's; granting twice changes nothing."""

    async def list_users(self, after: str, limit: int) -> list[User]:
        """Up to ``limit`` users by ascending id (hence by age), from the one behind ``after`` on ("" for the first)."""

    # --- sessions

    async def begin_session(self, session: Session, token: RefreshToken) -> None:
        """Store a session with its first refresh token, and forget sessions that expired before it began."""

    async def exchange(self, digest: bytes, successor_digest: bytes, now: datetime) -> Exchange | None:
        """Judge the token with ``digest`` (:func:`subgraphs.auth.domain.judge`) and do what follows, atomically.

        ROTATE marks it as used and stores its successor; REUSED ends the session. None when there is no such token.
        """

    async def end_session(self, session_id: str, now: datetime) -> Session | None:
        """End a session (the first end counts); None when there is no such session."""

    async def sessions_ended_since(self, moment: datetime) -> list[Session]:
        """Sessions with ``ended_at`` at or after ``moment``."""

    # --- signing keys

    async def signing_keys(self) -> list[SigningKey]:
        """All of them, in no particular order."""

    async def replace_signing_keys(
        self, known: Collection[str], add: SigningKey | None, remove: Collection[str]
    ) -> bool:
        """Add and remove keys if the stored ids are still exactly ``known``; False, and no change, otherwise."""

    async def ping(self) -> None:
        """Raise unless the database answers."""


__all__: Sequence[str] = ("AuthStore", "Credentials", "EmailExists", "Exchange")
