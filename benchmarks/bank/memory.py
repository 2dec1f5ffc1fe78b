"""The private memory of each service after many requests, of which each service gets at least the given number.

Transfers and lists are the usual requests, but 100,000 of them take long. So three fifths of the requests are cheap:
the user's own record through REST, and a query to the router that reads one record of each subgraph.

                          REST   router   auth   account   transaction
1/5 transfers               1      1        -       2          1
1/5 lists                   1      1        -       -          1
3/5 own records             1      1        1       -          -
3/5 queries of all          -      1        1       1          1
together                    1      1.6      1.2     1          1
"""

from __future__ import annotations

import asyncio
import json
import time
from typing import TYPE_CHECKING, Final

from benchmarks.bank.figures import Figure
from benchmarks.bank.http_load import closed_loop, http_request

if TYPE_CHECKING:
    from collections.abc import Iterator

    from benchmarks.bank.running_platform import RunningPlatform

ROUNDS: Final = 20
CLIENTS: Final = 16
# The access tokens of the customers expire after ten minutes. A round must take less than the rest of this time.
RENEWAL_SECONDS: Final = 240
_OF_ALL: Final = json.dumps(
    {"query": "{ me { id } accounts { nodes { id } } transactions(first: 1) { nodes { id } } }"}
)


def memory(platform: RunningPlatform, requests: int) -> Iterator[Figure]:
    """Measure the memory at the start, after a tenth of the requests, after half of them, and after all."""
    fifth, renewed_at = max(1, requests // (5 * ROUNDS)), time.monotonic()
    yield from _figures(platform, 0)
    for number in range(1, ROUNDS + 1):
        if time.monotonic() - renewed_at > RENEWAL_SECONDS:
            platform.renew_tokens()
            renewed_at = time.monotonic()
        asyncio.run(_round(platform, fifth))
        if number in {ROUNDS // 10, ROUNDS // 2, ROUNDS}:
            yield from _figures(platform, 5 * fifth * number)


async def _round(platform: RunningPlatform, fifth: int) -> None:
    router_port = platform.platform.ports["ROUTER_PORT"]
    await closed_loop(platform.rest_port, platform.transfers(fifth), 201, CLIENTS)
    await closed_loop(platform.rest_port, platform.lists(fifth), 200, CLIENTS)
    own = _each_customer(platform, 3 * fifth, "GET", "/api/auth/me", b"")
    await closed_loop(platform.rest_port, own, 200, CLIENTS)
    of_all = _each_customer(platform, 3 * fifth, "POST", "/graphql", _OF_ALL.encode())
    await closed_loop(router_port, of_all, 200, CLIENTS)


def _each_customer(platform: RunningPlatform, count: int, method: str, path: str, body: bytes) -> Iterator[bytes]:
    """Yield requests; the customers take turns."""
    for number in range(count):
        customer = platform.customers[number % len(platform.customers)]
        yield http_request(method, path, customer.token, body)


def _figures(platform: RunningPlatform, requests: int) -> Iterator[Figure]:
    for name, used in platform.memory().items():
        yield Figure(f"memory of {name} after {requests:,} requests", used, "MB", most=130)
