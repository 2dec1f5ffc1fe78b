"""How much memory this process has."""

from __future__ import annotations

import os
import resource
import sys
from pathlib import Path

_STATM = Path("/proc/self/statm")
_PAGE = os.sysconf("SC_PAGE_SIZE")
# getrusage tells kibibytes, except on macOS (bytes).
_UNIT = 1 if sys.platform == "darwin" else 1024


def resident_bytes() -> int:
    """Resident memory now; where the system does not tell that, its highest value so far."""
    try:
        return int(_STATM.read_text(encoding="ascii").split()[1]) * _PAGE
    except OSError:
        return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * _UNIT
