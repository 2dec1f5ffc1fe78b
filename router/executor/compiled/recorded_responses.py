"""Record the responses of one execution, for the interpreter (execution §3.11).

If compiled code gets a response that it does not expect (a misfit), the interpreter uses the recorded responses.

A `RecordingTransport` sends each request only once. If the same request is made again, the transport returns the
recorded response, or raises the recorded exception. If the first request is still running, the transport waits for it.
"""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING

from router.executor.compiled.globals_of_generated_code import Misfit
from router.executor.graphql_over_http import encode_body
from router.transport.interface import ResponseHead

if TYPE_CHECKING:
    from collections.abc import Mapping

    from router.transport.interface import SubgraphRequest, SubgraphResponse, Transport


class _Recorded:
    """The response or the exception of one request; both are None while the request is running.

    `waiting` has the futures of the tasks that wait for the end of the request.
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
        repeated: How often a recorded response was returned.
    """

    __slots__ = ("_inner", "_kept", "_recorded", "heads", "repeated")

    def __init__(self, inner: Transport) -> None:
        self._inner = inner
        self._recorded: dict[tuple[tuple[int, ...], bytes], _Recorded] = {}
        self._kept: list[tuple[SubgraphRequest, bytes, SubgraphResponse | BaseException]] = []
        self.heads: list[ResponseHead] = []
        self.repeated = 0

    async def first(self, request: SubgraphRequest, body: bytes) -> SubgraphResponse:
        """Send a request for the first time, and record its response. `body` is the encoded body of the request.

        Raises:
            TransportError: See `Transport.send`.
        """
        recorded = self._recorded[request.fetch_ids, body] = _Recorded()
        try:
            response = recorded.response = await self._inner.send(request)
        except BaseException as failure:  # an exception from a bug must reach the waiting tasks too
            recorded.failure = failure
            raise
        finally:
            if recorded.waiting:
                recorded.wake()
        self.heads.append(ResponseHead(request.subgraph, response.status, response.headers))
        return response

    def keep(self, request: SubgraphRequest, body: bytes, response: SubgraphResponse) -> None:
        """Record the response to a request that was sent without this transport."""
        self._kept.append((request, body, response))
        self.heads.append(ResponseHead(request.subgraph, response.status, response.headers))

    def keep_failure(self, request: SubgraphRequest, body: bytes, failure: BaseException) -> None:
        """Record the exception of a request that was sent without this transport."""
        self._kept.append((request, body, failure))

    def bodies(self) -> list[tuple[tuple[int, ...], bytes]]:
        """Return the bodies of all responses, with the ids of the fetches of each request."""
        return [(ids, each.response.body) for (ids, _), each in self._recorded.items() if each.response is not None]

    async def send(self, request: SubgraphRequest) -> SubgraphResponse:
        """Return the recorded response if the same request was sent before. Otherwise send it (`Transport.send`)."""
        while self._kept:  # usually, there is no misfit, and nobody asks for what was kept
            self._record(*self._kept.pop())
        body = encode_body(request)
        recorded = self._recorded.get((request.fetch_ids, body))
        if recorded is not None:
            self.repeated += 1
            return await recorded.result()
        return await self.first(request, body)

    def _record(self, request: SubgraphRequest, body: bytes, outcome: SubgraphResponse | BaseException) -> None:
        recorded = self._recorded[request.fetch_ids, body] = _Recorded()
        if isinstance(outcome, BaseException):
            recorded.failure = outcome
        else:
            recorded.response = outcome

    async def aclose(self) -> None:
        """Do nothing: other executions still use the wrapped transport."""


class UnknownField(Misfit):
    """A response has a field that the generated code does not know.

    Attributes:
        variables: The client's variables.
        responses: The ids of the fetches of each request, and the body of its response.
    """

    def __init__(self, reason: str, variables: Mapping[str, object], transport: RecordingTransport) -> None:
        super().__init__(reason)
        self.variables, self.responses = variables, transport.bodies()
