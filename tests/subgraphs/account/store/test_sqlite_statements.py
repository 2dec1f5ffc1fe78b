"""How SQLite carries out the queries of statements. The contract of stores has what they return."""

from __future__ import annotations

import sqlite3
from contextlib import closing
from typing import TYPE_CHECKING

import pytest

from subgraphs.account.store.sqlite_statements import BALANCE_QUERY, entries_query
from subgraphs.kit.pages import PageRequest
from tests.subgraphs.account.support import sqlite_factory

if TYPE_CHECKING:
    from pathlib import Path

BEGIN, END = "2026-01-01T00:00:00.000Z", "2027-01-01T00:00:00.000Z"
PLACE = ("1770000000000", "7")
PAGES = {
    "first": PageRequest(),
    "next": PageRequest(after=PLACE),
    "last": PageRequest(backwards=True),
    "one before": PageRequest(before=PLACE, backwards=True),
    "between": PageRequest(after=PLACE, before=PLACE),
}


async def plan_of(path: Path, query: str, parameters: object) -> list[str]:
    async with sqlite_factory(path)():
        with closing(sqlite3.connect(path)) as connection:
            return [row[3] for row in connection.execute(f"EXPLAIN QUERY PLAN {query}", parameters)]  # type: ignore[arg-type] # either kind of parameters


@pytest.mark.parametrize("page", PAGES.values(), ids=PAGES.keys())
async def test_a_page_reads_one_range_of_an_index_in_its_order(page: PageRequest, tmp_path: Path) -> None:
    query, parameters = entries_query(page)
    bounds = {"account": "a" * 24, "begin": BEGIN, "end": END, "limit": 21}
    (step,) = await plan_of(tmp_path / "account.sqlite3", query, parameters | bounds)
    assert step == "SEARCH entries USING INDEX entries_by_time (account_id=? AND posted_at>? AND posted_at<?)"


async def test_a_balance_at_a_time_reads_one_row(tmp_path: Path) -> None:
    (step,) = await plan_of(tmp_path / "account.sqlite3", BALANCE_QUERY, ("a" * 24, END))
    assert step == "SEARCH entries USING INDEX entries_by_time (account_id=? AND posted_at<?)"
