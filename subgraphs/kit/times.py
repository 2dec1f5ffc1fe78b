"""Converts times to and from the form in which stores keep them: whole milliseconds since 1970, UTC."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Final

_EPOCH: Final = datetime(1970, 1, 1, tzinfo=UTC)


def to_milliseconds(moment: datetime) -> int:
    """Return the milliseconds since 1970. The result is exact for times with millisecond precision."""
    return round(moment.timestamp() * 1000)


def from_milliseconds(milliseconds: int) -> datetime:
    """Return the time in UTC. This is the inverse of `to_milliseconds`."""
    return _EPOCH + timedelta(milliseconds=milliseconds)
