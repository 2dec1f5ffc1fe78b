"""Reads the texts of options: a length of time such as `30d`, and a percentage such as `0.1%`."""

from __future__ import annotations

import re
import time
from typing import TYPE_CHECKING, Final

from router.usage.usage_data import DAY, MINUTE, UsageWindow

if TYPE_CHECKING:
    from collections.abc import Iterable

_LENGTH: Final = re.compile(r"(\d+)\s*([mhdw])")
_SECONDS: Final = {"m": MINUTE, "h": 60 * MINUTE, "d": DAY, "w": 7 * DAY}
_SHARE: Final = re.compile(r"(\d+(?:\.\d+)?)\s*%")
_WHOLE: Final = 100.0


def window_of(length: str, excluded_clients: Iterable[str] = ()) -> UsageWindow:
    """Return the window from `length` ago until now. `length` is a number with m, h, d or w, such as `30d`.

    Raises:
        ValueError: The text is not a length of time.
    """
    match = _LENGTH.fullmatch(length.strip())
    if match is None:
        raise ValueError(f"{length!r} is not a length of time; write a number with m, h, d or w, such as 30d")
    return UsageWindow(time.time() - int(match[1]) * _SECONDS[match[2]], frozenset(excluded_clients))


def share_of(text: str) -> float:
    """Return the share, from 0 to 1, of a percentage such as `0.1%`.

    Raises:
        ValueError: The text is not a percentage.
    """
    match = _SHARE.fullmatch(text.strip())
    if match is None or float(match[1]) > _WHOLE:
        raise ValueError(f"{text!r} is not a percentage; write a number from 0 to 100 with %, such as 0.1%")
    return float(match[1]) / _WHOLE
