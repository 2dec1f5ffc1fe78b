"""Large responses are decoded in slices and processed in a thread.

A body of 60 MB stopped the router for seconds; now the event loop serves others meanwhile.
"""

from __future__ import annotations

import asyncio
import json
import random
import threading
from typing import Any

import pytest

from router import json_codec
from router.executor.interpreter.process_large_responses_in_thread import LARGE, SLICE, LargeResponses, decode_in_slices
from router.gateway import Gateway
from router.json_codec import BYTE_ORDER_MARK
from router.request.request_and_response import GraphQLRequest
from router.transport.interface import SubgraphRequest, SubgraphResponse

SDL_QUERY = "type Query { items: [Item] } type Item { id: ID name: String }"


def value(random: random.Random, depth: int) -> Any:
    """A value whose objects and lists are often larger than a slice."""
    kind = random.choice("osnlldd" if depth else "sn")
    if kind == "l":
        return [value(random, depth - 1) for _ in range(random.choice((0, 1, 3, 9)))]
    if kind in "od":
        return {f'k"{index}\\': value(random, depth - 1) for index in range(random.choice((0, 1, 3, 9)))}
    return "x" * random.choice((0, 9, 500, SLICE // 9)) if kind == "s" else random.choice((0, 1.5, 10**30, None, True))


@pytest.mark.parametrize("seed", range(30))
def test_decoding_in_slices_gives_the_same_value(seed: int) -> None:
    source = random.Random(seed)
    body = BYTE_ORDER_MARK + b" \n" + json.dumps([value(source, 4) for _ in range(9)]).encode() + b"\n"
    assert decode_in_slices(body) == json_codec.decode(body)


@pytest.mark.parametrize(
    "body",
    [
        b"",
        b"[" + b"1," * SLICE + b"]",
        b'{"a":[' + b"1," * SLICE + b"2]",
        b"[" + b"1," * SLICE + b"1x]",
        b'["' + b"x" * SLICE + b'\xff"]',
        b'{"a":' * SLICE,
        b"[" * SLICE,
        b"[1e99999999999999999999," + b"1," * SLICE + b"1]",
    ],
)
def test_what_is_not_json_is_not_decoded(body: bytes) -> None:
    with pytest.raises(ValueError, match=r"."):
        json_codec.decode(body)
    with pytest.raises(ValueError, match=r"."):
        decode_in_slices(body)


async def test_work_waits_for_the_work_of_the_thread() -> None:
    """Both change one response tree."""
    work, seen, may_end = LargeResponses(), [], threading.Event()

    def large() -> None:
        may_end.wait(30)
        seen.append("large")

    in_thread = asyncio.create_task(work.run(large, LARGE))
    await asyncio.sleep(0)
    small = asyncio.create_task(work.run(lambda: seen.append("small"), 1))
    turn = asyncio.create_task(work.turn())
    await asyncio.sleep(0.02)
    assert not small.done()
    assert not turn.done()
    may_end.set()
    await asyncio.gather(in_thread, small, turn)
    assert seen == ["large", "small"]


async def test_the_event_loop_runs_while_a_large_response_is_processed() -> None:
    items = b",".join(
        b'{"id":"%d","name":"a name of some length","__typename":"Item"}' % index for index in range(50_000)
    )

    async def send(_request: SubgraphRequest) -> SubgraphResponse:
        return SubgraphResponse(status=200, headers={}, body=b'{"data":{"items":[' + items + b"]}}")

    turns, done = 0, False

    async def count() -> None:
        nonlocal turns
        while not done:
            await asyncio.sleep(0.001)
            turns += 1

    gateway = Gateway.from_supergraph(_supergraph(), send=send)
    counting = asyncio.create_task(count())
    result = await gateway.execute(GraphQLRequest(query="{ items { id name } }"))
    done = True
    await counting
    await gateway.aclose()
    data = result.body["data"]
    assert isinstance(data, dict)
    assert len(data["items"]) == 50_000
    # Without the thread: one turn while the request is prepared, and one after it.
    assert turns > 10


def _supergraph() -> str:
    from router.composition import Subgraph, compose  # noqa: PLC0415  (used by one test)

    composed = compose([Subgraph("items", "http://items.invalid", SDL_QUERY)])
    assert composed.supergraph_sdl is not None
    return composed.supergraph_sdl
