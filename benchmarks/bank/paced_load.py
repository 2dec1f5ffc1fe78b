"""The response times of transfers that arrive at a steady rate, whether or not earlier ones have ended.

The rate is a share of the capacity: of the transfers a second with clients that wait for each response. The services,
`mosafe up`, which passes on their log lines, and the load share the processors. With less than all of the processors,
because other processes use them, the response times mean little; so the used share of the processors is printed.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

import psutil

from benchmarks.bank.figures import Figure, percentile
from benchmarks.bank.load_process import capacity, in_process, paced

if TYPE_CHECKING:
    from benchmarks.bank.running_platform import RunningPlatform

SHARE: Final = 0.7
CLIENTS: Final = 16
# Before the capacity is measured, so many transfers fill the caches.
WARM_UP: Final = 500
# The longest time for which the capacity is measured, and the longest time during which paced transfers begin.
CAPACITY_SECONDS: Final = 10
PACED_SECONDS: Final = 20


async def paced_transfers(platform: RunningPlatform, requests: int) -> list[Figure]:
    """Measure the capacity, and then the response times of up to `requests` transfers at 70 % of it."""
    port = platform.rest_port
    await in_process(capacity, port, list(platform.transfers(WARM_UP)), CLIENTS, CAPACITY_SECONDS)
    full = await in_process(capacity, port, list(platform.transfers(requests)), CLIENTS, CAPACITY_SECONDS)
    rate = SHARE * full.responses / full.seconds
    count = min(requests, max(1, round(rate * PACED_SECONDS)))
    before = _platform_seconds(platform)
    responses = await in_process(paced, port, list(platform.transfers(count)), rate)
    used = _platform_seconds(platform) - before
    p50, p99 = percentile(responses.each, 0.5), percentile(responses.each, 0.99)
    available = responses.seconds * (psutil.cpu_count() or 1)
    return [
        Figure("paced transfers, rate (70 % of the capacity)", rate, "/s"),
        Figure("paced transfers, processor time of all services", used * 1000 / count, "ms"),
        Figure("paced transfers, processor time of the load", responses.processor_seconds * 1000 / count, "ms"),
        Figure("paced transfers, used share of the processors", (used + responses.processor_seconds) / available, ""),
        Figure("paced transfers, p50", p50 * 1000, "ms"),
        Figure("paced transfers, p99", p99 * 1000, "ms"),
        Figure("paced transfers, p99 by p50", p99 / p50, "", most=2.5),
    ]


def _platform_seconds(platform: RunningPlatform) -> float:
    """Return the processor time of all services and of `mosafe up` so far."""
    up = psutil.Process(platform.platform.process.pid).cpu_times()
    return sum(platform.processor_seconds().values()) + up.user + up.system
