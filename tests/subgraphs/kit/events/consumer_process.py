"""A consumer in a separate process, which a test may kill: it writes each processed event to a file.

Run with the SQLite file of the log, the file to write, and the brokers of Kafka, or nothing for the bus on the outbox.
"""

from __future__ import annotations

import asyncio
import json
import os
import sys
from pathlib import Path
from typing import TYPE_CHECKING

from bank.events.topics import ACCOUNTS
from subgraphs.kit.events import kafka_bus, outbox_reader
from subgraphs.kit.events.bus import Bus, Consumer
from subgraphs.kit.events.kafka_bus import KafkaBus
from subgraphs.kit.events.outbox_bus import OutboxBus
from tests.subgraphs.kit.events.conftest import SqliteLog

if TYPE_CHECKING:
    from collections.abc import Sequence

    from subgraphs.kit.outbox import Event


async def consume(log: Path, output: Path, brokers: str | None) -> None:
    """Process events until the process is killed. A line is the id, the account and the version of an event."""
    with output.open("a", encoding="utf-8") as lines:

        async def handle(events: Sequence[Event]) -> None:
            for event in events:
                # One write for each event, so that a kill leaves events of a batch processed and others not.
                lines.write(json.dumps([event.id, event.subject[:1], event.data["version"]]) + "\n")
                lines.flush()
                os.sched_yield()
                await asyncio.sleep(0.001)

        store = await SqliteLog.open_file(log)
        bus: Bus = OutboxBus(store) if brokers is None else KafkaBus(brokers, "account")
        await bus.run(Consumer("killed", frozenset({ACCOUNTS}), handle))


if __name__ == "__main__":
    # The lease of a killed process expires as soon as this.
    outbox_reader.LEASE_SECONDS = 0.3  # type: ignore[misc]  # a constant of the module, shorter for the test
    kafka_bus.SESSION_SECONDS = 4  # type: ignore[misc]  # as above
    outbox_reader.RETRY_SECONDS = 0.05  # type: ignore[misc]  # as above
    asyncio.run(consume(Path(sys.argv[1]), Path(sys.argv[2]), sys.argv[3] if len(sys.argv) > 3 else None))
