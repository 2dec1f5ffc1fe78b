"""After `kill -9` of a consumer, no event is missing, and those of an account are in their order.

A killed process has processed some events whose position it has not saved. They come again, with the same ids, so a
consumer that recognises them has each event once.
"""

from __future__ import annotations

import asyncio
import json
import signal
import sys
from contextlib import asynccontextmanager
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from subgraphs.kit.events.publishing import publishing
from tests.subgraphs.kit.events.conftest import opened

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

    from tests.subgraphs.kit.events.conftest import Log

ROOT = Path(__file__).parents[4]
EVENTS_A_ROUND = 60


@asynccontextmanager
async def consumer(*arguments: str) -> AsyncIterator[asyncio.subprocess.Process]:
    process = await asyncio.create_subprocess_exec(
        sys.executable, "-m", "tests.subgraphs.kit.events.consumer_process", *arguments, cwd=ROOT
    )
    try:
        yield process
    finally:
        process.send_signal(signal.SIGKILL)
        await process.wait()


def processed(output: Path) -> list[tuple[str, str, int]]:
    """The id, the account and the version of each processed event. A killed process may leave half a line."""
    lines = output.read_text(encoding="utf-8").split("\n")[:-1] if output.exists() else []
    return [(id_, account, version) for id_, account, version in map(json.loads, lines)]


async def wait_for(output: Path, count: int) -> None:
    """Wait until `count` different events are processed."""
    while len({id_ for id_, *_ in processed(output)}) < count:
        await asyncio.sleep(0.01)


@pytest.mark.parametrize("kind", ["outbox", "kafka"])
async def test_a_killed_consumer_loses_nothing(
    kind: str, log: Log, tmp_path: Path, request: pytest.FixtureRequest
) -> None:
    rounds: int = request.config.getoption("--consumer-kills")
    output = tmp_path / "processed"
    brokers = [str(request.getfixturevalue("kafka_brokers"))] if kind == "kafka" else []
    arguments = (str(tmp_path / "log.sqlite3"), str(output), *brokers)
    async with publishing(log, brokers[0] if brokers else None, "account"):
        for number in range(rounds):
            begin = number * EVENTS_A_ROUND
            events = [opened(n, "abc"[n % 3]) for n in range(begin + 1, begin + EVENTS_A_ROUND + 1)]
            await log.append(*events)
            async with consumer(*arguments):
                await wait_for(output, begin + EVENTS_A_ROUND // 2)  # killed in the middle of a batch
        async with consumer(*arguments):
            await wait_for(output, rounds * EVENTS_A_ROUND)
    for account in "abc":
        versions = [version for _, each, version in processed(output) if each == account]
        expected = [n for n in range(1, rounds * EVENTS_A_ROUND + 1) if "abc"[n % 3] == account]
        assert list(dict.fromkeys(versions)) == expected
