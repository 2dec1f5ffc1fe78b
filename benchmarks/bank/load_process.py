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
from typing import TYPE_CHECKING, Final, NamedTuple, TypeVar

import uvloop

from benchmarks.bank.http_load import Connection, check, closed_loop, open_loop

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator, Sequence

T = TypeVar("T")
WORK: Final = 5_000
WORK_PAUSE: Final = 0.05


class Capacity(NamedTuple):
    """The number of responses, and the seconds that they took together."""

    responses: int
    seconds: float


class PacedResponses(NamedTuple):
    """The responses to a load at a steady rate.

    Attributes:
        each: the seconds that each response took.
        seconds: the seconds of the whole load.
        processor_seconds: the processor time of the load.
        fixed_work: the processor times of the same piece of work, which was done again and again during the load.
    """

    each: list[float]
    seconds: float
    processor_seconds: float
    fixed_work: list[float]


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
    each, fixed_work = uvloop.run(_paced(port, requests, rate))
    return PacedResponses(each, time.perf_counter() - began, time.process_time() - used, fixed_work)


async def _paced(port: int, requests: Sequence[bytes], rate: float) -> tuple[list[float], list[float]]:
    idle: list[Connection] = []
    fixed_work: list[float] = []

    async def send(number: int) -> None:
        connection = idle.pop() if idle else await Connection.open(port)
        check(await connection.send(requests[number]), 201)
        idle.append(connection)

    working = asyncio.create_task(_repeat_work(fixed_work))
    try:
        each = await open_loop(send, count=len(requests), rate=rate, random=Random(1))  # noqa: S311 - no secret
        return each, fixed_work
    finally:
        working.cancel()
        for connection in idle:
            connection.close()


async def _repeat_work(taken: list[float]) -> None:
    """Do a piece of work until cancelled. It takes about half a millisecond, a hundredth of the time."""
    while True:
        began = time.thread_time()
        sum(number * number % 7 for number in range(WORK))
        taken.append(time.thread_time() - began)
        await asyncio.sleep(WORK_PAUSE)


def _begun_in_time(requests: Iterable[bytes], sent: list[bytes], seconds: float) -> Iterator[bytes]:
    """Yield requests for `seconds`, and add each one to `sent`."""
    end = time.perf_counter() + seconds
    for request in requests:
        if time.perf_counter() >= end:
            return
        sent.append(request)
        yield request
