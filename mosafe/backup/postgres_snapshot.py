"""Reads a PostgreSQL database in one snapshot: by `pg_dump` if it is installed, otherwise by COPY through asyncpg.

A transaction at the level REPEATABLE READ exports its snapshot. The identity of the store, `pg_dump` and COPY all read
this snapshot.
"""

from __future__ import annotations

import asyncio
import json
import subprocess
import tempfile
from contextlib import contextmanager
from functools import partial
from typing import TYPE_CHECKING, Any, Final, NamedTuple

import asyncpg

from bank.values import format_timestamp
from mosafe.backup.backup_files import CHUNK
from mosafe.backup.errors import STORE, BackupError
from mosafe.backup.manifest import StoreFacts
from mosafe.backup.postgres_programs import usable, variables
from mosafe.backup.store_snapshot import Part
from subgraphs.kit.postgres import START_SECONDS
from subgraphs.kit.postgres_failures import DATABASE_ERRORS, explain

if TYPE_CHECKING:
    from collections.abc import Coroutine, Iterator

    from mosafe.backup.store_snapshot import Write

PG_DUMP: Final = "pg_dump"
COPY: Final = "COPY in one exported snapshot"
_TABLES: Final = """
SELECT c.relname AS name, array_agg(a.attname ORDER BY a.attnum) AS columns
FROM pg_class c JOIN pg_attribute a ON a.attrelid = c.oid AND a.attnum > 0 AND NOT a.attisdropped
     AND a.attgenerated = ''
WHERE c.relnamespace = current_schema()::regnamespace AND c.relkind = 'r'
GROUP BY c.relname ORDER BY c.relname
"""
_SEQUENCES: Final = """
SELECT sequencename AS name, last_value FROM pg_sequences WHERE schemaname = current_schema() ORDER BY sequencename
"""
_FACTS: Final = """
SELECT i.id, i.changes, (SELECT max(number) FROM migrations) AS migration, now() AS at,
       current_setting('server_version_num')::int / 10000 AS major, current_setting('server_version') AS version,
       pg_export_snapshot() AS snapshot, current_schema() AS schema
FROM store_identity i
"""


class PostgresAddress(NamedTuple):
    """The URL of a database, and the variable that holds it, for messages."""

    url: str
    variable: str

    @contextmanager
    def explained(self) -> Iterator[None]:
        """Report failures of the server.

        Raises:
            BackupError: the server has failed, or the URL is malformed.
        """
        try:
            yield
        except DATABASE_ERRORS as error:
            raise BackupError(STORE, f"{self.variable}: {explain(error, 'the PostgreSQL server')}") from error


class PostgresSnapshot:
    """One database in a read-only transaction."""

    def __init__(self, name: str, address: PostgresAddress, runner: asyncio.Runner, connection: Any) -> None:
        self._name = name
        self._address = address
        self._runner = runner
        self._connection = connection
        found = self._run(connection.fetchrow(_FACTS))
        self._snapshot: str = found["snapshot"]
        self._schema: str = found["schema"]
        self._environment = variables(address.url) if usable((PG_DUMP,), found["major"]) else None
        self.facts = StoreFacts(
            name=name,
            kind="postgresql",
            server=f"PostgreSQL {found['version']}",
            method=COPY if self._environment is None else PG_DUMP,
            point_in_time=format_timestamp(found["at"]),
            migration=found["migration"],
            store_id=found["id"],
            changes=found["changes"],
        )

    @classmethod
    @contextmanager
    def open(cls, name: str, address: PostgresAddress) -> Iterator[PostgresSnapshot]:
        """Raises BackupError if the database cannot be read or is not a store."""
        with asyncio.Runner() as runner:
            with address.explained():
                connection = runner.run(_connect(address.url))
            try:
                yield cls(name, address, runner, connection)
            finally:
                connection.terminate()

    def _run(self, statement: Coroutine[Any, Any, Any]) -> Any:
        with self._address.explained():
            return self._runner.run(statement)

    def parts(self) -> Iterator[Part]:
        if self._environment is not None:
            yield Part(f"{self._name}/{self._name}.pgdump", self._dump_all)
            return
        tables = {row["name"]: list(row["columns"]) for row in self._run(self._connection.fetch(_TABLES))}
        sequences = {row["name"]: row["last_value"] for row in self._run(self._connection.fetch(_SEQUENCES))}
        layout = json.dumps({"tables": tables, "sequences": sequences}, indent=1).encode()
        yield Part(f"{self._name}/layout.json", partial(_write_once, layout))
        for table, columns in tables.items():
            yield Part(f"{self._name}/{table}.copy", partial(self._copy, table, columns))

    def _copy(self, table: str, columns: list[str], write: Write) -> int:
        async def pass_on(data: bytes) -> None:
            write(data)

        status: str = self._run(
            self._connection.copy_from_table(table, schema_name=self._schema, columns=columns, output=pass_on)
        )
        return int(status.rpartition(" ")[2])

    def _dump_all(self, write: Write) -> None:
        command = [
            PG_DUMP,
            "--format=custom",
            "--compress=0",  # the file of the backup is compressed
            "--no-owner",
            "--no-privileges",
            "--no-password",
            f"--snapshot={self._snapshot}",
        ]
        with tempfile.TemporaryFile() as messages:
            with subprocess.Popen(  # noqa: S603 - the arguments come from the server, and none is a secret
                command, stdout=subprocess.PIPE, stderr=messages, env=self._environment
            ) as process:
                assert process.stdout is not None  # noqa: S101 - it is a pipe
                while data := process.stdout.read(CHUNK):
                    write(data)
            if process.returncode != 0:
                raise BackupError(STORE, f"pg_dump: {last_line(messages)}")


def last_line(messages: Any) -> str:
    """Return the last line that a program has written to its standard error."""
    messages.seek(0)
    lines = messages.read().decode(errors="replace").strip().splitlines()
    return lines[-1] if lines else "it does not say why it failed"


def _write_once(data: bytes, write: Write) -> int:
    write(data)
    return 1


async def _connect(url: str) -> Any:
    """Return a connection in a read-only transaction that sees one state."""
    connection = await asyncpg.connect(
        url,
        timeout=START_SECONDS,
        server_settings={"application_name": "mosafe-backup", "idle_in_transaction_session_timeout": "0"},
    )
    await connection.execute("BEGIN ISOLATION LEVEL REPEATABLE READ, READ ONLY")
    return connection
