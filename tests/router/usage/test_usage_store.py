"""The store on SQLite and on PostgreSQL: the same tests for both.

Covers `router/usage/usage_queries.py`, `router/usage/sql_connection.py`, `router/usage/database_tables.py`,
`router/usage/open_store.py`, `router/usage/sqlite_connection.py`, `router/usage/postgres_connection.py`.
"""

from __future__ import annotations

import asyncio
import sqlite3
import time
from contextlib import closing
from typing import TYPE_CHECKING

import pytest

from router.usage.open_store import open_store
from router.usage.usage_data import DAY, MINUTE, Client, UsageWindow
from router.usage.usage_queries import read_coordinates, read_operations, read_totals
from servicekit.errors import StartupError, StoreFailure
from tests.router.usage.recording import ALWAYS, batch, opened, operation

if TYPE_CHECKING:
    from pathlib import Path

WEB, IOS = Client("web", "1"), Client("ios", "3")
BOOK = operation("query Book($f: Filter) { book(filter: $f) { title } }", "Book")
BOOKS = operation("{ books { id } }")
NOW = int(time.time()) // MINUTE
MANY = 1_000


@pytest.fixture(params=["sqlite", "postgres"])
def location(request: pytest.FixtureRequest, tmp_path: Path) -> str:
    if request.param == "sqlite":
        return str(tmp_path / "new folder" / "usage.sqlite")
    url: str = request.getfixturevalue("postgres_url")
    return url


async def test_what_is_written_is_read_again(location: str) -> None:
    async with opened(location) as store:
        assert await store.write(batch(NOW, (BOOK, WEB, 3), (BOOK, IOS, 2), (BOOKS, WEB, 1)), MANY) == 0
        await store.write(batch(NOW, (BOOK, WEB, 4)), MANY)
    async with opened(location) as store:
        totals = await read_totals(store, ALWAYS)
        assert (totals.operations, totals.counts.requests) == (2, 10)
        assert totals.counts.seconds == pytest.approx(0.1)
        assert [(client, counts.requests) for client, counts in totals.clients] == [(WEB, 8), (IOS, 2)]
        book, books = await read_operations(store, ALWAYS)
        assert (book.operation.name, book.operation.text, book.counts.requests) == ("Book", BOOK.text, 9)
        assert book.counts.buckets[3] == 9
        assert [(each.client, each.requests) for each in book.clients] == [(WEB, 7), (IOS, 2)]
        assert books.operation.kind == "query"
        assert [each.hash for each in await read_operations(store, ALWAYS, 1)] == [book.hash]


async def test_an_empty_store_has_no_usage(location: str) -> None:
    async with opened(location) as store:
        totals = await read_totals(store, ALWAYS)
        assert (totals.operations, totals.counts.requests, totals.clients) == (0, 0, ())
        assert await read_operations(store, ALWAYS) == []
        assert await read_coordinates(store, ALWAYS) == {}


@pytest.mark.parametrize("hours", [1, 24 * 10])
async def test_a_window_leaves_out_what_is_older_and_clients_that_do_not_count(location: str, hours: int) -> None:
    old = NOW - 60 * 24 * 20
    async with opened(location) as store:
        await store.write(batch(old, (BOOK, WEB, 3)), MANY)
        await store.write(batch(NOW, (BOOKS, WEB, 1), (BOOKS, IOS, 5)), MANY)
        window = UsageWindow(time.time() - hours * 3_600, frozenset({"ios"}))
        assert [(each.operation.text, each.counts.requests) for each in await read_operations(store, window)] == [
            (BOOKS.text, 1)
        ]
        assert (await read_totals(store, window)).operations == 1
        assert "Query.book" not in await read_coordinates(store, window)


async def test_operations_are_found_by_what_they_use(location: str) -> None:
    async with opened(location) as store:
        await store.write(batch(NOW, (BOOK, WEB, 3), (BOOKS, WEB, 1)), MANY)

        async def users(*coordinates: str) -> list[str]:
            return [each.operation.text for each in await read_operations(store, ALWAYS, None, coordinates)]

        assert await users("Book.title") == [BOOK.text]
        assert await users("Book") == [BOOK.text, BOOKS.text]
        assert await users("Filter.text", "Author") == []
        assert await read_coordinates(store, ALWAYS) == {
            "Query": 4,
            "Book": 4,
            "Query.book": 3,
            "Query.book(filter:)": 3,
            "Filter": 3,
            "Book.title": 3,
            "Query.books": 1,
            "Book.id": 1,
            "ID": 1,
            "String": 3,
        }


async def test_values_of_variables_are_known_unless_some_were_not_looked_at(location: str) -> None:
    known = batch(NOW, (BOOK, WEB, 1))
    known.in_variables[BOOK.id] = {"Filter", "Filter.text"}
    unknown = batch(NOW, (BOOK, WEB, 1))
    unknown.unknown_variables.add(BOOK.id)
    async with opened(location) as store:
        await store.write(known, MANY)
        (found,) = await read_operations(store, ALWAYS, None, ["Filter.text"])
        assert found.in_variables == frozenset({"Filter", "Filter.text"})
        assert await read_operations(store, ALWAYS, None, ["Filter.genre"]) == []
        await store.write(unknown, MANY)
        (found,) = await read_operations(store, ALWAYS, None, ["Filter.genre"])
        assert found.in_variables is None


@pytest.mark.parametrize("most", [1, 3, 30, None])
async def test_the_operations_with_the_most_requests_come_first(location: str, most: int | None) -> None:
    operations = [operation(f"query Q{number} {{ books {{ id }} }}", f"Q{number}") for number in range(12)]
    # Ten operations are old. So an index finds the rows of a short window, and a long window reads the whole table.
    requests = [(each, client, number + 1) for number, each in enumerate(operations) for client in (WEB, IOS)]
    async with opened(location) as store:
        await store.write(batch(NOW - 600, *requests[:20]), MANY)
        await store.write(batch(NOW, *requests[20:]), MANY)
        for window, names in (
            (ALWAYS, [f"Q{number}" for number in reversed(range(12))]),
            (UsageWindow((NOW - 300) * MINUTE), ["Q11", "Q10"]),
        ):
            found = await read_operations(store, window, most)
            assert [each.operation.name for each in found] == names[:most]
            assert [each.counts.requests for each in found] == [2 * (int(name[1:]) + 1) for name in names[:most]]
            assert [sum(client.requests for client in each.clients) for each in found] == [
                each.counts.requests for each in found
            ]
            totals = await read_totals(store, window)
            assert totals.operations == len(names)
            assert totals.counts.requests == sum(2 * (int(name[1:]) + 1) for name in names)


async def test_new_operations_beyond_the_limit_are_left_out_and_counted(location: str) -> None:
    async with opened(location) as store:
        assert await store.write(batch(NOW, (BOOK, WEB, 3)), 1) == 0
        assert await store.write(batch(NOW, (BOOK, WEB, 4), (BOOKS, WEB, 5)), 1) == 5
        assert (await read_totals(store, ALWAYS)).counts.requests == 7


async def test_old_counts_are_deleted(location: str) -> None:
    async with opened(location) as store:
        await store.write(batch(NOW - 60 * 24 * 20, (BOOK, WEB, 3)), MANY)
        await store.write(batch(NOW, (BOOKS, WEB, 1)), MANY)
        now = time.time()
        pruned = await store.prune(now, keep_days=10, keep_minutes_days=3)
        assert (pruned.minutes, pruned.days) == (1, 1)
        assert (await read_totals(store, ALWAYS)).operations == 1
        assert (await store.prune(now + 30 * DAY, keep_days=10, keep_minutes_days=3)).operations == 2
        assert await read_coordinates(store, ALWAYS) == {}


async def test_two_routers_start_and_write_at_the_same_time(location: str) -> None:
    first, second = await asyncio.gather(open_store(location), open_store(location))
    try:
        await asyncio.gather(*(store.write(batch(NOW, (BOOK, WEB, 1)), MANY) for store in (first, second) * 5))
        assert (await read_totals(first, ALWAYS)).counts.requests == 10
    finally:
        await first.close()
        await second.close()


async def test_a_file_that_is_no_database_is_named(tmp_path: Path) -> None:
    file = tmp_path / "usage.sqlite"
    file.write_bytes(b"no database" * 100)
    with pytest.raises(StartupError, match="is damaged"):
        await open_store(str(file))


async def test_damage_is_found_when_a_report_reads_it(tmp_path: Path) -> None:
    file = tmp_path / "usage.sqlite"
    many = [(operation(f"query Q{number} {{ books {{ id }} }}"), WEB, 1) for number in range(500)]
    async with opened(str(file)) as store:
        await store.write(batch(NOW, *many), MANY)
    content = file.read_bytes()
    file.write_bytes(content[:8192] + b"\xff" * (len(content) - 8192))
    with pytest.raises(StartupError, match="is damaged"):
        await open_store(str(file))
    store = await open_store(str(file), for_reading=True)
    try:
        with pytest.raises(StoreFailure) as caught:
            await read_operations(store, ALWAYS)
        assert "is damaged" in caught.value.explanation
    finally:
        await store.close()


async def test_another_database_is_refused_and_left_alone(tmp_path: Path) -> None:
    file = tmp_path / "bank.sqlite"
    with closing(sqlite3.connect(file)) as connection:
        connection.execute("CREATE TABLE operations (id INTEGER)")
    before = file.read_bytes()
    with pytest.raises(StartupError, match="is another database, and no usage store"):
        await open_store(str(file))
    assert file.read_bytes() == before


async def test_a_postgres_that_is_away_is_a_failure_without_its_password(tmp_path: Path) -> None:
    with pytest.raises(StoreFailure) as caught:
        await open_store(f"postgresql://ada:secret@/usage?host={tmp_path}")
    assert "usage store in PostgreSQL" in caught.value.explanation
    assert "secret" not in caught.value.explanation
