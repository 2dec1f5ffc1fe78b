"""The processor time of a transfer and of a list, of each process, from the REST layer on."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final, NamedTuple

from benchmarks.bank.figures import Figure
from benchmarks.bank.http_load import closed_loop
from benchmarks.bank.running_platform import SERVICES

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from benchmarks.bank.running_platform import RunningPlatform

CLIENTS: Final = 8
WARM_UP: Final = 200


class _Cost(NamedTuple):
    """Milliseconds of each process for one request, and the requests by the second of the clock."""

    each: Mapping[str, float]
    rate: float

    @property
    def sum(self) -> float:
        return sum(self.each.values())


async def _cost(platform: RunningPlatform, warm_up: Iterator[bytes], requests: list[bytes], status: int) -> _Cost:
    await closed_loop(platform.rest_port, warm_up, status, CLIENTS)
    before = platform.processor_seconds()
    seconds = await closed_loop(platform.rest_port, iter(requests), status, CLIENTS)
    after = platform.processor_seconds()
    each = {name: (after[name] - before[name]) * 1000 / len(requests) for name in SERVICES}
    return _Cost(each, len(requests) / seconds)


async def request_costs(platform: RunningPlatform, requests: int) -> list[Figure]:
    """Measure transfers that are spread, transfers to one account, and lists of 20 transactions."""
    others, readers = ("account", "router", "rest"), ("transaction", "router", "rest")
    spread = await _cost(platform, platform.transfers(WARM_UP), list(platform.transfers(requests)), 201)
    hot = await _cost(platform, platform.transfers(10, hot=True), list(platform.transfers(requests, hot=True)), 201)
    lists = await _cost(platform, platform.lists(WARM_UP), list(platform.lists(requests)), 200)
    return [
        Figure("transfer, processor time of the transaction service", spread.each["transaction"], "ms", most=3.5),
        *(Figure(f"transfer, processor time of {name}", spread.each[name], "ms") for name in others),
        Figure("transfer, processor time of all processes", spread.sum, "ms", most=7),
        Figure("transfer to a hot account, all processes", hot.sum, "ms", most=7),
        Figure("transfers through REST, hot by spread", hot.rate / spread.rate, "", least=0.7),
        Figure("transfers through REST, spread", spread.rate, "/s"),
        *(Figure(f"list of 20, processor time of {name}", lists.each[name], "ms") for name in readers),
        Figure("list of 20, processor time of all processes", lists.sum, "ms", most=5),
    ]
