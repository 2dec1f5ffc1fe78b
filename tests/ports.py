"""Ports for servers of tests: no other test and no outgoing connection gets them in the meantime.

A port that the kernel chooses is free only at that moment. Before the process that a test starts has bound it, another
worker of pytest-xdist can get the same port, and so can an outgoing connection. Therefore these ports lie below those
that the kernel chooses, and each process that runs tests has its own block of them, for which it holds a lock.
"""

from __future__ import annotations

import fcntl
import itertools
import os
import socket
import tempfile
from functools import cache
from pathlib import Path
from typing import IO, TYPE_CHECKING, Final

if TYPE_CHECKING:
    from collections.abc import Iterator

# A test uses at most ten ports, so a port is used again only after many tests, when its last clients are gone.
BLOCK: Final = 250
BLOCKS: Final = 40
CHOSEN_BY_KERNEL: Final = Path("/proc/sys/net/ipv4/ip_local_port_range")
# Where the kernel's own choice begins on Linux unless it is configured, and the first port that any user may bind.
_USUAL_END: Final = 32_768
FIRST_OF_USERS: Final = 1_024

_locks: list[IO[str]] = []


def free_port() -> int:
    """A port of 127.0.0.1 that nobody listens on, and that no other call on this machine returns for a long time."""
    ports = _own_block()
    return next(port for port in itertools.islice(ports, BLOCK) if _is_free(port))


def free_ports(count: int) -> list[int]:
    """`count` distinct ports like that of `free_port`."""
    return [free_port() for _ in range(count)]


@cache
def _own_block() -> Iterator[int]:
    """The ports of a block that no other process has, again and again. The block is free when this process ends."""
    folder = Path(tempfile.gettempdir()) / f"mosafe-test-ports-{os.getuid()}"
    folder.mkdir(exist_ok=True)
    end = _end()
    for first in range(end - BLOCK, end - BLOCK * (BLOCKS + 1), -BLOCK):
        lock = (folder / str(first)).open("w", encoding="ascii")
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            lock.close()
        else:
            _locks.append(lock)
            return itertools.cycle(range(first, first + BLOCK))
    raise RuntimeError(f"{BLOCKS} processes run tests of this user, and each has its own ports; see {folder}")


def _end() -> int:
    """The first port above all blocks."""
    if not CHOSEN_BY_KERNEL.exists():  # not Linux; elsewhere, the kernel chooses from 49,152 on
        return _USUAL_END
    first = int(CHOSEN_BY_KERNEL.read_text(encoding="ascii").split()[0])
    # If the kernel may choose nearly every port, the lock still keeps the tests apart.
    return first if first >= FIRST_OF_USERS + BLOCK * BLOCKS else _USUAL_END


def _is_free(port: int) -> bool:
    with socket.socket() as probe:
        try:
            probe.bind(("127.0.0.1", port))
        except OSError:
            return False
    return True
