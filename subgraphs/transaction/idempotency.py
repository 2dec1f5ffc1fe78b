"""Idempotency keys. A key belongs to one order, which may be sent any number of times (bank §2.5)."""

from __future__ import annotations

import re
from dataclasses import dataclass
from datetime import timedelta
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from datetime import datetime

    from subgraphs.transaction.domain import Transaction

# How long a key stays valid. A client may repeat an order during a whole weekend, but hardly for longer.
KEY_LIFETIME: Final = timedelta(hours=48)

_KEY = re.compile(r"[\x21-\x7e]{1,255}")


def is_key(text: str) -> bool:
    """Whether `text` is 1 to 255 visible ASCII characters."""
    return _KEY.fullmatch(text) is not None


@dataclass(frozen=True, slots=True)
class KeyScope:
    """A key with its scope: the user and the mutation. Another user or mutation may use the same text as a key."""

    user_id: str
    mutation: str
    key: str


@dataclass(frozen=True, slots=True)
class KeyEntry:
    """A key and the order that uses it. No other order can use the key until `may_be_reused` is true."""

    scope: KeyScope
    fingerprint: str
    expires_at: datetime


@dataclass(frozen=True, slots=True)
class UsedKey:
    """The fingerprint and the transaction of the order that uses a key."""

    fingerprint: str
    transaction: Transaction


def may_be_reused(expires_at: datetime, transaction: Transaction, at: datetime) -> bool:
    """Whether a key may be used for another order: it has expired, and the outcome of its transaction is known."""
    return expires_at <= at and not transaction.is_open
