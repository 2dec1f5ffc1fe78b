"""Range requests (RFC 9110 §14): one range of bytes of a body that is known as a whole.

A server may ignore a range and send the whole body. This module does so for several ranges, for units other than bytes,
and for a malformed header.
"""

from __future__ import annotations

import re
from typing import Final

_RANGE: Final = re.compile(r"bytes=\s*([0-9]{0,18})-([0-9]{0,18})\s*", re.IGNORECASE)


class RangeNotSatisfiable(ValueError):
    """The range begins after the end of the body (RFC 9110 §15.5.17)."""


def requested_range(header: str | None, if_range: str | None, length: int, etag: str) -> range | None:
    """Return the positions of the bytes that the client wants, or None for the whole body.

    Args:
        header: the value of `Range`.
        if_range: the value of `If-Range`. If it is not `etag`, the client has a part of another body.
        length: the number of bytes of the body.
        etag: the strong entity tag of the body.

    Raises:
        RangeNotSatisfiable: no byte of the body is in the range.
    """
    found = _RANGE.fullmatch(header) if header is not None else None
    if found is None or (if_range is not None and if_range.strip() != etag):
        return None
    first, last = found.groups()
    if first:
        start, stop = int(first), min(int(last) + 1, length) if last else length
        if last and int(last) < start:
            return None
    elif last:
        start, stop = max(length - int(last), 0), length
    else:
        return None
    if start >= stop:
        raise RangeNotSatisfiable(f"bytes {start}- of {length}")
    return range(start, stop)
