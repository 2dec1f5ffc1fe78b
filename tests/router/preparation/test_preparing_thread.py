"""The preparing thread runs jobs while the event loop serves requests."""

from __future__ import annotations

import sys
import threading
from functools import partial

import pytest

from router.preparation.preparing_thread import STACK_BYTES, PreparingThread


def test_jobs_run_in_their_order_in_one_thread() -> None:
    thread = PreparingThread()
    order: list[int] = []

    def job(number: int) -> int:
        order.append(number)
        return threading.get_ident()

    threads = {submitted.result(10) for submitted in [thread.submit(partial(job, number)) for number in range(20)]}
    assert order == list(range(20))
    assert len(threads) == 1
    assert threading.get_ident() not in threads


def test_an_exception_belongs_to_its_job_alone() -> None:
    thread = PreparingThread()
    failing, other = thread.submit(lambda: 1 // 0), thread.submit(lambda: 1)
    with pytest.raises(ZeroDivisionError):
        failing.result(10)
    assert other.result(10) == 1


def test_a_job_can_be_cancelled_until_it_begins() -> None:
    thread, begun, go_on = PreparingThread(), threading.Event(), threading.Event()

    def wait() -> bool:
        begun.set()
        return go_on.wait(30)

    first, second = thread.submit(wait), thread.submit(lambda: True)
    assert begun.wait(30)
    assert (first.cancel(), second.cancel()) == (False, True)
    go_on.set()
    assert first.result(10)


def nested(depth: int) -> int:
    """Recurse through C functions, which use the stack of the thread."""
    return 0 if depth == 0 else max(map(nested, [depth - 1])) + 1


def test_the_stack_is_enough_for_the_recursion_limit() -> None:
    thread = PreparingThread()
    usual = threading.stack_size(64 * 1024)
    try:
        with pytest.raises(RecursionError):
            thread.submit(lambda: nested(sys.getrecursionlimit())).result(10)
        assert threading.stack_size() == 64 * 1024
    finally:
        threading.stack_size(usual)
    assert STACK_BYTES > 8 * 1024 * 1024
