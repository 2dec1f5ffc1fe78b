"""The hash chains in the SQLite file: checks their key, and adds hashes to entries of earlier releases."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

import structlog

from subgraphs.account.hash_chain import ChainedEntry, Line
from subgraphs.account.store.hash_chain_key import check_key
from subgraphs.account.store.sqlite_ledger import last_link

if TYPE_CHECKING:
    from pathlib import Path

    from servicekit.sqlite import Database
    from servicekit.sqlite_statements import Statements
    from subgraphs.kit.hash_chain import ChainKey

# How many entries are chained in one transaction. It is small, so that the start can be interrupted.
_BATCH_SIZE: Final = 1000

_log = structlog.stdlib.get_logger("account.store")


async def record_or_check_key(database: Database, path: Path, key: ChainKey) -> None:
    """Record the id of the key with which the chains are made, or compare `key` with the recorded id.

    Raises:
        StartupError: the chains were made with another key.
    """
    async with database.transaction() as connection:
        rows = await connection.execute_fetchall("SELECT id FROM chain_key")
        known = [row["id"] for row in rows]
        if not known:
            await connection.execute("INSERT INTO chain_key VALUES (?)", (key.id,))
    check_key(known, key, str(path))


async def chain_old_entries(database: Database, key: ChainKey) -> None:
    """Compute the hashes of entries that were posted by a release without hash chains."""
    total = 0
    while True:
        async with database.transaction() as connection:
            rows = list(
                await connection.execute_fetchall(
                    "SELECT e.*, internal_name FROM entries e JOIN accounts a ON a.id = account_id"
                    " WHERE hash IS NULL ORDER BY sequence LIMIT ?",
                    (_BATCH_SIZE,),
                )
            )
            for row in rows:
                await _chain(connection, row, key)
        total += len(rows)
        if len(rows) < _BATCH_SIZE:
            break
    if total:
        _log.info("chained the entries of an earlier release", entries=total)


async def _chain(connection: Statements, row: Any, key: ChainKey) -> None:
    position, entry_hash = None, b""
    if row["internal_name"] is None:
        lines = await stored_lines(connection, row["transaction_id"])
        entry = to_chained(row, lines)
        link = key.next(await last_link(connection, row["account_id"]), entry)
        position, entry_hash = link.position, link.hash
    await connection.execute(
        "UPDATE entries SET position = ?, hash = ? WHERE sequence = ?", (position, entry_hash, row["sequence"])
    )


async def stored_lines(connection: Statements, transaction_id: str) -> tuple[Line, ...]:
    """Return the `Line` of each entry of a transaction, as `hash_chain.lines_of` does."""
    rows = await connection.execute_fetchall(
        "SELECT coalesce(internal_name, account_id) AS name, amount FROM entries"
        " JOIN accounts ON accounts.id = account_id WHERE transaction_id = ? ORDER BY line",
        (transaction_id,),
    )
    return tuple(Line(row["name"], row["amount"]) for row in rows)


def to_chained(row: Any, lines: tuple[Line, ...]) -> ChainedEntry:
    """Return the data from which the hash of a row of `entries` is computed."""
    return ChainedEntry(
        row["transaction_id"], row["posted_at"], row["currency"], row["balance_after"], lines, row["line"]
    )
