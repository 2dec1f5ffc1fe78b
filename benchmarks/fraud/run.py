"""Measures fraud decisions with the bundled rules: windows in memory and in Redis, users that are known and new ones.

`python -m benchmarks.fraud.run [DECISIONS]`

Each order is recorded in an SQLite store first; only the decision is measured, in wall-clock time. *Known* users have
windows already. *New* users have not: their history is read from the store first.
"""

from __future__ import annotations

import asyncio
import random
import sys
import tempfile
import time
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Final

import click

from bank import values
from mosafe.local_servers.redis_server import RedisServer
from subgraphs.transaction.domain import Parties
from subgraphs.transaction.fraud.resources import open_fraud_checks
from subgraphs.transaction.fraud.settings import FraudSettings
from tests.subgraphs.transaction.support import party, recorded, sqlite_store, transaction, transfer_order

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from subgraphs.transaction.domain import Party, Transaction
    from subgraphs.transaction.fraud.fraud_checks import FraudChecks
    from subgraphs.transaction.store.protocol import TransactionStore

DECISIONS: Final = 2_000
USERS: Final = 100
SEED: Final = 1


async def orders(store: TransactionStore, users: Sequence[Party], count: int) -> list[Transaction]:
    """Recorded transfers between random users, of 5 to 20,000 USD, now."""
    chance = random.Random(SEED)  # noqa: S311 - an example, not a secret
    records = []
    for number in range(count):
        source = users[number % len(users)]
        destination = chance.choice([user for user in users if user is not source])
        amount = f"{chance.choice((5, 50, 500, 2_000, 9_500, 20_000))}.00"
        record = transaction(transfer_order(source, destination, amount), Parties(source, destination), at=values.now())
        records.append(await recorded(store, record))
    return records


async def times(checks: FraudChecks, records: Sequence[Transaction]) -> list[float]:
    """The time of each decision in milliseconds."""
    taken = []
    for record in records:
        begin = time.perf_counter()
        decision = await checks.decide(record)
        taken.append((time.perf_counter() - begin) * 1000)
        if decision.unavailable is not None:
            raise RuntimeError(f"the default decided: {decision.unavailable}")
    return taken


async def measure(redis_url: str | None, count: int) -> dict[str, list[float]]:
    with tempfile.TemporaryDirectory() as folder:
        async with (
            sqlite_store(Path(folder)) as store,
            open_fraud_checks(FraudSettings(redis_url=redis_url, deadline=5), store) as checks,
        ):
            users = [party() for _ in range(USERS)]
            first = await orders(store, users, USERS)
            later = await orders(store, users, count)
            return {"new": await times(checks, first), "known": await times(checks, later)}


@contextmanager
def redis() -> Iterator[str]:
    with tempfile.TemporaryDirectory() as folder:
        server = RedisServer(Path(folder))
        server.start()
        try:
            yield server.url
        finally:
            server.stop()


def main() -> None:
    count = int(sys.argv[1]) if len(sys.argv) > 1 else DECISIONS
    click.echo(f"{'windows':8} {'users':6} {'decisions':>9} {'p50 ms':>8} {'p99 ms':>8} {'max ms':>8}")
    with redis() as url:
        for name, place in (("memory", None), ("redis", url)):
            for users, taken in asyncio.run(measure(place, count)).items():
                ranked = sorted(taken)
                p50, p99 = ranked[len(ranked) // 2], ranked[len(ranked) * 99 // 100]
                click.echo(f"{name:8} {users:6} {len(ranked):9} {p50:8.2f} {p99:8.2f} {ranked[-1]:8.2f}")


if __name__ == "__main__":
    main()
