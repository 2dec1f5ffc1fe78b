"""Lets requests that need the same result at the same time share one job (*single flight*)."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, Generic, TypeVar

import msgspec

if TYPE_CHECKING:
    from collections.abc import Callable, Hashable
    from concurrent.futures import Future

    from router.preparation.preparing_thread import PreparingThread

K = TypeVar("K", bound="Hashable")
V = TypeVar("V")


class _Flight(msgspec.Struct, Generic[V]):
    """An unfinished job, the task that returns the result of the job, and the number of requests that wait."""

    job: Future[V]
    result: asyncio.Task[V]
    waiting: int = 0


class SingleFlight(Generic[K, V]):
    """Runs jobs in the preparing thread, at most one job at a time for each key.

    The event loop calls `keep` once with the key and the result of each job.
    """

    def __init__(self, thread: PreparingThread, keep: Callable[[K, V], None]) -> None:
        self._thread = thread
        self._keep = keep
        self._flights: dict[K, _Flight[V]] = {}

    def __contains__(self, key: K) -> bool:
        """Return whether there is an unfinished job for the key. A new request for the key would share this job."""
        return key in self._flights

    async def result(self, key: K, make: Callable[[], V]) -> V:
        """Return the result of the unfinished job for the key. Without such a job, start a job that calls `make`.

        If the job fails, raise its error. A waiting request is cancelled if its client disconnects or its deadline is
        reached. The job then continues for the other requests. When no request waits any more, a job that has not
        started is cancelled. A job that has started continues, and `keep` is called with its result.
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
            # If this job was cancelled, `result` has already removed its entry. The key may have the entry of a new job
            # now.
            if not job.cancelled():
                del self._flights[key]
        self._keep(key, value)
        return value
