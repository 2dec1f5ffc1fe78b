"""Decides whether a token is revoked. For example, if a session ends, its tokens are revoked before they expire."""

from __future__ import annotations

import sqlite3
from pathlib import Path
from typing import TYPE_CHECKING, Any, Protocol

from router.policies.authentication.refusals import CredentialUndecided
from router.policies.load_operator_functions import call
from router.request.security_events import SecurityEvent, report

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from router.settings.sections.authentication import RevocationTable


class RevocationCheck(Protocol):
    """Decides whether a token is revoked. It is called for each request, even if the token is cached as verified."""

    async def is_revoked(self, claims: Mapping[str, object]) -> bool:
        """Return whether the token with these claims is revoked.

        Raises:
            CredentialUndecided: The check failed, so it is unknown whether the token is revoked.
        """
        ...

    def close(self) -> None:
        """Close files and connections."""


class RevokedIds:
    """A `RevocationCheck` with the ids of a table in an SQLite file. The ids are kept in memory.

    For each request, the change counter of the file (`PRAGMA data_version`) is read, which takes a few microseconds.
    The table is read again only if the counter has changed. The counter changes when another connection commits, so a
    revocation is effective for the next request.
    """

    def __init__(self, settings: RevocationTable) -> None:
        self._path = Path(settings.sqlite)
        self._claim = settings.claim
        # This is safe from SQL injection: the settings allow only letters, digits and `_` in the names of table and
        # column.
        self._query = f'SELECT "{settings.column}" FROM "{settings.table}"'  # noqa: S608
        self._connection: sqlite3.Connection | None = None
        self._version: object = None
        self._ids: frozenset[object] = frozenset()

    async def is_revoked(self, claims: Mapping[str, object]) -> bool:
        value = claims.get(self._claim)
        if not isinstance(value, str | int):
            return True
        try:
            self._renew()
        except sqlite3.Error as error:
            self.close()
            report(SecurityEvent.REVOCATION_UNAVAILABLE, reason=type(error).__name__)
            raise CredentialUndecided from error
        return value in self._ids

    def close(self) -> None:
        if self._connection is not None:
            self._connection.close()
        self._connection, self._version, self._ids = None, None, frozenset()

    def _renew(self) -> None:
        if self._connection is None:
            if not self._path.exists():
                return
            self._connection = sqlite3.connect(f"{self._path.absolute().as_uri()}?mode=ro", uri=True)
        version = self._connection.execute("PRAGMA data_version").fetchone()
        if version != self._version:
            self._ids = frozenset(row[0] for row in self._connection.execute(self._query))
            self._version = version


class FunctionCheck:
    """A `RevocationCheck` that calls a Python function of the operator."""

    def __init__(self, function: Callable[..., Any]) -> None:
        self._function = function

    async def is_revoked(self, claims: Mapping[str, object]) -> bool:
        return bool(await call(self._function, claims))

    def close(self) -> None:
        pass
