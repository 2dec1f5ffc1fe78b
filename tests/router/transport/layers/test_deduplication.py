from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING

import pytest
from msgspec.structs import replace

from router.errors import SubgraphTimeout, SubgraphUnreachable
from router.transport.interface import SharedBody, SubgraphRequest, SubgraphResponse
from router.transport.layers.deduplication import MAX_SHARED_BYTES, DeduplicationLayer

if TYPE_CHECKING:
    from collections.abc import Awaitable

    from router.errors import TransportError
    from router.settings.types import SharedQueries
    from router.transport.interface import Caller

RESPONSE = SubgraphResponse(status=200, body=b"{}")
QUERY = SubgraphRequest(subgraph="a", operation="{ x }", body=b"{ x }", caller="anonymous")


class Upstream:
    """A transport that counts requests, and responds when it is released."""

    def __init__(self) -> None:
        self.begun = 0
        self.release = asyncio.Event()
        self.failure: TransportError | None = None
        self.response = RESPONSE

    async def send(self, request: SubgraphRequest) -> SubgraphResponse:
        self.begun += 1
        if request.deadline is not None:
            try:
                async with asyncio.timeout_at(request.deadline):
                    await self.release.wait()
            except TimeoutError:
                raise SubgraphTimeout("a", "too slow") from None
        await self.release.wait()
        if self.failure is not None:
            raise self.failure
        return self.response

    async def aclose(self) -> None:
        self.release.set()


@pytest.fixture
def upstream() -> Upstream:
    return Upstream()


@pytest.fixture
def layer(upstream: Upstream) -> DeduplicationLayer:
    return DeduplicationLayer(upstream, {"a": "anonymous"})


async def started(*sent: Awaitable[SubgraphResponse]) -> list[asyncio.Task[SubgraphResponse]]:
    """Start each coroutine as a task, and let the tasks run until they wait for a response."""
    tasks = [asyncio.ensure_future(each) for each in sent]
    await asyncio.sleep(0)
    return tasks


async def test_identical_queries_in_flight_are_sent_once(upstream: Upstream, layer: DeduplicationLayer) -> None:
    tasks = await started(*(layer.send(QUERY) for _ in range(5)))
    upstream.release.set()
    assert await asyncio.gather(*tasks) == [RESPONSE] * 5
    assert (upstream.begun, layer.shared) == (1, 4)


@pytest.mark.parametrize(("size", "kind"), [(MAX_SHARED_BYTES, SharedBody), (MAX_SHARED_BYTES + 1, bytes)])
async def test_a_body_that_several_callers_get_can_keep_results(
    upstream: Upstream, layer: DeduplicationLayer, size: int, kind: type
) -> None:
    upstream.response = SubgraphResponse(status=200, body=b" " * size)
    tasks = await started(layer.send(QUERY), layer.send(QUERY))
    upstream.release.set()
    first, second = await asyncio.gather(*tasks)
    assert first.body is second.body
    assert type(first.body) is kind
    assert not isinstance((await layer.send(QUERY)).body, SharedBody)


async def test_headers_of_one_request_do_not_tell_queries_apart(upstream: Upstream, layer: DeduplicationLayer) -> None:
    queries = [replace(QUERY, headers={"x-request-id": str(number)}) for number in range(3)]
    tasks = await started(*map(layer.send, queries))
    upstream.release.set()
    await asyncio.gather(*tasks)
    assert upstream.begun == 1


@pytest.mark.parametrize("other", [replace(QUERY, body=b"{ y }"), replace(QUERY, headers={"authorization": "t"})])
async def test_other_queries_and_later_ones_are_sent(
    upstream: Upstream, layer: DeduplicationLayer, other: SubgraphRequest
) -> None:
    upstream.release.set()
    await asyncio.gather(layer.send(QUERY), layer.send(other))
    await layer.send(QUERY)
    assert (upstream.begun, layer.shared) == (3, 0)


@pytest.mark.parametrize("request_", [replace(QUERY, subgraph="b"), replace(QUERY, operation_kind="mutation")])
async def test_mutations_and_other_subgraphs_are_never_shared(
    upstream: Upstream, layer: DeduplicationLayer, request_: SubgraphRequest
) -> None:
    tasks = await started(*(layer.send(request_) for _ in range(3)))
    upstream.release.set()
    await asyncio.gather(*tasks)
    assert (upstream.begun, layer.shared) == (3, 0)


@pytest.mark.parametrize(
    ("mode", "caller", "headers", "shared"),
    [
        ("anonymous", "anonymous", {}, 2),
        ("anonymous", "anonymous", {"authorization": "t"}, 0),
        ("anonymous", "verified", {}, 0),
        ("anonymous", "unverified", {}, 0),
        ("verified", "anonymous", {}, 2),
        ("verified", "anonymous", {"authorization": "t"}, 0),
        ("verified", "verified", {}, 2),
        ("verified", "verified", {"authorization": "t"}, 2),
        ("verified", "unverified", {}, 0),
        ("verified", "unverified", {"authorization": "t"}, 0),
        ("all", "unverified", {"authorization": "t"}, 2),
        (False, "anonymous", {}, 0),
    ],
)
async def test_the_mode_says_whose_queries_are_shared(
    upstream: Upstream, mode: SharedQueries, caller: Caller, headers: dict[str, str], shared: int
) -> None:
    layer = DeduplicationLayer(upstream, {"a": mode})
    query = replace(QUERY, caller=caller, headers=headers)
    tasks = await started(*(layer.send(query) for _ in range(3)))
    upstream.release.set()
    await asyncio.gather(*tasks)
    assert (layer.shared, upstream.begun) == (shared, 3 - shared)


async def test_a_failure_is_shared_too(upstream: Upstream, layer: DeduplicationLayer) -> None:
    tasks = await started(*(layer.send(QUERY) for _ in range(3)))
    upstream.failure = SubgraphUnreachable("a", "reset")
    upstream.release.set()
    assert await asyncio.gather(*tasks, return_exceptions=True) == [upstream.failure] * 3
    assert upstream.begun == 1
    upstream.failure = None
    assert await layer.send(QUERY) == RESPONSE


async def test_one_that_waits_may_leave(upstream: Upstream, layer: DeduplicationLayer) -> None:
    first, second, third = await started(*(layer.send(QUERY) for _ in range(3)))
    second.cancel()
    upstream.release.set()
    assert [await first, await third] == [RESPONSE] * 2
    assert second.cancelled()
    assert upstream.begun == 1


async def test_when_the_sender_leaves_another_sends_again(upstream: Upstream, layer: DeduplicationLayer) -> None:
    first, second, third = await started(*(layer.send(QUERY) for _ in range(3)))
    first.cancel()
    while upstream.begun < 2:
        await asyncio.sleep(0)
    upstream.release.set()
    assert [await second, await third] == [RESPONSE] * 2
    assert first.cancelled()
    assert upstream.begun == 2


async def test_when_the_senders_deadline_passes_another_sends_again(
    upstream: Upstream, layer: DeduplicationLayer
) -> None:
    soon = asyncio.get_running_loop().time() + 0.02
    first, second = await started(layer.send(replace(QUERY, deadline=soon)), layer.send(QUERY))
    with pytest.raises(SubgraphTimeout):
        await first
    while upstream.begun < 2:
        await asyncio.sleep(0)
    upstream.release.set()
    assert await second == RESPONSE


async def test_one_that_waits_waits_no_longer_than_its_deadline(upstream: Upstream, layer: DeduplicationLayer) -> None:
    soon = asyncio.get_running_loop().time() + 0.02
    first, second = await started(layer.send(QUERY), layer.send(replace(QUERY, deadline=soon)))
    with pytest.raises(SubgraphTimeout):
        await second
    upstream.release.set()
    assert await first == RESPONSE
    assert upstream.begun == 1


async def test_when_all_leave_nothing_is_left_behind(upstream: Upstream, layer: DeduplicationLayer) -> None:
    tasks = await started(*(layer.send(QUERY) for _ in range(3)))
    for task in tasks:
        task.cancel()
    await asyncio.gather(*tasks, return_exceptions=True)
    upstream.release.set()
    assert await layer.send(QUERY) == RESPONSE
