"""Keep the responses of one execution, so that the interpreter can use them if one does not fit (execution §3.11).

A `RecordingTransport` sends each request once. If the same request is sent again, it returns the same response or
raises the same exception, without sending anything. A request that is still running is waited for.
"""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING

from router.executor.graphql_over_http import encode_body
from router.transport.interface import ResponseHead

if TYPE_CHECKING:
    from router.transport.interface import SubgraphRequest, SubgraphResponse, Transport


class _Recorded:
    """One request: its response or failure when it has arrived.

    `waiting` has the futures of the tasks that wait for it.
    """

    __slots__ = ("failure", "response", "waiting")

    def __init__(self) -> None:
        self.response: SubgraphResponse | None = None
        self.failure: BaseException | None = None
        self.waiting: list[asyncio.Future[None]] = []

    def wake(self) -> None:
        for future in self.waiting:
            if not future.done():
                future.set_result(None)

    async def result(self) -> SubgraphResponse:
        while self.response is None and self.failure is None:
            future = asyncio.get_running_loop().create_future()
            self.waiting.append(future)
            await future
        if self.failure is not None:
            raise self.failure
        assert self.response is not None  # noqa: S101 - a recorded request without a failure has a response
        return self.response


class RecordingTransport:
    """A `Transport` that keeps the responses of one execution.

    Attributes:
        heads: The status and headers of every response, in the order in which they arrived.
        repeated: The number of requests that were answered by a recorded response.
    """

    __slots__ = ("_inner", "_recorded", "heads", "repeated")

    def __init__(self, inner: Transport) -> None:
        self._inner = inner
        self._recorded: dict[tuple[tuple[int, ...], bytes], _Recorded] = {}
        self.heads: list[ResponseHead] = []
        self.repeated = 0

    async def first(self, request: SubgraphRequest, body: bytes) -> SubgraphResponse:
        """Send a request that was not sent before. `body` is its encoded body.

        Raises:
            TransportError: See `Transport.send`.
        """
        recorded = self._recorded[request.fetch_ids, body] = _Recorded()
        try:
            response = recorded.response = await self._inner.send(request)
        except BaseException as failure:  # a bug too must reach the tasks that wait
            recorded.failure = failure
            raise
        finally:
            if recorded.waiting:
                recorded.wake()
        self.heads.append(ResponseHead(request.subgraph, response.status, response.headers))
        return response

    async def send(self, request: SubgraphRequest) -> SubgraphResponse:
        """Return the recorded response of an equal request; send any other request (`Transport.send`)."""
        body = encode_body(request)
        recorded = self._recorded.get((request.fetch_ids, body))
        if recorded is not None:
            self.repeated += 1
            return await recorded.result()
        return await self.first(request, body)

    async def aclose(self) -> None:
        """Do nothing: other executions still use the wrapped transport."""
