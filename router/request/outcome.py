"""How far a request came."""

from __future__ import annotations

from enum import Enum, auto


class Outcome(Enum):
    """How far a request came; the HTTP status of the response follows from it."""

    EXECUTED = auto()
    REFUSED = auto()
    NOT_READ_ONLY = auto()
    UNKNOWN_DOCUMENT = auto()
    TIMED_OUT = auto()
    FAILED = auto()
