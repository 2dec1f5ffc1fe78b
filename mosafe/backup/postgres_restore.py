"""Restores a PostgreSQL database in one transaction: after a failure, it is as it was before."""

from __future__ import annotations

import asyncio
import json
import subprocess
import tempfile
from concurrent.futures import ThreadPoolExecutor
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass
from graphlib import TopologicalSorter
from typing import IO, TYPE_CHECKING, Any, Final

import asyncpg

from mosafe.backup.backup_files import CHUNK
from mosafe.backup.byte_pipe import BytePipe
from mosafe.backup.errors import STORE, BackupError
from mosafe.backup.postgres_programs import usable, variables
from mosafe.backup.postgres_snapshot import PG_DUMP, last_line
from subgraphs.auth.store.postgres_schema import MIGRATIONS
from subgraphs.kit.postgres import START_SECONDS

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Mapping

    from mosafe.backup.backup_files import BackupReader
    from mosafe.backup.manifest import StoreBackup, StoredFile
    from mosafe.backup.postgres_snapshot import PostgresAddress

_TABLES: Final = """
SELECT relname FROM pg_class WHERE relnamespace = current_schema()::regnamespace AND relkind IN ('r', 'p')
"""
# Statements that delete everything in the schema that the migrations create. Objects of extensions stay.
_DROPS: Final = """
SELECT format('DROP TABLE IF EXISTS %s CASCADE', c.oid::regclass) FROM pg_class c
WHERE c.relnamespace = current_schema()::regnamespace AND c.relkind IN ('r', 'p')
UNION ALL SELECT format('DROP SEQUENCE IF EXISTS %s CASCADE', c.oid::regclass) FROM pg_class c
WHERE c.relnamespace = current_schema()::regnamespace AND c.relkind = 'S'
UNION ALL SELECT format('DROP FUNCTION IF EXISTS %s CASCADE', p.oid::regprocedure) FROM pg_proc p
WHERE p.pronamespace = current_schema()::regnamespace
      AND NOT EXISTS (SELECT FROM pg_depend d WHERE d.objid = p.oid AND d.deptype = 'e')
"""
_REFERENCES: Final = """
SELECT a.relname AS child, b.relname AS parent FROM pg_constraint c
JOIN pg_class a ON a.oid = c.conrelid JOIN pg_class b ON b.oid = c.confrelid
WHERE c.contype = 'f' AND c.conrelid <> c.confrelid AND a.relnamespace = current_schema()::regnamespace
"""


@dataclass(frozen=True, slots=True)
class PostgresTarget:
    """A database that is restored."""

    address: PostgresAddress

    def is_empty(self) -> bool:
        """Whether the database has no table. Raises BackupError if it cannot be read."""
        return not self._run(_fetch(self.address.url, _TABLES))

    def restore(self, store: StoreBackup, reader: BackupReader) -> None:
        """Replace everything in the database.

        Raises:
            BackupError: the database cannot be written, a program is missing, or a file of the backup is damaged.
        """
        if store.facts.method == PG_DUMP:
            self._restore_dump(store.files[0], reader)
        else:
            self._run(_restore_tables(self.address.url, store, reader))

    def _run(self, work: Any) -> Any:
        with self.address.explained():
            return asyncio.run(work)

    def _restore_dump(self, file: StoredFile, reader: BackupReader) -> None:
        version = self._run(_fetch(self.address.url, "SELECT current_setting('server_version_num')::int / 10000"))
        environment = variables(self.address.url) if usable(("pg_restore", "psql"), version[0][0]) else None
        if environment is None:
            raise BackupError(
                STORE,
                f"{self.address.variable}: pg_dump has made this backup; install pg_restore and psql of version"
                f" {version[0][0]} or newer",
            )
        drops = "".join(f"{row[0]};\n" for row in self._run(_fetch(self.address.url, _DROPS)))
        _pipe_through_programs(environment, drops, lambda write: reader.read(file, write))


def _pipe_through_programs(environment: Mapping[str, str], drops: str, read: Any) -> None:
    """Let pg_restore print statements, which psql executes in one transaction.

    `COMMIT` is sent when the whole file was verified and pg_restore has succeeded. Without it, psql changes nothing.
    """
    restoring = ["pg_restore", "--no-owner", "--no-privileges", "--exit-on-error", "--file=-"]
    executing = ["psql", "--no-psqlrc", "--quiet", "--no-password", "--set=ON_ERROR_STOP=1", "--output=/dev/null"]
    with tempfile.TemporaryFile() as messages, tempfile.TemporaryFile() as psql_messages:
        with subprocess.Popen(  # noqa: S603 - no input of others
            executing, stdin=subprocess.PIPE, stderr=psql_messages, env=environment
        ) as psql:
            statements = _stdin(psql)
            _send(statements, f"BEGIN;\n{drops}".encode())
            with subprocess.Popen(  # noqa: S603 - no input of others
                restoring, stdin=subprocess.PIPE, stdout=statements, stderr=messages, env=environment
            ) as pg_restore:
                try:
                    read(lambda data: _send(_stdin(pg_restore), data))
                except BaseException:
                    pg_restore.kill()
                    psql.kill()
                    raise
                _close(_stdin(pg_restore))
            if pg_restore.returncode == 0:
                _send(statements, b"COMMIT;\n")
            _close(statements)
        if psql.returncode != 0:
            raise BackupError(STORE, f"psql: {last_line(psql_messages)}")
        if pg_restore.returncode != 0:
            raise BackupError(STORE, f"pg_restore: {last_line(messages)}")


def _stdin(process: subprocess.Popen[bytes]) -> IO[bytes]:
    assert process.stdin is not None  # noqa: S101 - it is a pipe
    return process.stdin


def _send(pipe: IO[bytes], data: bytes) -> None:
    """Write to a program. If it has ended, its exit code is reported afterwards."""
    with suppress(BrokenPipeError):
        pipe.write(data)
        pipe.flush()


def _close(pipe: IO[bytes]) -> None:
    with suppress(BrokenPipeError):
        pipe.close()


async def _fetch(url: str, statement: str) -> list[Any]:
    async with _connected(url) as connection:
        return list(await connection.fetch(statement))


@asynccontextmanager
async def _connected(url: str) -> AsyncIterator[Any]:
    connection = await asyncpg.connect(
        url, timeout=START_SECONDS, server_settings={"application_name": "mosafe-backup", "statement_timeout": "0"}
    )
    try:
        yield connection
    finally:
        connection.terminate()


async def _restore_tables(url: str, store: StoreBackup, reader: BackupReader) -> None:
    files = {file.name.rpartition("/")[2]: file for file in store.files}
    layout = bytearray()
    reader.read(files.pop("layout.json"), layout.extend)
    described = json.loads(layout)
    async with _connected(url) as connection, connection.transaction():
        for row in await connection.fetch(_DROPS):
            await connection.execute(row[0])
        await _create_tables(connection, store.facts.migration or 0)
        tables = await _in_order_of_references(connection, described["tables"])
        # The triggers count changes, and refuse changes of the audit log.
        for table in tables:
            await connection.execute(f'ALTER TABLE "{table}" DISABLE TRIGGER USER')
        for table in tables:
            await connection.execute(f'TRUNCATE "{table}" CASCADE')
        for table in tables:
            await _copy(connection, table, described["tables"][table], _Source(reader, files[f"{table}.copy"]))
        for table in tables:
            await connection.execute(f'ALTER TABLE "{table}" ENABLE TRIGGER USER')
        for name, last in described["sequences"].items():
            if last is not None:
                await connection.execute("SELECT setval($1::regclass, $2)", f'"{name}"', last)


async def _create_tables(connection: Any, number: int) -> None:
    """Create the tables as the migrations up to `number` do."""
    await connection.execute("CREATE TABLE migrations (number INT PRIMARY KEY, name TEXT NOT NULL)")
    for migration in MIGRATIONS:
        if migration.number <= number:
            for statement in migration.statements:
                await connection.execute(statement)


async def _in_order_of_references(connection: Any, tables: Mapping[str, Any]) -> list[str]:
    """Return the tables so that a table comes after those to which its rows refer."""
    parents: dict[str, set[str]] = {table: set() for table in tables}
    for row in await connection.fetch(_REFERENCES):
        parents[row["child"]].add(row["parent"])
    return list(TopologicalSorter(parents).static_order())


@dataclass(frozen=True, slots=True)
class _Source:
    """The rows of one table in a backup."""

    reader: BackupReader
    file: StoredFile

    def read_into(self, pipe: BytePipe) -> None:
        try:
            self.reader.read(self.file, pipe.write)
        except BaseException:
            pipe.abort()
            raise
        pipe.finish()


async def _copy(connection: Any, table: str, columns: list[str], source: _Source) -> None:
    pipe = BytePipe()

    async def chunks() -> AsyncIterator[bytes]:
        while data := await asyncio.to_thread(pipe.read, CHUNK):
            yield data

    with ThreadPoolExecutor(1, "backup") as pool:
        done = pool.submit(source.read_into, pipe)
        try:
            await connection.copy_to_table(table, columns=columns, source=chunks())
        except BaseException:
            pipe.abort()
            if (error := done.exception()) is not None and isinstance(error, BackupError):
                raise error from None
            raise
        done.result()
