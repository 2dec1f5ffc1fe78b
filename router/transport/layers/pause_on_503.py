"""Send no requests to a subgraph that asked for a pause with `Retry-After` (RFC 9110 §10.2.3).

If a subgraph responds with status 503 and `Retry-After`, no requests are sent to this subgraph for the time in the
header, but at most for the configured time.
"""

from __future__ import annotations

import asyncio
import math
from typing import TYPE_CHECKING

from router.errors import TransportError
from router.transport.fetch_failures import not_sent
from router.transport.retry_after import retry_after

if TYPE_CHECKING:
    from collections.abc import Mapping

    from router.errors import SubgraphUnreachable
    from router.transport.interface import SubgraphRequest, SubgraphResponse, Transport

_UNAVAILABLE = 503


class Pause:
    """The pause of one subgraph, in which the subgraph gets no requests. A pause lasts at most `max_seconds` seconds.

    `has_begun` is True if the subgraph has ever been paused.
    """

    __slots__ = ("_until", "has_begun", "max_seconds")

    def __init__(self, max_seconds: float) -> None:
        self.max_seconds = max_seconds
        self._until = 0.0
        self.has_begun = False

    def begin(self, now: float, seconds: int) -> None:
        """Begin a pause of `seconds` at the time `now` (event loop's clock). A running pause is never shortened."""
        self.has_begun = True
        self._until = max(self._until, now + min(seconds, self.max_seconds))

    def remaining(self, now: float) -> int | None:
        """Return the seconds from `now` to the end of the pause, rounded up; None if the subgraph is not paused."""
        return math.ceil(self._until - now) if now < self._until else None


class PauseLayer:
    """A `Transport` that sends no requests to a subgraph during its pause.

    `max_pauses` maps the name of a subgraph to its longest pause in seconds. Other subgraphs are never paused.
    """

    def __init__(self, inner: Transport, max_pauses: Mapping[str, float]) -> None:
        self._inner = inner
        self._pauses = {subgraph: Pause(seconds) for subgraph, seconds in max_pauses.items()}

    async def send(self, request: SubgraphRequest) -> SubgraphResponse:
        """See `Transport.send`. While the subgraph is paused, `SubgraphUnreachable` is raised at once."""
        pause = self._pauses.get(request.subgraph)
        if pause is None:
            return await self._inner.send(request)
        if pause.has_begun:
            seconds = pause.remaining(_now())
            if seconds is not None:
                raise _paused(request.subgraph, seconds)
        try:
            response = await self._inner.send(request)
        except TransportError as failure:
            if failure.status == _UNAVAILABLE and failure.retry_after is not None:
                pause.begin(_now(), failure.retry_after)
            raise
        if response.status == _UNAVAILABLE:
            wait = retry_after(response.status, response.headers)
            if wait is not None:
                pause.begin(_now(), wait)
        return response

    async def aclose(self) -> None:
        """See `Transport.aclose`."""
        await self._inner.aclose()

    def inherit(self, previous: PauseLayer, kept: frozenset[str]) -> None:
        """Take over the pauses of the subgraphs in `kept` from the layer before a reload."""
        for name in kept & self._pauses.keys() & previous._pauses.keys():
            if self._pauses[name].max_seconds == previous._pauses[name].max_seconds:
                self._pauses[name] = previous._pauses[name]


def _now() -> float:
    return asyncio.get_running_loop().time()


def _paused(subgraph: str, seconds: int) -> SubgraphUnreachable:
    failure = not_sent(subgraph, f"it responded 503 with Retry-After, and gets no requests for another {seconds} s")
    failure.status = _UNAVAILABLE
    failure.retry_after = seconds
    return failure
