"""Read the header `Retry-After` of a response as seconds from now (RFC 9110 §10.2.3)."""

from __future__ import annotations

import math
import re
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Mapping

RETRY_LATER = frozenset({429, 503})
"""`Retry-After` is read only from responses with these statuses (RFC 9110 §15.6.4, RFC 6585 §4)."""
MAX_SECONDS = 86_400
"""The function `retry_after` returns at most this number (one day)."""

_SECONDS = re.compile(r"[0-9]{1,9}")


def retry_after(status: int, headers: Mapping[str, str]) -> int | None:
    """Return the seconds to wait before the request is sent again, from the header `Retry-After` of a response.

    Return None if the status is not in `RETRY_LATER`, or if there is no valid `Retry-After`.
    """
    text = headers.get("retry-after", "").strip()
    if status not in RETRY_LATER or not text:
        return None
    if _SECONDS.fullmatch(text):
        return min(int(text), MAX_SECONDS)
    try:
        moment = parsedate_to_datetime(text)
    except ValueError:
        return None
    # The offset "-0000" means a time in UTC. `parsedate_to_datetime` then returns a time without a time zone.
    if moment.tzinfo is None:
        moment = moment.replace(tzinfo=UTC)
    seconds = math.ceil((moment - datetime.now(UTC)).total_seconds())
    return min(max(seconds, 0), MAX_SECONDS)
