"""The thread that does what would block the event loop: reading documents and planning operations.

One for each worker process. Python code of two threads takes turns: with one preparing thread, the event loop waits at
most `SWITCH_INTERVAL_SECONDS` for its turn; with more of them it would wait for each.
"""

from __future__ import annotations

import threading
from concurrent.futures import Future
from queue import SimpleQueue
from typing import TYPE_CHECKING, Any, Final, TypeVar

if TYPE_CHECKING:
    from collections.abc import Callable

T = TypeVar("T")

SWITCH_INTERVAL_SECONDS: Final = 0.001
"""How long a thread runs before another one may (`sys.setswitchinterval`): the event loop waits so long after each of
its system calls while something is prepared. Measured with one preparing thread: 1 ms adds 6.6 ms to the 99th
percentile of a cached request, Python's default of 5 ms adds 31 ms."""

STACK_BYTES: Final = 16 * 1024 * 1024
"""Enough for the interpreter's recursion limit, whatever the platform gives a thread (128 KB in places)."""


class PreparingThread:
    """Runs one job after another, in the order of their submission. It starts with the first job.

    The thread is a daemon: a process that ends does not wait for plans that nobody will use.
    """

    def __init__(self) -> None:
        self._jobs: SimpleQueue[tuple[Future[Any], Callable[[], Any]]] = SimpleQueue()
        self._thread: threading.Thread | None = None
        self._starting = threading.Lock()

    def submit(self, work: Callable[[], T]) -> Future[T]:
        """Have `work` done; until it has begun, the job can be cancelled. For callers of any thread."""
        job: Future[T] = Future()
        self._jobs.put((job, work))
        with self._starting:
            if self._thread is None or not self._thread.is_alive():
                self._thread = _started(self._run)
        return job

    def _run(self) -> None:
        while True:
            _carry_out(*self._jobs.get())


def _started(target: Callable[[], None]) -> threading.Thread:
    usual = threading.stack_size(STACK_BYTES)  # of all threads that start from here on
    try:
        thread = threading.Thread(target=target, name="preparation", daemon=True)
        thread.start()
    finally:
        threading.stack_size(usual)
    return thread


def _carry_out(job: Future[T], work: Callable[[], T]) -> None:
    if not job.set_running_or_notify_cancel():
        return
    try:
        result = work()
    except BaseException as error:  # noqa: BLE001  (it belongs to those who wait for the job)
        job.set_exception(error)
    else:
        job.set_result(result)


PREPARING_THREAD: Final = PreparingThread()
"""Shared by all gateways of the process: while a supergraph is replaced there are two."""
