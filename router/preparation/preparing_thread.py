"""The preparing thread: runs work that would block the event loop, such as reading documents and planning operations.

Each worker process has one preparing thread. Only one thread of a process can run Python code at a time. So the event
loop sometimes waits for the preparing thread, each time for at most `SWITCH_INTERVAL_SECONDS`. With several preparing
threads, each wait could be several times as long.
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
"""A thread runs for this time before another thread may run (`sys.setswitchinterval`).

While the preparing thread works, the event loop waits this long after each system call. We measured requests with a
cached plan in this situation: an interval of 1 ms adds 6.6 ms to the 99th percentile of the response time. Python's
default interval of 5 ms adds 31 ms.
"""

STACK_BYTES: Final = 16 * 1024 * 1024
"""The stack size of the thread: enough for the recursion limit of Python. Some platforms give a thread only 128 KB."""


class PreparingThread:
    """Runs jobs one after another, in the order of the calls to `submit`. The first call starts the thread.

    The thread is a daemon thread, so a process can end while jobs are unfinished.
    """

    def __init__(self) -> None:
        self._jobs: SimpleQueue[tuple[Future[Any], Callable[[], Any]]] = SimpleQueue()
        self._thread: threading.Thread | None = None
        self._starting = threading.Lock()

    def submit(self, work: Callable[[], T]) -> Future[T]:
        """Run `work` in the thread. The returned job can be cancelled until it starts. Any thread may call `submit`."""
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
    usual = threading.stack_size(STACK_BYTES)  # applies to all threads that start after this call
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
    except BaseException as error:  # noqa: BLE001 - the error is raised for the callers that wait for the job
        job.set_exception(error)
    else:
        job.set_result(result)


PREPARING_THREAD: Final = PreparingThread()
"""The preparing thread of this process.

While a supergraph is replaced, the process has two gateways. Both use this thread.
"""
