"""The common part of the three services' SQLite stores: opening, closing, and the outbox table."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, ClassVar, Final, Self

import msgspec

from bank import values
from bank.store_records import StoreState
from servicekit.sqlite import Database, Migration
from servicekit.sqlite_writer import CommitReport
from subgraphs.kit.outbox import DeadLetter, Event, OutboxRow
from subgraphs.kit.times import from_milliseconds, to_milliseconds

if TYPE_CHECKING:
    import sqlite3
    from collections.abc import Callable, Iterable, Mapping, Sequence
    from contextlib import AbstractAsyncContextManager
    from datetime import datetime
    from pathlib import Path

    from servicekit.sqlite_statements import Statements
    from subgraphs.kit.store_factory import Clock, StoreAddress

# AUTOINCREMENT prevents a new event from getting the sequence number of a deleted row. These statements are part of
# released migrations and must not be edited.
OUTBOX_TABLE: Final = """
CREATE TABLE outbox (
    sequence INTEGER PRIMARY KEY AUTOINCREMENT,
    id TEXT NOT NULL,
    type TEXT NOT NULL,
    subject TEXT NOT NULL,
    time INTEGER NOT NULL,
    data TEXT NOT NULL
) STRICT
"""

READERS_TABLE: Final = """
CREATE TABLE outbox_readers (
    reader TEXT PRIMARY KEY,
    position INTEGER NOT NULL,
    owner TEXT,
    expires_at INTEGER
) STRICT
"""

# `at` is in milliseconds since 1970. The other columns are attributes of the event.
DEAD_LETTERS_TABLE: Final = """
CREATE TABLE dead_letters (
    consumer_group TEXT NOT NULL,
    id TEXT NOT NULL,
    type TEXT NOT NULL,
    subject TEXT NOT NULL,
    time INTEGER NOT NULL,
    data TEXT NOT NULL,
    reason TEXT NOT NULL,
    at INTEGER NOT NULL,
    PRIMARY KEY (consumer_group, id)
) STRICT
"""


def identity_statements(*counted: str) -> tuple[str, ...]:
    """Return the statements of a migration that gives a store its identity.

    Args:
        counted: the changes that the store counts. Each is written like the event of a trigger: `INSERT ON users`.
    """
    return (
        "CREATE TABLE store_identity (id TEXT NOT NULL, changes INTEGER NOT NULL) STRICT",
        "INSERT INTO store_identity VALUES (lower(hex(randomblob(12))), 0)",
        "CREATE TABLE known_stores (name TEXT PRIMARY KEY, id TEXT NOT NULL, changes INTEGER NOT NULL) STRICT",
        *(
            f"CREATE TRIGGER changes_are_counted_{number} AFTER {event}"  # noqa: S608 - constants of the migrations
            " BEGIN UPDATE store_identity SET changes = changes + 1; END"
            for number, event in enumerate(counted)
        ),
    )


_CHANGES: Final = "SELECT changes FROM store_identity"
_INSERT_EVENT: Final = "INSERT INTO outbox (id, type, subject, time, data) VALUES (?, ?, ?, ?, ?)"

# The statement reads only a limited number of the oldest rows, so the column `time` needs no index.
_PRUNE_EVENTS: Final = """
DELETE FROM outbox WHERE sequence IN (
    SELECT sequence FROM (SELECT sequence, time FROM outbox ORDER BY sequence LIMIT ?) WHERE time < ?
) AND sequence <= ifnull((SELECT min(position) FROM outbox_readers), sequence)
"""

# The current time in milliseconds. All processes that open an SQLite file run on one machine, so they have the same
# clock.
NOW: Final = "CAST(round((julianday('now') - 2440587.5) * 86400000) AS INTEGER)"
_TAKE_POSITION: Final = f"""
INSERT INTO outbox_readers VALUES (:reader, 0, :owner, {NOW} + :milliseconds)
ON CONFLICT (reader) DO UPDATE SET owner = excluded.owner, expires_at = excluded.expires_at
WHERE owner = excluded.owner OR owner IS NULL OR expires_at < {NOW}
RETURNING position
"""  # noqa: S608 - constants of this module


class SqliteStore:
    """One SQLite file. A service's store is a subclass with its migrations and its statements.

    The migrations must contain `identity_statements`, so that the store is a
    `subgraphs.kit.store_identity.IdentifiedStore`.
    """

    migrations: ClassVar[Sequence[Migration]]

    def __init__(self, database: Database, *, clock: Clock = values.now) -> None:
        self._database = database
        self._clock = clock

    @classmethod
    async def open_file(cls, path: Path, *, clock: Clock = values.now) -> Self:
        """Open or create the file at `path` and apply the missing migrations.

        Raises:
            StartupError: the file cannot be opened, or a newer release wrote it.
        """
        return cls(await Database.open(path, cls.migrations), clock=clock)

    @classmethod
    async def open_at(cls, address: StoreAddress, clock: Clock) -> Self:
        """Call `open_file` with the file of `address`.

        Also raise ConfigurationError for a URL that is not `sqlite:///path`.
        """
        return await cls.open_file(address.sqlite_file, clock=clock)

    async def identity(self) -> StoreState:
        async with self._database.snapshot() as connection:
            ((store_id, changes),) = await connection.execute_fetchall("SELECT id, changes FROM store_identity")
        return StoreState(store_id, changes)

    async def known_stores(self) -> Mapping[str, StoreState]:
        async with self._database.snapshot() as connection:
            rows = await connection.execute_fetchall("SELECT name, id, changes FROM known_stores")
        return {row["name"]: StoreState(row["id"], row["changes"]) for row in rows}

    async def remember(self, stores: Mapping[str, StoreState]) -> None:
        rows = [(name, state.id, state.changes) for name, state in stores.items()]
        async with self._database.transaction() as connection:
            await connection.execute("DELETE FROM known_stores")
            await connection.executemany("INSERT INTO known_stores VALUES (?, ?, ?)", rows)

    def report_changes(self, to: Callable[[int], None] | None) -> None:
        self._database.report_commits(None if to is None else CommitReport(_CHANGES, to))

    def _changing(self) -> AbstractAsyncContextManager[Statements]:
        """Run the block in a transaction that changes users, money or orders, by short statements.

        After the commit, the store reports the number of all its changes.
        """
        return self._database.transaction(is_short=True, is_counted=True)

    async def ping(self) -> None:
        await self._database.ping()

    async def close(self) -> None:
        await self._database.close()


class SqliteOutboxStore(SqliteStore):
    """A store whose migrations create `OUTBOX_TABLE`, `READERS_TABLE` and `DEAD_LETTERS_TABLE`.

    It implements `subgraphs.kit.outbox.Outbox`.
    """

    async def events(self, *, after: int, limit: int) -> Sequence[OutboxRow]:
        query = "SELECT * FROM outbox WHERE sequence > ? ORDER BY sequence LIMIT ?"
        async with self._database.snapshot() as connection:
            rows = await connection.execute_fetchall(query, (after, limit))
        return [OutboxRow(row["sequence"], _event(row)) for row in rows]

    async def prune_events(self, before: datetime, *, limit: int) -> int:
        async with self._database.transaction() as connection:
            return await connection.execute(_PRUNE_EVENTS, (limit, to_milliseconds(before)))

    async def last_sequence(self) -> int:
        async with self._database.snapshot() as connection:
            rows = await connection.execute_fetchall("SELECT seq FROM sqlite_sequence WHERE name = 'outbox'")
        return next((row["seq"] for row in rows), 0)

    async def take_position(self, reader: str, owner: str, *, seconds: float) -> int | None:
        values = {"reader": reader, "owner": owner, "milliseconds": round(seconds * 1000)}
        async with self._database.transaction() as connection:
            rows = await connection.execute_fetchall(_TAKE_POSITION, values)
        return next((row["position"] for row in rows), None)

    async def save_position(self, reader: str, owner: str, sequence: int) -> bool:
        async with self._database.transaction() as connection:
            updated = await connection.execute(
                "UPDATE outbox_readers SET position = ? WHERE reader = ? AND owner = ?", (sequence, reader, owner)
            )
            return updated == 1

    async def release_position(self, reader: str, owner: str) -> None:
        async with self._database.transaction() as connection:
            await connection.execute(
                "UPDATE outbox_readers SET owner = NULL WHERE reader = ? AND owner = ?", (reader, owner)
            )

    async def forget_reader(self, reader: str) -> None:
        async with self._database.transaction() as connection:
            await connection.execute("DELETE FROM outbox_readers WHERE reader = ?", (reader,))

    async def set_position(self, reader: str, sequence: int) -> bool:
        async with self._database.transaction() as connection:
            changed = await connection.execute(
                "UPDATE outbox_readers SET position = ?, owner = NULL WHERE reader = ?", (sequence, reader)
            )
            return changed == 1

    async def add_dead_letter(self, letter: DeadLetter) -> None:
        row = (letter.group, *_event_columns(letter.event), letter.reason, to_milliseconds(letter.at))
        async with self._database.transaction() as connection:
            await connection.execute("INSERT OR IGNORE INTO dead_letters VALUES (?, ?, ?, ?, ?, ?, ?, ?)", row)

    async def dead_letters(self, *, limit: int) -> Sequence[DeadLetter]:
        query = "SELECT * FROM dead_letters ORDER BY at DESC, id DESC LIMIT ?"
        async with self._database.snapshot() as connection:
            rows = await connection.execute_fetchall(query, (limit,))
        return [
            DeadLetter(row["consumer_group"], _event(row), row["reason"], from_milliseconds(row["at"])) for row in rows
        ]

    async def delete_dead_letters(self, before: datetime) -> int:
        async with self._database.transaction() as connection:
            return await connection.execute("DELETE FROM dead_letters WHERE at < ?", (to_milliseconds(before),))


async def append_events(connection: Statements, events: Iterable[Event]) -> None:
    """Write `events` to the outbox, in the current database transaction of `connection`."""
    await connection.executemany(_INSERT_EVENT, [_event_columns(event) for event in events])


def _event_columns(event: Event) -> tuple[str, str, str, int, str]:
    return event.id, event.type, event.subject, to_milliseconds(event.time), msgspec.json.encode(event.data).decode()


def _event(row: sqlite3.Row) -> Event:
    return Event(
        id=row["id"],
        type=row["type"],
        subject=row["subject"],
        time=from_milliseconds(row["time"]),
        data=json.loads(row["data"]),
    )
