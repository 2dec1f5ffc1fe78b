"""`mosafe events` without Kafka: dead letters are printed, and a consumer group goes back in time."""

from __future__ import annotations

import asyncio
import json
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING

import pytest
from click.testing import CliRunner

from bank.values import format_timestamp, new_user_id
from mosafe.events import command
from subgraphs.kit.outbox import DeadLetter
from subgraphs.transaction.domain import Parties
from subgraphs.transaction.notifications import GROUP
from tests.subgraphs.transaction.support import party, payment_order, recorded, sqlite_store, transaction

if TYPE_CHECKING:
    from pathlib import Path

NOW = datetime.now(UTC).replace(microsecond=0)


@pytest.fixture
def runner(tmp_path: Path) -> CliRunner:
    return CliRunner(env={"MOSAFE_DATA_DIR": str(tmp_path), "AUTH_ISSUER": "http://issuer.test"})


async def fill(folder: Path) -> None:
    """Three events, all read by the consumer group, and a dead letter."""
    async with sqlite_store(folder) as store:
        for minutes in range(3):
            source = party(new_user_id())
            at = NOW + timedelta(minutes=minutes)
            await recorded(store, transaction(payment_order(source), Parties(source, None), at=at))
        rows = await store.events(after=0, limit=10)
        assert await store.take_position(GROUP, "me", seconds=60) == 0
        assert await store.save_position(GROUP, "me", rows[-1].sequence)
        await store.add_dead_letter(DeadLetter(GROUP, rows[1].event, "ValueError: no", NOW))


async def position(folder: Path) -> int | None:
    async with sqlite_store(folder) as store:
        return await store.take_position(GROUP, "another", seconds=60)


def test_dead_letters_are_printed_with_group_and_reason(runner: CliRunner, tmp_path: Path) -> None:
    asyncio.run(fill(tmp_path))
    printed = runner.invoke(command, ["dead-letters"], catch_exceptions=False)
    (letter,) = map(json.loads, printed.stdout.splitlines())
    assert (letter["type"], letter["group"], letter["reason"]) == ("transaction.recorded", GROUP, "ValueError: no")
    assert runner.invoke(command, ["dead-letters", "--topic", "fraud.v1"], catch_exceptions=False).stdout == ""


def test_a_group_gets_the_events_since_a_time_again(runner: CliRunner, tmp_path: Path) -> None:
    asyncio.run(fill(tmp_path))
    since = format_timestamp(NOW + timedelta(minutes=1))
    replayed = runner.invoke(command, ["replay", "--from", since], catch_exceptions=False)
    assert replayed.stdout == "notifications gets 2 events again\n"
    assert asyncio.run(position(tmp_path)) == 1
    others = ["replay", "--topic", "fraud.v1", "--from", since]
    assert runner.invoke(command, others, catch_exceptions=False).stdout == ""
    late = ["replay", "--from", format_timestamp(NOW + timedelta(days=1))]
    assert runner.invoke(command, late, catch_exceptions=False).stdout == "notifications gets 0 events again\n"
