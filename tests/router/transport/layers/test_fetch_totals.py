from __future__ import annotations

import asyncio

import pytest

from router.errors import SubgraphUnreachable
from router.request.log_fields import RequestRecord
from router.transport.in_process import InProcessTransport
from router.transport.interface import SubgraphRequest, SubgraphResponse
from router.transport.layers.fetch_totals import FetchTotalsLayer

QUERY = SubgraphRequest(subgraph="a", operation="{ x }", variables={"v": 1})


async def test_every_fetch_is_counted() -> None:
    async def subgraph(_request: SubgraphRequest, /) -> SubgraphResponse:
        return SubgraphResponse.of({})

    record = RequestRecord()
    layer = FetchTotalsLayer(InProcessTransport(subgraph), record)
    await asyncio.gather(layer.send(QUERY), layer.send(QUERY))
    assert (record.fetches, record.retry_after) == (2, None)


async def test_the_time_of_fetches_side_by_side_counts_once() -> None:
    release = asyncio.Event()

    async def subgraph(_request: SubgraphRequest, /) -> SubgraphResponse:
        await release.wait()
        return SubgraphResponse.of({})

    record = RequestRecord()
    layer = FetchTotalsLayer(InProcessTransport(subgraph), record)
    loop = asyncio.get_running_loop()
    started = loop.time()
    tasks = [asyncio.create_task(layer.send(QUERY)) for _ in range(10)]
    loop.call_later(0.02, release.set)
    await asyncio.gather(*tasks)
    assert 0 < record.fetch <= loop.time() - started


@pytest.mark.parametrize(("status", "expected"), [(503, 7), (429, 7), (200, None)])
async def test_the_longest_wait_that_responses_ask_for_is_kept(status: int, expected: int | None) -> None:
    waits = iter(["3", "7", "5"])

    async def subgraph(_request: SubgraphRequest, /) -> SubgraphResponse:
        return SubgraphResponse.of({}, status=status, headers={"retry-after": next(waits)})

    record = RequestRecord()
    layer = FetchTotalsLayer(InProcessTransport(subgraph), record)
    for _ in range(3):
        await layer.send(QUERY)
    assert record.retry_after == expected


async def test_a_failure_is_counted_and_its_wait_kept() -> None:
    failure = SubgraphUnreachable("a", "busy")
    failure.retry_after = 4

    async def subgraph(_request: SubgraphRequest, /) -> SubgraphResponse:
        raise failure

    record = RequestRecord()
    with pytest.raises(SubgraphUnreachable):
        await FetchTotalsLayer(InProcessTransport(subgraph), record).send(QUERY)
    assert (record.fetches, record.retry_after) == (1, 4)
