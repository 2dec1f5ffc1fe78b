"""Send a query only once if several callers want to send it at the same time.

    first    ──────── request ────────>  response
    second        └── waits ──────────>  the same bytes (`SharedBody`), from which each caller makes its own response

The first caller sends the query in its own task, without a new task. So a query that has no duplicate costs only one
dictionary lookup. If the first caller is cancelled or its deadline passes before the response arrives, the next waiting
caller sends the query again.

A credential can become invalid while a query is running. So by default, a request waits for a shared response only in
two cases: the request has no credential, or the router has verified the credential of this request itself.
"""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, Any, Final

from msgspec.structs import replace

from router.errors import SubgraphTimeout
from router.request.credential_headers import is_anonymous
from router.transport.fetch_failures import timed_out
from router.transport.interface import SharedBody
from servicekit.time_limit import TimeLimit

if TYPE_CHECKING:
    from collections.abc import Coroutine, Hashable, Mapping

    from router.settings.types import SharedQueries
    from router.transport.interface import SubgraphRequest, SubgraphResponse, Transport

    # Callers with an identical query wait for this future. Its result is the response. If the result is None, the first
    # caller did not get a response, and a waiting caller must send the query itself.
    Waiting = asyncio.Future[SubgraphResponse | None]

MAX_SHARED_BYTES: Final = 1_048_576
"""A larger body does not become a `SharedBody`: its bytes are copied, and compiled plans decode no larger bodies."""

_NO_HEADERS: Final[frozenset[tuple[str, str]]] = frozenset()
# These headers are different in each request, but they do not change the response. So they are not compared.
_OF_ONE_REQUEST = frozenset({"traceparent", "tracestate", "x-request-id"})


class DeduplicationLayer:
    """A `Transport` that does not send a query while an identical query waits for its response.

    The callers of both queries get the same response. Two queries are identical if their subgraphs, bodies and headers
    are equal. `modes` says for each subgraph which queries are shared: `anonymous`, `verified` or `all`. A query is
    anonymous if neither the client's request nor the fetch has a credential. It is verified if the router has verified
    the client's credential. `verified` shares both kinds. All other queries are always sent. `shared` is the number of
    queries that were not sent.
    """

    def __init__(self, inner: Transport, modes: Mapping[str, SharedQueries]) -> None:
        self._inner = inner
        self._modes = modes
        self._in_flight: dict[Hashable, list[Waiting]] = {}
        self.shared = 0

    def send(self, request: SubgraphRequest) -> Coroutine[Any, Any, SubgraphResponse]:
        """See `Transport.send`. Returns the coroutine that sends, because one more coroutine would take time.

        If a query fails, all callers with an identical query get the exception. But if the deadline of the first caller
        passed, the other callers do not get its `SubgraphTimeout`, because they can have later deadlines.
        """
        mode, caller, sent = self._modes.get(request.subgraph, False), request.caller, request.headers
        may_share = (
            mode == "all"
            or (mode == "verified" and caller == "verified")
            or (mode is not False and caller == "anonymous" and (not sent or is_anonymous(sent)))
        )
        if not may_share or request.operation_kind != "query":
            return self._inner.send(request)
        headers = frozenset(item for item in sent.items() if item[0] not in _OF_ONE_REQUEST) if sent else _NO_HEADERS
        key = (request.subgraph, request.body, headers, request.caller)
        return self._send(key, request) if key not in self._in_flight else self._share(key, request)

    async def _share(self, key: Hashable, request: SubgraphRequest) -> SubgraphResponse:
        while (waiting := self._in_flight.get(key)) is not None:
            self.shared += 1
            response = await _shared(waiting, request)
            if response is not None:
                return response
            self.shared -= 1
        return await self._send(key, request)

    async def aclose(self) -> None:
        """See `Transport.aclose`."""
        await self._inner.aclose()

    def inherit(self, previous: DeduplicationLayer, kept: frozenset[str]) -> None:
        """Take over the count of the layer before a reload."""
        del kept
        self.shared = previous.shared

    async def _send(self, key: Hashable, request: SubgraphRequest) -> SubgraphResponse:
        if key in self._in_flight:  # an identical query began before this coroutine did
            return await self._share(key, request)
        waiting: list[Waiting] = []
        self._in_flight[key] = waiting
        response: SubgraphResponse | None = None
        failure: Exception | None = None
        try:
            response = await self._inner.send(request)
            if waiting and len(response.body) <= MAX_SHARED_BYTES:
                response = replace(response, body=SharedBody(response.body))
            return response
        except SubgraphTimeout as error:
            failure = None if _is_over(request) else error
            raise
        except Exception as error:
            failure = error
            raise
        finally:
            del self._in_flight[key]
            for caller in waiting:
                if caller.done():  # this caller was cancelled, or its deadline passed
                    continue
                if failure is not None:
                    caller.set_exception(failure)
                else:
                    caller.set_result(response)


async def _shared(waiting: list[Waiting], request: SubgraphRequest) -> SubgraphResponse | None:
    """Wait for the identical query of another caller. Return its response, or raise its exception.

    Return None if the other caller was cancelled or its deadline passed. The query must then be sent again.
    """
    caller: Waiting = asyncio.get_running_loop().create_future()
    waiting.append(caller)
    if request.deadline is None:
        return await caller
    try:
        with TimeLimit(request.deadline):
            return await caller
    except TimeoutError as error:
        raise timed_out(request.subgraph, "the request's deadline passed") from error


def _is_over(request: SubgraphRequest) -> bool:
    return request.deadline is not None and asyncio.get_running_loop().time() >= request.deadline
