"""Counts what one request sends to subgraphs, the time it waits for them, and how long they ask it to stay away."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING

from router.errors import TransportError
from router.transport.layers.pause import MEANINGFUL, retry_after

if TYPE_CHECKING:
    from collections.abc import Mapping

    from router.request.record import RequestRecord
    from router.transport.messages import SubgraphRequest, SubgraphResponse, Transport


class MeteredTransport:
    """The `Transport` of one client request, in front of the one all share; `sent` gets the variables of each fetch."""

    __slots__ = ("_began", "_inner", "_report", "_sent", "_under_way")

    def __init__(self, inner: Transport, report: RequestRecord, sent: list[Mapping[str, object]] | None = None) -> None:
        self._inner = inner
        self._report = report
        self._sent = sent
        self._under_way = 0
        self._began = 0.0

    async def send(self, request: SubgraphRequest) -> SubgraphResponse:
        """See `Transport.send`."""
        self._report.fetches += 1
        if self._sent is not None:
            self._sent.append(request.variables)
        if self._under_way == 0:
            self._began = time.perf_counter()
        self._under_way += 1
        try:
            response = await self._inner.send(request)
        except TransportError as failure:
            self._note(failure.retry_after)
            raise
        else:
            if response.status in MEANINGFUL:
                self._note(retry_after(response.status, response.headers))
            return response
        finally:
            self._under_way -= 1
            if self._under_way == 0:
                self._report.fetch += time.perf_counter() - self._began

    def _note(self, seconds: int | None) -> None:
        """A client is told the longest wait that a subgraph asked for."""
        if seconds is not None:
            self._report.retry_after = max(seconds, self._report.retry_after or 0)

    async def aclose(self) -> None:
        """Nothing to release: the shared transport outlives the request."""
