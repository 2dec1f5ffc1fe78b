"""Pure rules of identity: who a user is, when a session lives, what a refresh token is still good for.

A *session* begins at login and ends at logout, at the reuse of a refresh token, or when it is :data:`SESSION_LIFETIME`
old. It is carried on by a chain of refresh tokens, each good for one use::

    login ──> token 1 ──refresh──> token 2 ──refresh──> token 3
                 └── shown again: somebody copied it, and nobody can tell who. The session ends.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import Enum, StrEnum, auto
from typing import Final

from email_validator import EmailNotValidError, validate_email

# OWASP ASVS 5.0, 7.3.2: an absolute end, however active the session is.
SESSION_LIFETIME: Final = timedelta(days=30)
# OWASP ASVS 5.0, 7.3.1: an end by inactivity; a week lets a monthly banker log in again and a daily one never.
REFRESH_LIFETIME: Final = timedelta(days=7)
# bank §2.8: short, because roles inside a token are as old as the token.
ACCESS_LIFETIME: Final = timedelta(minutes=10)

MAX_NAME_LENGTH: Final = 100


class Role(StrEnum):
    CUSTOMER = "CUSTOMER"
    SUPPORT = "SUPPORT"
    ADMIN = "ADMIN"


@dataclass(frozen=True, slots=True)
class User:
    """A person known to the bank.

    Attributes:
        id: UUIDv7 text.
        email: as the person writes it, the domain in lower case.
        name: what other customers see.
        created_at: UTC, milliseconds.
    """

    id: str
    email: str
    name: str
    roles: frozenset[Role]
    created_at: datetime


@dataclass(frozen=True, slots=True)
class Session:
    """What begins at login. ``ended_at`` is None while it goes on (unless it has expired)."""

    id: str
    user_id: str
    created_at: datetime
    expires_at: datetime
    ended_at: datetime | None = None

    def is_live(self, now: datetime) -> bool:
        return self.ended_at is None and now < self.expires_at

    @classmethod
    def begin(cls, session_id: str, user_id: str, now: datetime) -> Session:
        return cls(session_id, user_id, now, now + SESSION_LIFETIME)


@dataclass(frozen=True, slots=True)
class RefreshToken:
    """One link of a session's chain; of the token itself only the digest is kept.

    Attributes:
        digest: SHA-256 of the token; 256 random bits need no slow hash.
        used_at: when it was exchanged for the next one, None before.
    """

    digest: bytes
    session_id: str
    issued_at: datetime
    expires_at: datetime
    used_at: datetime | None = None

    @classmethod
    def issue(cls, digest: bytes, session: Session, now: datetime) -> RefreshToken:
        """A token that never outlives its session."""
        return cls(digest, session.id, now, min(now + REFRESH_LIFETIME, session.expires_at))


class Verdict(Enum):
    """What a presented refresh token deserves."""

    ROTATE = auto()
    """Exchange it for the next one."""
    DEAD = auto()
    """Expired, or its session is over: refuse."""
    REUSED = auto()
    """It was exchanged before: refuse and end the session, which may be in a thief's hands."""


def judge(token: RefreshToken, session: Session, now: datetime) -> Verdict:
    """The verdict on ``token``. A used one ends its session even when it has expired meanwhile."""
    if not session.is_live(now):
        return Verdict.DEAD
    if token.used_at is not None:
        return Verdict.REUSED
    return Verdict.ROTATE if now < token.expires_at else Verdict.DEAD


class InvalidField(ValueError):
    """A field of the input has no acceptable shape; code and message are safe for clients.

    Attributes:
        code: ``REQUIRED``, ``TOO_LONG`` or ``INVALID_FORMAT``.
    """

    def __init__(self, code: str, message: str) -> None:
        self.code = code
        self.message = message
        super().__init__(message)


def parse_email(text: str) -> str:
    """The address in normal form (Unicode NFC, domain in lower case); whether it exists is not asked.

    Raises:
        InvalidField: not an address of the form mail can be sent to.
    """
    try:
        return validate_email(text, check_deliverability=False, strict=True).normalized
    except EmailNotValidError:
        raise InvalidField("INVALID_FORMAT", "not an e-mail address") from None


def email_key(email: str) -> str:
    """What makes two addresses the same user's: the address without regard to case."""
    return email.casefold()


def parse_name(text: str) -> str:
    """A name without surrounding space.

    Raises:
        InvalidField: empty, too long, or with characters that do not print.
    """
    name = text.strip()
    if not name:
        raise InvalidField("REQUIRED", "must not be empty")
    if len(name) > MAX_NAME_LENGTH:
        raise InvalidField("TOO_LONG", f"at most {MAX_NAME_LENGTH} characters")
    if not name.isprintable():
        raise InvalidField("INVALID_FORMAT", "must be printable text")
    return name
