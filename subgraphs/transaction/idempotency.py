"""Idempotency keys: one key, one order, however often it is sent."""

from __future__ import annotations

import re
from dataclasses import dataclass
from datetime import timedelta
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from datetime import datetime

    from subgraphs.transaction.domain import Transaction

# Longer than any client retries: a weekend.
KEPT: Final = timedelta(hours=48)

_KEY = re.compile(r"[\x21-\x7e]{1,255}")


def is_key(text: str) -> bool:
    """Whether ``text`` is 1 to 255 visible ASCII characters."""
    return _KEY.fullmatch(text) is not None


@dataclass(frozen=True, slots=True)
class KeyScope:
    """A key means something only to the caller and the mutation it was sent with."""

    user_id: str
    mutation: str
    key: str


@dataclass(frozen=True, slots=True)
class KeyEntry:
    """What a key stands for; forgotten after ``expires_at``, but never while its transaction is open."""

    scope: KeyScope
    fingerprint: str
    expires_at: datetime


@dataclass(frozen=True, slots=True)
class Remembered:
    """The order that a key stands for already."""

    fingerprint: str
    transaction: Transaction
