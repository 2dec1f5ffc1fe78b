"""Measures the resident memory of this process (the part of its memory that is in RAM)."""

from __future__ import annotations

import os
import resource
import sys
from pathlib import Path

_STATM = Path("/proc/self/statm")
_PAGE = os.sysconf("SC_PAGE_SIZE")
# The unit of the memory that `getrusage` returns: bytes on macOS, kibibytes on other systems.
_UNIT = 1 if sys.platform == "darwin" else 1024


def resident_bytes() -> int:
    """Return the resident memory in bytes. On a system without `/proc`, return the highest value since the start."""
    try:
        return int(_STATM.read_text(encoding="ascii").split()[1]) * _PAGE
    except OSError:
        return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * _UNIT
