from __future__ import annotations

import pytest

from router.errors import SubgraphUnreachable
from router.transport.in_process import InProcessTransport
from router.transport.interface import SubgraphRequest, SubgraphResponse
from router.transport.layers.pause_on_503 import Pause, PauseLayer


def test_a_pause_ends_after_the_seconds_asked_for() -> None:
    pause = Pause(max_seconds=30)
    assert pause.remaining(100.0) is None
    pause.begin(100.0, 3)
    assert (pause.remaining(100.0), pause.remaining(102.5), pause.remaining(103.0)) == (3, 1, None)


def test_a_pause_has_a_bound_and_a_shorter_one_does_not_end_it() -> None:
    pause = Pause(max_seconds=10)
    pause.begin(0.0, 86_400)
    pause.begin(1.0, 2)
    assert pause.remaining(9.0) == 1
    assert pause.remaining(10.0) is None


class Busy:
    """A subgraph that responds 503, with or without `Retry-After`, or fails with that status."""

    def __init__(self, headers: dict[str, str], failure: SubgraphUnreachable | None = None) -> None:
        self.headers = headers
        self.failure = failure
        self.sent = 0

    async def __call__(self, _request: SubgraphRequest, /) -> SubgraphResponse:
        self.sent += 1
        if self.failure is not None:
            raise self.failure
        return SubgraphResponse.of({}, status=503, headers=self.headers)


async def test_a_paused_subgraph_gets_no_requests() -> None:
    busy = Busy({"retry-after": "60"})
    layer = PauseLayer(InProcessTransport(busy), {"a": 30.0})
    assert (await layer.send(SubgraphRequest(subgraph="a", operation="{ x }"))).status == 503
    with pytest.raises(SubgraphUnreachable) as raised:
        await layer.send(SubgraphRequest(subgraph="a", operation="{ x }"))
    assert (raised.value.status, raised.value.retry_after) == (503, 30)
    await layer.send(SubgraphRequest(subgraph="b", operation="{ x }"))
    await layer.send(SubgraphRequest(subgraph="b", operation="{ x }"))
    assert busy.sent == 3


async def test_a_failure_that_asks_to_wait_begins_a_pause_too() -> None:
    failure = SubgraphUnreachable("a", "busy", status=503)
    failure.retry_after = 5
    busy = Busy({}, failure)
    layer = PauseLayer(InProcessTransport(busy), {"a": 30.0})
    for _ in range(2):
        with pytest.raises(SubgraphUnreachable):
            await layer.send(SubgraphRequest(subgraph="a", operation="{ x }"))
    assert busy.sent == 1


async def test_without_retry_after_there_is_no_pause() -> None:
    busy = Busy({})
    layer = PauseLayer(InProcessTransport(busy), {"a": 30.0})
    for _ in range(2):
        await layer.send(SubgraphRequest(subgraph="a", operation="{ x }"))
    assert busy.sent == 2
