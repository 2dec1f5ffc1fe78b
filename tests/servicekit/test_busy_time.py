"""How long this thread was busy, as the system counts it."""

from __future__ import annotations

import threading
import time

from servicekit.busy_time import busy_time_of_this_thread


def test_work_counts_and_waiting_for_an_event_does_not() -> None:
    busy = busy_time_of_this_thread()
    before, ran = busy(), time.thread_time()
    while time.thread_time() - ran < 0.02:
        pass
    worked = busy() - before
    assert worked >= 0.015  # the system counts in steps
    before, began = busy(), time.monotonic()
    threading.Event().wait(0.2)
    assert busy() - before < time.monotonic() - began
