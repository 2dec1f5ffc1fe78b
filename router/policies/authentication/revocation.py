"""Decides whether a token is revoked before it expires, for example because its session has ended."""

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
    """Knows which tokens are revoked. It is asked for each request, also if the token was verified before."""

    async def is_revoked(self, claims: Mapping[str, object]) -> bool:
        """Return whether the token with these claims is revoked.

        Raises:
            CredentialUndecided: It is not known now.
        """
        ...

    def close(self) -> None:
        """Close files and connections."""


class RevokedIds:
    """A table of ids in an SQLite file, kept in memory.

    The table is read again only if the file's change counter (`PRAGMA data_version`) differs from the one at the last
    reading. Asking for the counter takes a few microseconds. It differs as soon as another connection has committed,
    so a revocation is effective for the next request.
    """

    def __init__(self, settings: RevocationTable) -> None:
        self._path = Path(settings.sqlite)
        self._claim = settings.claim
        # The settings allow only identifiers here.
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
    """A function of the operator that decides."""

    def __init__(self, function: Callable[..., Any]) -> None:
        self._function = function

    async def is_revoked(self, claims: Mapping[str, object]) -> bool:
        return bool(await call(self._function, claims))

    def close(self) -> None:
        pass
