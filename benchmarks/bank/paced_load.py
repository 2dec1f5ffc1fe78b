"""The response times of transfers that arrive at a steady rate, whether or not earlier ones have ended."""

from __future__ import annotations

from random import Random
from typing import TYPE_CHECKING, Final

from benchmarks.bank.figures import Figure, percentile
from benchmarks.bank.http_load import Connection, check, closed_loop, open_loop

if TYPE_CHECKING:
    from benchmarks.bank.running_platform import RunningPlatform

SHARE: Final = 0.7
CLIENTS: Final = 16


async def paced_transfers(platform: RunningPlatform, requests: int) -> list[Figure]:
    """Measure the capacity, and then the response times at 70 % of it."""
    warm_up = max(100, requests // 2)
    capacity = warm_up / await closed_loop(platform.rest_port, platform.transfers(warm_up), 201, CLIENTS)
    idle: list[Connection] = []
    bodies = list(platform.transfers(requests))

    async def send(number: int) -> None:
        connection = idle.pop() if idle else await Connection.open(platform.rest_port)
        check(await connection.send(bodies[number]), 201)
        idle.append(connection)

    taken = await open_loop(send, count=requests, rate=SHARE * capacity, random=Random(1))  # noqa: S311 - no secret
    for connection in idle:
        connection.close()
    p50, p99 = percentile(taken, 0.5), percentile(taken, 0.99)
    return [
        Figure("paced transfers, rate (70 % of the capacity)", SHARE * capacity, "/s"),
        Figure("paced transfers, p50", p50 * 1000, "ms"),
        Figure("paced transfers, p99", p99 * 1000, "ms"),
        Figure("paced transfers, p99 by p50", p99 / p50, "", most=2.5),
    ]
