"""`SqlConnection`: the interface of a store to its database. One module implements it for SQLite, one for PostgreSQL.

Both execute the same statements. Parameters are written as `$1`, `$2`.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Protocol

if TYPE_CHECKING:
    from collections.abc import Sequence
    from contextlib import AbstractAsyncContextManager

SqlValue = int | float | str | None
Row = tuple[SqlValue, ...]


class SqlTransaction(Protocol):
    """One transaction. Raises `StoreFailure` if the database fails."""

    async def execute(self, statement: str, rows: Sequence[Row] = ((),)) -> None:
        """Execute a statement once for each row of parameters."""
        ...

    async def fetch(self, statement: str, parameters: Row = ()) -> Sequence[Row]:
        """Execute a query, and return its rows."""
        ...

    async def whole_rows(self, table: str, condition: str, parameters: Row) -> str:
        """Return the name of a table, for the FROM of a query that reads most columns of the rows with `condition`.

        The result can have a word that lets the database read the whole table instead of an index.
        """
        ...


class SqlConnection(Protocol):
    """An open database."""

    def transaction(self) -> AbstractAsyncContextManager[SqlTransaction]:
        """Return a transaction that is committed at the end of the block, and rolled back if the block raises.

        Raises:
            StoreFailure: The database cannot be read or written now.
        """
        ...

    async def close(self) -> None:
        """Close the connections."""
        ...
