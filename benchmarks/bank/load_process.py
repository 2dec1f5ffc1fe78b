"""Sends requests from a process of its own.

The benchmark's process also reads the log lines of the platform, in a thread. In one process, that thread would make
the responses look slow, because it keeps Python's lock. For the same reason, the garbage collector does not run. The
processor time of the load is reported, because the load and the services share the processors.
"""

from __future__ import annotations

import asyncio
import gc
import time
from concurrent.futures import ProcessPoolExecutor
from multiprocessing import get_context
from random import Random
from typing import TYPE_CHECKING, NamedTuple, TypeVar

import uvloop

from benchmarks.bank.http_load import Connection, check, closed_loop, open_loop

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator, Sequence

T = TypeVar("T")


class Capacity(NamedTuple):
    """The number of responses, and the seconds that they took together."""

    responses: int
    seconds: float


class PacedResponses(NamedTuple):
    """The seconds that each response took, the seconds of the whole load, and its processor time in seconds."""

    each: list[float]
    seconds: float
    processor_seconds: float


async def in_process(function: Callable[..., T], *arguments: object) -> T:
    """Call `function`, which must be a function of a module, in a new process."""
    with ProcessPoolExecutor(1, mp_context=get_context("spawn")) as processes:
        return await asyncio.get_running_loop().run_in_executor(processes, function, *arguments)


def capacity(port: int, requests: Sequence[bytes], clients: int, most_seconds: float) -> Capacity:
    """Send requests by `clients` that wait for each response, for `most_seconds`."""
    gc.disable()
    sent: list[bytes] = []
    seconds = uvloop.run(closed_loop(port, _begun_in_time(requests, sent, most_seconds), 201, clients))
    return Capacity(len(sent), seconds)


def paced(port: int, requests: Sequence[bytes], rate: float) -> PacedResponses:
    """Send all requests at a rate, whether or not earlier ones have their responses."""
    gc.disable()
    began, used = time.perf_counter(), time.process_time()
    each = uvloop.run(_paced(port, requests, rate))
    return PacedResponses(each, time.perf_counter() - began, time.process_time() - used)


async def _paced(port: int, requests: Sequence[bytes], rate: float) -> list[float]:
    idle: list[Connection] = []

    async def send(number: int) -> None:
        connection = idle.pop() if idle else await Connection.open(port)
        check(await connection.send(requests[number]), 201)
        idle.append(connection)

    try:
        return await open_loop(send, count=len(requests), rate=rate, random=Random(1))  # noqa: S311 - no secret
    finally:
        for connection in idle:
            connection.close()


def _begun_in_time(requests: Iterable[bytes], sent: list[bytes], seconds: float) -> Iterator[bytes]:
    """Yield requests for `seconds`, and add each one to `sent`."""
    end = time.perf_counter() + seconds
    for request in requests:
        if time.perf_counter() >= end:
            return
        sent.append(request)
        yield request
