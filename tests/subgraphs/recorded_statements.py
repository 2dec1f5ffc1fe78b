"""Records the statements that a store gives to SQLite, and how SQLite executes them."""

from __future__ import annotations

import re
import sqlite3
from contextlib import closing
from typing import TYPE_CHECKING, Any, Final

if TYPE_CHECKING:
    from collections.abc import Collection, Iterator, Mapping, Sequence
    from pathlib import Path

    import pytest

    from servicekit.sqlite import Migration

_KINDS: Final = ("SELECT", "INSERT", "UPDATE", "DELETE", "WITH")
_LITERAL: Final = re.compile(r"'(?:[^']|'')*'|(?<![\w.])-?\d+(?:\.\d+)?|[xX]'[0-9A-Fa-f]*'|\bNULL\b")


def record_statements(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """Record the statements, with their values, of the connections that are opened from now on in this test."""
    statements: list[str] = []
    connect = sqlite3.connect

    def recording(*arguments: Any, **options: Any) -> sqlite3.Connection:
        connection: sqlite3.Connection = connect(*arguments, **options)
        connection.set_trace_callback(statements.append)
        return connection

    monkeypatch.setattr(sqlite3, "connect", recording)
    return statements


def queries(statements: list[str]) -> Iterator[tuple[str, str]]:
    """Yield each statement that reads or changes rows, with its shape: the statement without its values."""
    for statement in dict.fromkeys(statements):
        if statement.lstrip().upper().startswith(_KINDS):
            yield shape_of(statement), statement


def shape_of(statement: str) -> str:
    return " ".join(_LITERAL.sub("?", statement).split())


def steps_of(path: Path, statement: str) -> list[str]:
    """The steps of the query plan for the file at `path`."""
    with closing(sqlite3.connect(path)) as connection:
        return [row[3] for row in connection.execute(f"EXPLAIN QUERY PLAN {statement}")]


# Tables with a few rows, which may be read as a whole. Dead letters are events that a consumer could not take.
SMALL: Final = frozenset(
    {"store_identity", "known_stores", "chain_key", "sqlite_sequence", "outbox_readers", "dead_letters"}
)


class Statements:
    """Checks that the statements of a store use an index.

    Args:
        reasons: for the beginning of a statement's shape, why it reads a table as a whole.
        migrations: their statements run once for each file, and may read everything.
        weak: ranges of indexes that have nearly all rows of a table.
    """

    def __init__(self, reasons: Mapping[str, str], migrations: Sequence[Migration], weak: Collection[str] = ()) -> None:
        self._reasons = reasons
        self._weak = weak
        self._known = {shape_of(statement) for migration in migrations for statement in migration.statements}

    def check(self, statements: list[str], path: Path) -> None:
        """Fail if a recorded statement reads a table as a whole."""
        for shape, statement in queries(statements):
            if shape not in self._known and not shape.startswith(tuple(self._reasons)):
                steps = steps_of(path, statement)
                assert not read_as_a_whole(shape, steps), (shape, steps)
                assert not any(each in step for step in steps for each in self._weak), (shape, steps)
            self._known.add(shape)


def read_as_a_whole(shape: str, steps: list[str]) -> set[str]:
    """The tables that are read as a whole.

    Reading an index from its beginning until there are enough rows does not count, nor do the results of other steps
    and lists of parameters.
    """
    ordered = " USING (COVERING )?INDEX" if " LIMIT ?" in shape else " VIRTUAL TABLE"
    found = (re.match(r"SCAN (\w+)", step) for step in steps if not re.search(f"{ordered}| VIRTUAL TABLE", step))
    return {match[1] for match in found if match} - SMALL - {"json_each", "CONSTANT"}


class StepCounter:
    """Counts the steps of SQLite's virtual machine on the connections that are opened after it."""

    # The counter is called after so many steps.
    _EVERY = 10

    def __init__(self, monkeypatch: pytest.MonkeyPatch) -> None:
        self.steps = 0
        connect = sqlite3.connect

        def counting(*arguments: Any, **options: Any) -> sqlite3.Connection:
            connection: sqlite3.Connection = connect(*arguments, **options)
            connection.set_progress_handler(self._count, self._EVERY)
            return connection

        monkeypatch.setattr(sqlite3, "connect", counting)

    def _count(self) -> int:
        self.steps += self._EVERY
        return 0
