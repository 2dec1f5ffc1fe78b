"""How long a thread was busy: it ran, or it was ready to run and waited for a processor.

Linux counts both in `/proc/thread-self/schedstat`. The waiting time matters in a container with a limit on its
processor time, or on a machine with other processes: there a thread that is never idle may run for a small share of the
time only. Other systems count only the time that the thread runs.
"""

from __future__ import annotations

import os
import time
from pathlib import Path
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from collections.abc import Callable

_COUNTERS: Final = Path("/proc/thread-self/schedstat")
_MAX_BYTES: Final = 128  # bytes: three numbers with at most 20 digits


def busy_time_of_this_thread() -> Callable[[], float]:
    """Return a function that returns for how many seconds this thread was busy so far. Call it in the same thread."""
    try:
        descriptor = os.open(_COUNTERS, os.O_RDONLY | os.O_CLOEXEC)
        counted = _read(descriptor)
    except (OSError, ValueError):
        return time.thread_time
    if counted == 0:  # the kernel does not count
        os.close(descriptor)
        return time.thread_time
    return lambda: _read(descriptor)


def _read(descriptor: int) -> float:
    ran, waited, _ = os.pread(descriptor, _MAX_BYTES, 0).split()
    return (int(ran) + int(waited)) / 1e9
