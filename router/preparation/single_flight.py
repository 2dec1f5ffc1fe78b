"""Single flight: requests that need the same result at the same time share one job."""

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
    """A job that is not finished, its result for the event loop, and how many requests wait for the result."""

    job: Future[V]
    result: asyncio.Task[V]
    waiting: int = 0


class SingleFlight(Generic[K, V]):
    """Jobs of the preparing thread, one for each key. `keep` is called once with each result, on the event loop."""

    def __init__(self, thread: PreparingThread, keep: Callable[[K, V], None]) -> None:
        self._thread = thread
        self._keep = keep
        self._flights: dict[K, _Flight[V]] = {}

    def __contains__(self, key: K) -> bool:
        """Return whether there is a job for the key that a request would share."""
        return key in self._flights

    async def result(self, key: K, make: Callable[[], V]) -> V:
        """Return the result of `make` or of the job that another request started for the key, or raise its error.

        If a request is cancelled (disconnected client, deadline), the job continues for the other requests. A job for
        which no request waits is dropped if it has not started; otherwise `keep` is still called with its result.
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
            # If this job was dropped, the key may already have another job.
            if not job.cancelled():
                del self._flights[key]
        self._keep(key, value)
        return value
