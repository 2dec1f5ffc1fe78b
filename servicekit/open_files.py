"""The number of files that the process may have open. Each connection is an open file."""

from __future__ import annotations

import sys

if sys.platform != "win32":
    import resource

# This many files are kept free for databases, logs, and connections to other services.
RESERVED_FILES = 250


def connections_within(wanted: int) -> int:
    """Raise the limit of open files as far as needed and possible.

    Return how many of the `wanted` connections the limit allows. Many systems start processes with a low limit, which a
    process may raise. The number of connections must be below the limit. At the limit, a server cannot even accept a
    connection to refuse it.
    """
    if sys.platform == "win32":
        return wanted
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    unlimited = resource.RLIM_INFINITY
    needed = wanted + RESERVED_FILES
    if soft != unlimited and soft < needed:
        soft = needed if hard == unlimited else min(needed, hard)
        resource.setrlimit(resource.RLIMIT_NOFILE, (soft, hard))
    return wanted if soft == unlimited else max(1, min(wanted, soft - RESERVED_FILES))
