"""`Retry-After` (RFC 9110 §10.2.3): a subgraph that says when to come back is left alone until then."""

from __future__ import annotations

import math
import re
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Mapping

# With these it means "do not ask again before" (RFC 9110 §15.6.4, RFC 6585 §4); with others, something else.
MEANINGFUL = frozenset({429, 503})
LONGEST_TOLD = 86_400
"""A day: what a client is told at most, whatever the subgraph says."""

_SECONDS = re.compile(r"[0-9]{1,9}")


def retry_after(status: int, headers: Mapping[str, str]) -> int | None:
    """Whole seconds from now, or None if the answer does not say."""
    text = headers.get("retry-after", "").strip()
    if status not in MEANINGFUL or not text:
        return None
    if _SECONDS.fullmatch(text):
        return min(int(text), LONGEST_TOLD)
    try:
        moment = parsedate_to_datetime(text)
    except ValueError:
        return None
    if moment.tzinfo is None:  # "-0000": the time is UTC, the place unknown
        moment = moment.replace(tzinfo=UTC)
    seconds = math.ceil((moment - datetime.now(UTC)).total_seconds())
    return min(max(seconds, 0), LONGEST_TOLD)


class Rest:
    """Until when a subgraph is left alone, in the event loop's time; at most `longest` seconds, None for not at all."""

    __slots__ = ("_longest", "_until")

    def __init__(self, longest: float | None) -> None:
        self._longest = longest
        self._until = 0.0

    def begin(self, now: float, seconds: int) -> None:
        """It asked for a rest."""
        if self._longest is not None:
            self._until = max(self._until, now + min(seconds, self._longest))

    def left(self, now: float) -> int | None:
        """Whole seconds that it still rests, None if it does not."""
        return math.ceil(self._until - now) if now < self._until else None
