"""The response times of transfers that arrive at a steady rate, whether or not earlier ones have ended."""

from __future__ import annotations

import time
from random import Random
from typing import TYPE_CHECKING, Final

from benchmarks.bank.figures import Figure, percentile
from benchmarks.bank.http_load import Connection, check, closed_loop, open_loop

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from benchmarks.bank.running_platform import RunningPlatform

SHARE: Final = 0.7
CLIENTS: Final = 16
# The longest time for which the capacity is measured, and the longest time during which paced transfers begin.
CAPACITY_SECONDS: Final = 10
PACED_SECONDS: Final = 20


async def paced_transfers(platform: RunningPlatform, requests: int) -> list[Figure]:
    """Measure the capacity, and then the response times of up to `requests` transfers at 70 % of it."""
    sent: list[bytes] = []
    seconds = await closed_loop(platform.rest_port, _begun_in_time(platform.transfers(requests), sent), 201, CLIENTS)
    capacity = len(sent) / seconds
    idle: list[Connection] = []
    count = min(requests, max(1, round(SHARE * capacity * PACED_SECONDS)))
    bodies = list(platform.transfers(count))

    async def send(number: int) -> None:
        connection = idle.pop() if idle else await Connection.open(platform.rest_port)
        check(await connection.send(bodies[number]), 201)
        idle.append(connection)

    taken = await open_loop(send, count=count, rate=SHARE * capacity, random=Random(1))  # noqa: S311 - no secret
    for connection in idle:
        connection.close()
    p50, p99 = percentile(taken, 0.5), percentile(taken, 0.99)
    return [
        Figure("paced transfers, rate (70 % of the capacity)", SHARE * capacity, "/s"),
        Figure("paced transfers, p50", p50 * 1000, "ms"),
        Figure("paced transfers, p99", p99 * 1000, "ms"),
        Figure("paced transfers, p99 by p50", p99 / p50, "", most=2.5),
    ]


def _begun_in_time(requests: Iterable[bytes], sent: list[bytes]) -> Iterator[bytes]:
    """Yield requests for `CAPACITY_SECONDS`, and add each one to `sent`."""
    end = time.perf_counter() + CAPACITY_SECONDS
    for request in requests:
        if time.perf_counter() >= end:
            return
        sent.append(request)
        yield request
