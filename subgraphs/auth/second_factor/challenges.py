"""Challenges: the second steps of logins, enrolments and step-ups that have begun.

The first step returns the token of a challenge to the client, and the second step sends it back. A challenge is used
once, within `LIFETIME`, and allows `MAX_ATTEMPTS` wrong proofs. Only the digest of its token is stored.

A passkey signs random bytes. These bytes are derived from the token (`passkey_challenge`), so they need no storage of
their own, and are used once because the challenge is used once.

This module is pure: it has no I/O and reads no clock.
"""

from __future__ import annotations

import hashlib
import secrets
from dataclasses import dataclass
from datetime import timedelta
from enum import StrEnum
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from datetime import datetime

# Long enough to fetch a phone, and short enough that a stolen token is of little use.
LIFETIME: Final = timedelta(minutes=5)
# Five guesses find one of a million codes with a probability of 1 in 200,000.
MAX_ATTEMPTS: Final = 5

_TOKEN_BYTES: Final = 32


class Purpose(StrEnum):
    """The step that a challenge allows. A challenge of one purpose is refused for each other."""

    LOGIN = "login"
    PASSKEY_LOGIN = "passkey login"
    STEP_UP = "step-up"
    TOTP_ENROLMENT = "totp enrolment"
    PASSKEY_ENROLMENT = "passkey enrolment"


@dataclass(frozen=True, slots=True)
class Challenge:
    """A stored challenge.

    Attributes:
        digest: the SHA-256 digest of its token.
        user_id: the user who may complete it; None for a login with a passkey, which names its user.
        bound_to: what must be the same in the second step: the session of an enrolment or a step-up, or a fingerprint
            of the password hash for a login.
        sealed: the sealed secret of an enrolment of an authenticator app; empty in other challenges.
    """

    digest: bytes
    purpose: Purpose
    user_id: str | None
    bound_to: str
    expires_at: datetime
    sealed: bytes = b""

    @classmethod
    def begin(cls, purpose: Purpose, user_id: str | None, bound_to: str, now: datetime) -> tuple[str, Challenge]:
        """Return the token of a new challenge, and the challenge."""
        token = secrets.token_urlsafe(_TOKEN_BYTES)
        return token, cls(digest(token), purpose, user_id, bound_to, now + LIFETIME)


def digest(token: str) -> bytes:
    """Return the SHA-256 digest of any text that a client sends as a token."""
    return hashlib.sha256(token.encode("utf-8", "surrogatepass")).digest()


def passkey_challenge(token: str) -> bytes:
    """Return the 32 bytes that a passkey signs (the `challenge` of WebAuthn)."""
    return hashlib.sha256(b"passkey challenge " + token.encode("utf-8", "surrogatepass")).digest()


def password_fingerprint(password_hash: str) -> str:
    """Return a text that changes with the password, and reveals nothing about it or its hash."""
    return hashlib.sha256(f"password fingerprint {password_hash}".encode()).hexdigest()
