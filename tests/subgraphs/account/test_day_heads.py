from __future__ import annotations

import sqlite3
from contextlib import closing
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING

from structlog.testing import capture_logs

from bank import values
from subgraphs.account.day_heads import SETTLING, DayHeads, compute_head
from subgraphs.account.hash_chain import head_of_day
from tests.subgraphs.account.support import funded, person, sqlite_factory, withdrawal

if TYPE_CHECKING:
    from pathlib import Path

NOTHING = (head_of_day([]), 0)


async def test_a_head_changes_when_the_last_entry_is_removed(tmp_path: Path) -> None:
    path = tmp_path / "account.sqlite3"
    ann, today = person(), values.now().date()
    async with sqlite_factory(path)() as store:
        account = await funded(store, ann, "10.00")
        first = await compute_head(store, today)
        await store.post(withdrawal(ann, account.id, "1.00"))
        whole = await compute_head(store, today)
        assert len({first, whole, NOTHING}) == 3
        assert await compute_head(store, today - timedelta(days=1)) == NOTHING
        assert await compute_head(store, today) == whole
    with closing(sqlite3.connect(path, isolation_level=None)) as connection:
        connection.execute("DROP TRIGGER entries_never_go")
        connection.execute("DELETE FROM entries WHERE position = 2")
    async with sqlite_factory(path)() as store:
        assert await compute_head(store, today) == first


async def test_the_head_of_a_finished_day_is_logged_once(tmp_path: Path) -> None:
    noon, midnight = datetime(2026, 3, 1, 12, tzinfo=UTC), datetime(2026, 3, 2, tzinfo=UTC)
    moments = iter([noon, noon, midnight, midnight + SETTLING])
    async with sqlite_factory(tmp_path / "account.sqlite3")() as store:
        heads = DayHeads(store, lambda: next(moments))
        with capture_logs() as logs:
            for _ in range(4):
                await heads.log_finished()
    assert [entry["day"] for entry in logs] == ["2026-02-28", "2026-03-01"]
    assert {(entry["head"], entry["accounts"]) for entry in logs} == {NOTHING}
