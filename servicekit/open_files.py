"""The limit of open files of the process, of which each connection needs one."""

from __future__ import annotations

import sys

if sys.platform != "win32":
    import resource

# Databases, logs, and connections to other services.
RESERVED = 250


def connections_within(wanted: int) -> int:
    """How many of the `wanted` connections the limit of open files allows, after raising it as far as the system lets.

    Without room for a connection, a server cannot even accept it to refuse it. Many systems start processes with a low
    limit that a process may raise.
    """
    if sys.platform == "win32":
        return wanted
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    unlimited = resource.RLIM_INFINITY
    needed = wanted + RESERVED
    if soft != unlimited and soft < needed:
        soft = needed if hard == unlimited else min(needed, hard)
        resource.setrlimit(resource.RLIMIT_NOFILE, (soft, hard))
    return wanted if soft == unlimited else max(1, min(wanted, soft - RESERVED))
