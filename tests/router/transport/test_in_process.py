from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, Any

import pytest
from msgspec.structs import replace

from router.errors import SubgraphMalformedResponse, SubgraphTimeout, SubgraphUnreachable
from router.transport.in_process import AsgiSubgraph, InProcessTransport, by_name
from router.transport.interface import SubgraphRequest, SubgraphResponse

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable, MutableMapping

    Message = MutableMapping[str, Any]

BODY = b'{"query":"{ x }","variables":{"v":1}}'
QUERY = SubgraphRequest(subgraph="a", operation="{ x }", variables={"v": 1}, headers={"Authorization": "t"}, body=BODY)


async def test_a_function_is_a_subgraph() -> None:
    async def answer(request: SubgraphRequest) -> SubgraphResponse:
        return SubgraphResponse.of({"data": request.operation})

    assert (await InProcessTransport(by_name({"a": answer})).send(QUERY)).body == b'{"data":"{ x }"}'


async def test_an_unknown_subgraph_is_unreachable() -> None:
    with pytest.raises(SubgraphUnreachable):
        await InProcessTransport(by_name({})).send(QUERY)


async def test_a_closed_transport_refuses() -> None:
    async def answer(request: SubgraphRequest) -> SubgraphResponse:
        return SubgraphResponse.of({"data": request.operation})

    transport = InProcessTransport(answer)
    await transport.aclose()
    with pytest.raises(SubgraphUnreachable):
        await transport.send(QUERY)


async def test_an_application_gets_a_post_and_can_respond_in_parts() -> None:
    seen: dict[str, Any] = {}

    async def app(
        scope: Message, receive: Callable[[], Awaitable[Message]], send: Callable[[Message], Awaitable[None]]
    ) -> None:
        seen.update(scope, body=(await receive())["body"])
        await send({"type": "http.response.start", "status": 200, "headers": [(b"X-Y", b"z")]})
        await send({"type": "http.response.body", "body": b'{"data":', "more_body": True})
        await send({"type": "http.response.body", "body": b"{}}"})

    answer = await AsgiSubgraph(app, "/gql")(QUERY)
    assert answer == SubgraphResponse(status=200, body=b'{"data":{}}', headers={"x-y": "z"})
    assert (seen["method"], seen["path"]) == ("POST", "/gql")
    assert (b"authorization", b"t") in seen["headers"]
    assert seen["body"] == BODY


async def test_an_application_that_raises_is_unreachable() -> None:
    async def app(*_: object) -> None:
        raise RuntimeError("boom")

    with pytest.raises(SubgraphUnreachable) as raised:
        await AsgiSubgraph(app)(QUERY)
    assert "boom" not in raised.value.message
    assert "boom" in (raised.value.detail or "")


async def test_an_application_that_does_not_complete_its_response_is_malformed() -> None:
    async def app(_scope: Message, _receive: object, send: Callable[[Message], Awaitable[None]]) -> None:
        await send({"type": "http.response.start", "status": 200})
        await send({"type": "http.response.body", "body": b"{", "more_body": True})

    with pytest.raises(SubgraphMalformedResponse):
        await AsgiSubgraph(app)(QUERY)


async def test_a_function_ends_at_the_deadline_of_its_request() -> None:
    async def answer(_request: SubgraphRequest) -> SubgraphResponse:
        await asyncio.Event().wait()
        raise AssertionError

    deadline = asyncio.get_running_loop().time() + 0.02
    with pytest.raises(SubgraphTimeout):
        await InProcessTransport(answer).send(replace(QUERY, deadline=deadline))


async def test_a_timeout_of_the_functions_own_stays_its_own() -> None:
    async def answer(_request: SubgraphRequest) -> SubgraphResponse:
        raise TimeoutError("its own")

    with pytest.raises(TimeoutError, match="its own"):
        await InProcessTransport(answer).send(replace(QUERY, deadline=asyncio.get_running_loop().time() + 60))
