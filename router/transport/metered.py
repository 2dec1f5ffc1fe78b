"""Counts what one request sends to subgraphs, and the time it waits for at least one of them."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from router.exchange import Report

    from .base import SubgraphRequest, SubgraphResponse, Transport


class MeteredTransport:
    """The `Transport` of one client request, in front of the one all share."""

    __slots__ = ("_began", "_inner", "_report", "_under_way")

    def __init__(self, inner: Transport, report: Report) -> None:
        self._inner = inner
        self._report = report
        self._under_way = 0
        self._began = 0.0

    async def send(self, request: SubgraphRequest) -> SubgraphResponse:
        """See `Transport.send`."""
        self._report.fetches += 1
        if self._under_way == 0:
            self._began = time.perf_counter()
        self._under_way += 1
        try:
            return await self._inner.send(request)
        finally:
            self._under_way -= 1
            if self._under_way == 0:
                self._report.fetch += time.perf_counter() - self._began

    async def aclose(self) -> None:
        """Nothing to release: the shared transport outlives the request."""
