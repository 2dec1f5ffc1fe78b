"""Single flight: what many requests need at the same time is made once, for all of them."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass
from typing import TYPE_CHECKING, Generic, TypeVar

if TYPE_CHECKING:
    from collections.abc import Callable, Hashable
    from concurrent.futures import Future

    from router.preparation.preparing_thread import PreparingThread

K = TypeVar("K", bound="Hashable")
V = TypeVar("V")


@dataclass(slots=True)
class _Flight(Generic[V]):
    """A job under way, its result for the event loop, and how many requests wait for it."""

    job: Future[V]
    result: asyncio.Task[V]
    waiting: int = 0


class SingleFlight(Generic[K, V]):
    """Jobs of the preparing thread, each for one key; `keep` gets each result once, on the event loop."""

    def __init__(self, thread: PreparingThread, keep: Callable[[K, V], None]) -> None:
        self._thread = thread
        self._keep = keep
        self._flights: dict[K, _Flight[V]] = {}

    def __contains__(self, key: K) -> bool:
        """Whether a request for the key would share the job of another one."""
        return key in self._flights

    async def result(self, key: K, make: Callable[[], V]) -> V:
        """What `make` returns or raises, or the job that another request has begun for the same key.

        A request that is cancelled (its client left, its deadline has passed) leaves the job to the others. A job that
        nobody waits for any more is dropped if it has not begun; if it has, its result is kept for the next request.
        """
        flight = self._flights.get(key)
        if flight is None:
            flight = self._flights[key] = self._begin(key, make)
        flight.waiting += 1
        try:
            return await asyncio.shield(flight.result)
        finally:
            flight.waiting -= 1
            if not flight.waiting and flight.job.cancel():
                del self._flights[key]

    def _begin(self, key: K, make: Callable[[], V]) -> _Flight[V]:
        job = self._thread.submit(make)
        return _Flight(job, asyncio.get_running_loop().create_task(self._landing(key, job)))

    async def _landing(self, key: K, job: Future[V]) -> V:
        try:
            value = await asyncio.wrap_future(job)
        finally:
            # Of a job that was dropped, the key may have another one by now.
            if not job.cancelled():
                del self._flights[key]
        self._keep(key, value)
        return value
