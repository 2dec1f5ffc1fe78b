"""Record totals for all fetches of one client request: their number, their time, and the longest `Retry-After`."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING

from router.errors import TransportError
from router.transport.retry_after import RETRY_LATER, retry_after

if TYPE_CHECKING:
    from router.request.log_fields import RequestRecord
    from router.transport.interface import SubgraphRequest, SubgraphResponse, Transport


class FetchTotalsLayer:
    """The `Transport` of one client request. It wraps `inner`, the transport of all client requests.

    The layer sets four fields of `record`: `fetches` (the number of fetches), `sent` (those that a subgraph may have
    received), `fetch` (the time in which at least one fetch was running) and `retry_after`.
    """

    __slots__ = ("_began", "_in_flight", "_inner", "_record")

    def __init__(self, inner: Transport, record: RequestRecord) -> None:
        self._inner = inner
        self._record = record
        self._in_flight = 0
        self._began = 0.0

    async def send(self, request: SubgraphRequest) -> SubgraphResponse:
        """See `Transport.send`."""
        record, was_sent = self._record, True
        record.fetches += 1
        if self._in_flight == 0:
            self._began = time.perf_counter()
        self._in_flight += 1
        try:
            response = await self._inner.send(request)
        except TransportError as failure:
            was_sent = failure.was_sent
            self._keep_longest(failure.retry_after)
            raise
        finally:
            record.sent += was_sent
            self._in_flight -= 1
            if self._in_flight == 0:
                record.fetch += time.perf_counter() - self._began
        if response.status in RETRY_LATER:
            self._keep_longest(retry_after(response.status, response.headers))
        return response

    async def aclose(self) -> None:
        """Do nothing: other client requests still use the wrapped transport."""

    def _keep_longest(self, seconds: int | None) -> None:
        """Record `seconds` if it is the longest `Retry-After` so far.

        The response to the client contains the longest `Retry-After`.
        """
        if seconds is not None:
            self._record.retry_after = max(seconds, self._record.retry_after or 0)
