"""The header `X-Request-Timeout-Ms`: how many milliseconds the caller still waits for the response.

A caller sends how much time is left for its request. The called process obeys this limit if it trusts the caller, and
it always obeys its own limit. The value is a duration and not a time of day, so the clocks of the two machines need not
agree.
"""

from __future__ import annotations

import re
from typing import Final

HEADER: Final = "x-request-timeout-ms"

# A value has at most nine digits: 999,999,999 ms are eleven days. No client waits longer, so a value with more digits
# is malformed.
_MILLISECONDS = re.compile(r"[0-9]{1,9}")


_MAX_MILLISECONDS: Final = 999_999_999


def header_value(seconds: float) -> str:
    """Return the value of the header for a caller that waits `seconds` more. If no time is left, return `0`."""
    return str(milliseconds(seconds))


def milliseconds(seconds: float) -> int:
    """Return `header_value` as a number."""
    value = int(seconds * 1000)
    if 0 <= value <= _MAX_MILLISECONDS:
        return value
    return 0 if value < 0 else _MAX_MILLISECONDS


def timeout_of(value: str | None, *, limit: float) -> float:
    """Return how many seconds a request may take.

    Args:
        value: the header of a trusted caller; None if there is none. A malformed value is ignored. The limit of the
            process itself still applies.
        limit: the maximum time that the process itself allows, in seconds.
    """
    if value is None or _MILLISECONDS.fullmatch(value) is None:
        return limit
    return min(int(value) / 1000, limit)
