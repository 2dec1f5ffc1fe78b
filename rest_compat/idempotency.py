"""Idempotency keys whose first request is still running in this process.

Remembering answers is the transaction service's part, which gets the key with the order. Here is only what that
service cannot know: that the first answer is not out yet. A second request with the key gets a 409 instead of racing
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


def fresh_key() -> str:
    """The key of a request whose client sent none: such a request is never a replay."""
    return f"rest-{uuid.uuid4()}"


class RunningRequests:
    def __init__(self) -> None:
        self._fingerprints: dict[str, str] = {}

    @contextmanager
    def claim(self, scope: tuple[str, ...], body: Mapping[str, object]) -> Iterator[None]:
        """Hold the key that `scope` ends in (caller, route, key) while the block runs.

        Raises:
            IdempotencyKeyInUse: a request with this key and body is running.
            IdempotencyKeyReused: one with this key and another body is.
        """
        # Hashed, so that no credential lies around in memory longer than its request.
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
