"""Counts what one request sends to subgraphs."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from router.exchange import Report

    from .base import SubgraphRequest, SubgraphResponse, Transport


class MeteredTransport:
    """The `Transport` of one client request, in front of the one all share."""

    __slots__ = ("_inner", "_report")

    def __init__(self, inner: Transport, report: Report) -> None:
        self._inner = inner
        self._report = report

    async def send(self, request: SubgraphRequest) -> SubgraphResponse:
        """See `Transport.send`."""
        self._report.fetches += 1
        return await self._inner.send(request)

    async def aclose(self) -> None:
        """Nothing to release: the shared transport outlives the request."""
