"""`router usage` as a user runs it."""

from __future__ import annotations

import asyncio
import json
import subprocess
import sys
import time
from typing import TYPE_CHECKING

import pytest
from click.testing import CliRunner
from graphql import print_schema

from router.cli import command
from router.usage.usage_data import MINUTE, Client, hash_of
from servicekit.errors import StartupError
from tests.router.usage.recording import SCHEMA, batch, opened, operation
from tests.router.usage.test_import_reports import HIVE

if TYPE_CHECKING:
    from pathlib import Path

    from click.testing import Result

BOOK = operation("query Book($f: Filter) {\n  book(filter: $f) {\n    title\n  }\n}", "Book")
BOOKS = operation("{\n  books {\n    id\n  }\n}")
WEB, IOS = Client("web", "1"), Client("ios", "3")


@pytest.fixture
def store(tmp_path: Path) -> str:
    async def write() -> None:
        async with opened(str(tmp_path / "usage.sqlite")) as opened_store:
            sent = batch(int(time.time()) // MINUTE, (BOOK, WEB, 1_200), (BOOK, IOS, 34), (BOOKS, WEB, 1))
            sent.in_variables[BOOK.id] = {"Filter", "Filter.genre", "Genre", "Genre.POEM"}
            await opened_store.write(sent, 100)

    asyncio.run(write())
    (tmp_path / "schema.graphql").write_text(print_schema(SCHEMA))
    return str(tmp_path / "usage.sqlite")


@pytest.fixture
def schema(store: str, tmp_path: Path) -> str:
    assert store
    return str(tmp_path / "schema.graphql")


def run(*arguments: str) -> Result:
    return CliRunner().invoke(command, ["usage", *arguments], prog_name="router")


def test_report_has_totals_clients_and_operations(store: str) -> None:
    rest = "0.00% with errors, p50 ≤ 10 ms, p95 ≤ 10 ms, p99 ≤ 10 ms"
    assert run("report", "--store", store).output.splitlines() == [
        f"2 operations, 1,235 requests, {rest}",
        "",
        "clients:",
        f"  web 1: 1,201 requests, {rest}",
        f"  ios 3: 34 requests, {rest}",
        "",
        "operations with the most requests:",
        f"  Book (query, {hash_of(BOOK.id)}): 1,234 requests, {rest}",
        f"  (anonymous) (query, {hash_of(BOOKS.id)}): 1 request, {rest}",
    ]


def test_report_as_json(store: str) -> None:
    found = json.loads(run("report", "--store", store, "--json", "--exclude-client", "ios").output)
    assert (found["operations"], found["requests"], found["errors"]) == (2, 1_201, 0)
    assert [each["name"] for each in found["clients"]] == ["web"]
    assert found["top"][0]["document"] == BOOK.text


def test_operations_that_use_an_element(store: str) -> None:
    output = run("operations", "--store", store, "--coordinate", "Genre.POEM", "--documents").output
    assert "Book (query, " in output
    assert "  web 1: 1,200" in output
    assert "      book(filter: $f) {" in output
    assert "anonymous" not in output
    assert run("operations", "--store", store, "--coordinate", "Genre.NOVEL").output == "no operation in this window\n"


def test_unused_elements(store: str, schema: str) -> None:
    result = run("unused", "--store", store, "--schema", schema)
    unused = result.stdout.splitlines()
    assert {"Genre.NOVEL", "Filter.text", "Author", "Book.author", "Query.books(genre:)"} <= set(unused)
    assert {"Genre.POEM", "Filter.genre", "Book.title", "Query.book(filter:)"}.isdisjoint(unused)
    assert json.loads(run("unused", "--store", store, "--schema", schema, "--json").stdout) == unused


def test_coverage(store: str, schema: str) -> None:
    output = run("coverage", "--store", store, "--schema", schema).output
    assert " 66.7%  Book (2 of 3)" in output
    assert " 25.0%  Filter (1 of 4)" in output
    assert "all (" in output


def test_prune(store: str) -> None:
    result = run("prune", "--store", store, "--keep-days", "1")
    assert result.output == "deleted 0 counts of minutes, 0 of days and 0 operations\n"


def test_import(store: str, schema: str, tmp_path: Path) -> None:
    report = tmp_path / "hive.json"
    report.write_text(
        json.dumps(
            {**HIVE, "operations": [{**each, "timestamp": int(time.time() * 1000)} for each in HIVE["operations"]]}
        )
    )
    result = run("import", "--store", store, "--schema", schema, str(report))
    assert result.output == f"{report}: 2 requests of 1 operation; skipped, not valid for the schema: 1\n"
    assert json.loads(run("report", "--store", store, "--json").output)["requests"] == 1_237


def test_a_store_that_does_not_exist_is_named(tmp_path: Path) -> None:
    result = run("report", "--store", str(tmp_path / "missing"))
    assert isinstance(result.exception, StartupError)
    assert "name the store that the router writes" in str(result.exception)
    assert not (tmp_path / "missing").exists()


def test_a_window_that_is_none_is_bad_usage(store: str) -> None:
    result = run("report", "--store", store, "--since", "yesterday")
    assert result.exit_code == 2
    assert "is not a length of time" in result.output


def test_without_a_store_the_help_says_which_option_is_missing() -> None:
    assert "--store" in run("report").output


def test_a_report_imports_no_modules_that_read_schemas() -> None:
    script = "import sys, router.cli.usage; sys.exit('graphql' in sys.modules)"
    subprocess.run((sys.executable, "-c", script), check=True)
