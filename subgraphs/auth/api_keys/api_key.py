"""Pure rules of API keys.

A key has up to two secrets that are valid at the same time. A rotation adds a secret, and the older one ends by a date,
so that a machine can change its secret without an interruption. Only the SHA-256 digest of a secret is stored: it has
256 random bits and cannot be guessed, so a slow hash as for passwords is not needed.
"""

from __future__ import annotations

import hashlib
import secrets
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Final

from bank import scopes
from bank.api_keys import PREFIX
from servicekit.errors import BadUserInput
from subgraphs.auth.domain import InvalidField, parse_name

# The scopes that a key may have. The others are for people who use an application.
SCOPES: Final = frozenset({scopes.PROFILE, scopes.EMAIL, scopes.READ, scopes.ACCOUNTS, scopes.PAYMENTS, scopes.STAFF})
# A machine of a person needs few keys; the limit bounds the list and what a thief of a session can leave behind.
MAX_KEYS: Final = 20
DEFAULT_DAYS: Final = 90
MAX_DAYS: Final = 366
MAX_OVERLAP: Final = timedelta(days=30)
# How long a key is stored after its end. The audit log keeps its id for ever.
DEAD_KEPT: Final = timedelta(days=30)
# The last use is written at most once in this time.
USE_INTERVAL: Final = timedelta(minutes=1)

_ID_BYTES: Final = 8
_SECRET_BYTES: Final = 32


@dataclass(frozen=True, slots=True)
class ApiKey:
    """A key without its secrets.

    Attributes:
        id: 16 hexadecimal digits; public.
        user_id: the owner, as whom the machine acts.
        name: what the owner calls it.
        scopes: what the machine may do (`bank.scopes`).
        last_used_at: exact to about a minute; None if it was never used.
        secrets_end_at: when each secret ends that has not ended, the latest first.
    """

    id: str
    user_id: str
    name: str
    scopes: frozenset[str]
    created_at: datetime
    expires_at: datetime
    revoked_at: datetime | None = None
    last_used_at: datetime | None = None
    secrets_end_at: tuple[datetime, ...] = ()

    def is_live(self, now: datetime) -> bool:
        return self.revoked_at is None and now < self.expires_at


@dataclass(frozen=True, slots=True)
class KeyUse:
    """What the store knows about a secret that a client sent. `ends_at` is the end of this secret."""

    key: ApiKey
    ends_at: datetime

    def is_valid(self, now: datetime) -> bool:
        return self.key.is_live(now) and now < self.ends_at


def new_key_id() -> str:
    return secrets.token_hex(_ID_BYTES)


def new_secret(key_id: str) -> str:
    """Return a new secret of a key: the text that the machine sends."""
    return f"{PREFIX}{key_id}_{secrets.token_urlsafe(_SECRET_BYTES)}"


def digest(secret: str) -> bytes:
    return hashlib.sha256(secret.encode("utf-8", "surrogatepass")).digest()


def session_prefix(key_id: str) -> str:
    """Return the beginning of the ids of all sessions of a key."""
    return f"{key_id}."


def checked(user_id: str, name: str, wanted: frozenset[str], days: int, now: datetime) -> ApiKey:
    """Return a new key.

    Raises:
        BadUserInput: names the field that is not valid.
    """
    unknown = wanted - SCOPES
    if unknown or not wanted:
        known = ", ".join(sorted(SCOPES))
        raise BadUserInput(f"`scopes` must be one or more of {known}", details={"argument": "scopes"})
    if not 1 <= days <= MAX_DAYS:
        raise BadUserInput(f"`days` must lie between 1 and {MAX_DAYS}", details={"argument": "days"})
    try:
        parsed = parse_name(name)
    except InvalidField as error:
        raise BadUserInput(f"`name` {error.message}", details={"argument": "name"}) from None
    return ApiKey(new_key_id(), user_id, parsed, wanted, now, now + timedelta(days=days))


def check_overlap(hours: int) -> timedelta:
    """Return how long the older secret stays valid. Raises BadUserInput if it is too long or negative."""
    overlap = timedelta(hours=hours) if 0 <= hours <= MAX_OVERLAP // timedelta(hours=1) else None
    if overlap is None:
        most = MAX_OVERLAP // timedelta(hours=1)
        raise BadUserInput(f"`overlapHours` must lie between 0 and {most}", details={"argument": "overlapHours"})
    return overlap
