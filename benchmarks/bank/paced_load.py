"""The response times of transfers that arrive at a steady rate, whether or not earlier ones have ended.

The rate is a share of the capacity: of the transfers a second with clients that wait for each response. The services,
`mosafe up`, which passes on their log lines, and the load share the processors. With less than all of the processors,
because other processes use them, the response times mean little; so the used share of the processors is printed.

Virtual processors change their speed when other machines on the same computer work. A slow moment then looks like an
overload: 70 % of the capacity of a fast second is all that the machine can do in a slow one. So the load also does the
same small piece of work all the time, and a round counts only if the slowest tenth of these pieces did not take half
as long again as the fastest tenth. Each round measures the capacity anew.
"""

from __future__ import annotations

from statistics import median
from typing import TYPE_CHECKING, Final, NamedTuple

import psutil

from benchmarks.bank.figures import Figure, percentile
from benchmarks.bank.load_process import capacity, in_process, paced

if TYPE_CHECKING:
    from collections.abc import Callable

    from benchmarks.bank.running_platform import RunningPlatform

SHARE: Final = 0.7
CLIENTS: Final = 16
# Before the capacity is measured, so many transfers fill the caches.
WARM_UP: Final = 500
# The longest times of a round for which the capacity is measured, and during which paced transfers begin.
CAPACITY_SECONDS: Final = 3
PACED_SECONDS: Final = 6
# Rounds are measured until so many have counted, or so many have been measured.
COUNTED_ROUNDS: Final = 7
MAX_ROUNDS: Final = 25
STEADY: Final = 1.5


class Round(NamedTuple):
    """A round of paced transfers.

    Attributes:
        rate: transfers a second.
        transfers: the number of transfers.
        p50: milliseconds that half of the transfers did not exceed.
        p99: milliseconds that 99 % of the transfers did not exceed.
        used: processor seconds of the services and of `mosafe up`.
        load: processor seconds of the load.
        available: seconds of all processors.
        speed_change: the processor time of the fixed work, of the slowest tenth by the fastest tenth.
    """

    rate: float
    transfers: int
    p50: float
    p99: float
    used: float
    load: float
    available: float
    speed_change: float


async def paced_transfers(platform: RunningPlatform, requests: int) -> list[Figure]:
    """Measure rounds: the capacity, and then the response times of up to `requests` transfers at 70 % of it."""
    await in_process(capacity, platform.rest_port, list(platform.transfers(WARM_UP)), CLIENTS, CAPACITY_SECONDS)
    rounds: list[Round] = []
    counted: list[Round] = []
    while len(counted) < COUNTED_ROUNDS and len(rounds) < MAX_ROUNDS:
        rounds.append(await _round(platform, requests))
        counted = [each for each in rounds if each.speed_change <= STEADY]

    shown = counted or rounds

    def middle(value: Callable[[Round], float]) -> float:
        return median(map(value, shown))

    ratios = [each.p99 / each.p50 for each in shown]
    return [
        Figure("paced transfers, rounds", len(rounds), ""),
        Figure("paced transfers, rounds on a steady machine", len(counted), "", least=1),
        Figure("paced transfers, rate (70 % of the capacity)", middle(lambda each: each.rate), "/s"),
        Figure(
            "paced transfers, processor time of all services",
            middle(lambda each: each.used * 1000 / each.transfers),
            "ms",
        ),
        Figure(
            "paced transfers, processor time of the load", middle(lambda each: each.load * 1000 / each.transfers), "ms"
        ),
        Figure(
            "paced transfers, used share of the processors",
            middle(lambda each: (each.used + each.load) / each.available),
            "",
        ),
        Figure("paced transfers, p50", middle(lambda each: each.p50), "ms"),
        Figure("paced transfers, p99", middle(lambda each: each.p99), "ms"),
        Figure("paced transfers, p99 by p50 of all rounds", median(each.p99 / each.p50 for each in rounds), ""),
        Figure("paced transfers, p99 by p50, smallest", min(ratios), ""),
        Figure("paced transfers, p99 by p50, largest", max(ratios), ""),
        Figure("paced transfers, p99 by p50", median(ratios), "", most=2.5),
    ]


async def _round(platform: RunningPlatform, requests: int) -> Round:
    port = platform.rest_port
    full = await in_process(capacity, port, list(platform.transfers(requests)), CLIENTS, CAPACITY_SECONDS)
    rate = SHARE * full.responses / full.seconds
    count = min(requests, max(1, round(rate * PACED_SECONDS)))
    before = _platform_seconds(platform)
    responses = await in_process(paced, port, list(platform.transfers(count)), rate)
    return Round(
        rate,
        count,
        percentile(responses.each, 0.5) * 1000,
        percentile(responses.each, 0.99) * 1000,
        _platform_seconds(platform) - before,
        responses.processor_seconds,
        responses.seconds * (psutil.cpu_count() or 1),
        percentile(responses.fixed_work, 0.9) / percentile(responses.fixed_work, 0.1),
    )


def _platform_seconds(platform: RunningPlatform) -> float:
    """Return the processor time of all services and of `mosafe up` so far."""
    up = psutil.Process(platform.platform.process.pid).cpu_times()
    return sum(platform.processor_seconds().values()) + up.user + up.system
