"""Idempotency keys whose first request is still running in this process.

The transaction service stores the key and the result of each order. But it does not know whether the response to the
first request has been sent. So while the first request runs, this layer refuses a second request with the same key: 409
(IETF draft "The Idempotency-Key HTTP Header Field", section 2.6).
"""

from __future__ import annotations

import hashlib
import json
import uuid
from contextlib import contextmanager
from typing import TYPE_CHECKING

from rest_compat.errors import IdempotencyKeyInUse, IdempotencyKeyReused

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

REPLAYED_HEADER = "idempotent-replayed"


def new_key() -> str:
    """Return a new key for a request without a key. Such a request is never a replay."""
    return f"rest-{uuid.uuid4()}"


class RunningRequests:
    """The keys and bodies of the requests that are running."""

    def __init__(self) -> None:
        self._fingerprints: dict[str, str] = {}

    @contextmanager
    def claim(self, scope: tuple[str, ...], body: Mapping[str, object]) -> Iterator[None]:
        """Mark the key of `scope` (caller, route, key) as in use while the block runs.

        Raises:
            IdempotencyKeyInUse: a request with this key and body is running.
            IdempotencyKeyReused: a request with this key and another body is running.
        """
        # The scope contains the caller's token. Only a hash of the scope is kept in memory.
        key, fingerprint = _digest(scope), _digest(body)
        running = self._fingerprints.get(key)
        if running is not None:
            raise IdempotencyKeyInUse if running == fingerprint else IdempotencyKeyReused
        self._fingerprints[key] = fingerprint
        try:
            yield
        finally:
            del self._fingerprints[key]


def _digest(value: object) -> str:
    return hashlib.sha256(json.dumps(value, sort_keys=True).encode()).hexdigest()
