"""Distinguishes failures of a PostgreSQL server from bugs of this program, and explains failures to operators."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

import asyncpg

if TYPE_CHECKING:
    from collections.abc import Mapping

_REFUSED: Final = "refuses the user name or the password; correct the URL, or create the user"
# Maps error codes of PostgreSQL (its manual, appendix A) to explanations. A code has five characters. If a code is not
# in the table, its class counts: the first two characters.
_REASONS: Final[Mapping[str, str]] = {
    "08": "does not respond; check the address, and that PostgreSQL runs",
    "25006": "accepts no changes now; the URL should name the primary server",
    "28": _REFUSED,
    "3D000": "has no database of this name; create it with CREATE DATABASE",
    "42501": "does not allow this user to use the database; make the user its owner",
    "53": "has no connections, memory or disk space left",
    "55P03": "has kept a row or table locked for too long",
    "57": "stops, restarts, or has ended this statement because it took too long",
    "58": "cannot read or write its files",
    "XX": "is damaged; see its log",
}
_UNREACHABLE: Final = _REASONS["08"]
_TOO_SLOW: Final = "does not respond in time; see whether it is overloaded, or waits for a lock"
_MAX_LENGTH: Final = 300

# What a driver raises if a server cannot be used, or if a statement fails.
DATABASE_ERRORS: Final = (OSError, TimeoutError, asyncpg.PostgresError, asyncpg.InterfaceError)


def is_failure(error: BaseException) -> bool:
    """Whether the server cannot be reached, is too slow or refuses this service.

    Otherwise, the error is a bug of this program.
    """
    # An InterfaceError is also raised if a connection has broken, and then is closed.
    return not isinstance(error, asyncpg.PostgresError) or _known_reason(error) is not None


def explain(error: BaseException, server: str) -> str:
    """Return one line for operators: which server, what is wrong with it, and what to do. It contains no password."""
    if isinstance(error, TimeoutError):
        return f"{server} {_TOO_SLOW}"
    if isinstance(error, asyncpg.PostgresError):
        return f"{server} {_known_reason(error) or f'answers: {str(error).splitlines()[0][:_MAX_LENGTH]}'}"
    return f"{server} {_UNREACHABLE}"


def _known_reason(error: asyncpg.PostgresError) -> str | None:
    code = error.sqlstate or ""
    return _REASONS.get(code) or _REASONS.get(code[:2])
