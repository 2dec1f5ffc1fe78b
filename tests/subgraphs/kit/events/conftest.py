"""A store that has nothing but an outbox."""

from __future__ import annotations

from typing import TYPE_CHECKING, Protocol

import pytest

from bank import values
from servicekit.sqlite import Migration
from subgraphs.kit.outbox import Event, Outbox
from subgraphs.kit.sqlite_store import (
    DEAD_LETTERS_TABLE,
    OUTBOX_TABLE,
    READERS_TABLE,
    SqliteOutboxStore,
    append_events,
    identity_statements,
)

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Callable
    from pathlib import Path


class Log(Outbox, Protocol):
    """An outbox to which a test writes."""

    async def append(self, *events: Event) -> None: ...

    async def close(self) -> None: ...


class SqliteLog(SqliteOutboxStore):
    migrations = (
        Migration(1, "events", (OUTBOX_TABLE, READERS_TABLE, DEAD_LETTERS_TABLE)),
        Migration(2, "identity", identity_statements("INSERT ON outbox")),
    )

    async def append(self, *events: Event) -> None:
        async with self._changing() as connection:
            await append_events(connection, events)


def opened(number: int, account: str = "a") -> Event:
    """The event with the version `number` of the account whose id is `account`, repeated up to 24 digits."""
    account_id = (account * 24)[:24]
    data: dict[str, object] = {
        "accountId": account_id,
        "userId": "0199a4de-6f3b-7c52-8d0e-3f1f2e5b7a10",
        "type": "CHECKING",
        "status": "ACTIVE",
        "currency": "EUR",
        "balance": f"{number}.00",
        "held": "0.00",
        "version": number,
    }
    return Event("account.changed", account_id, values.now(), data)


@pytest.fixture
def open_log(tmp_path: Path) -> Callable[[], AsyncIterator[Log]]:
    """A function that opens the log of the test; each call is another process."""

    async def open_it() -> AsyncIterator[Log]:
        log = await SqliteLog.open_file(tmp_path / "log.sqlite3")
        try:
            yield log
        finally:
            await log.close()

    return open_it


@pytest.fixture
async def log(open_log: Callable[[], AsyncIterator[Log]]) -> AsyncIterator[Log]:
    async for opened_log in open_log():
        yield opened_log


@pytest.fixture
async def other(open_log: Callable[[], AsyncIterator[Log]]) -> AsyncIterator[Log]:
    """The log of `log`, opened by another process."""
    async for opened_log in open_log():
        yield opened_log
