"""`TimeLimit`: cancels the code inside a `with` statement at a deadline, as `asyncio.timeout_at` does.

It is used for each request. So it is simpler than `asyncio.timeout_at` and takes a fraction of the time: it has no
`reschedule`, no state that can be read, and no timer of its own.
"""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING

from servicekit.shared_deadlines import of_running_loop

if TYPE_CHECKING:
    from types import TracebackType


class TimeLimit:
    """`with TimeLimit(deadline): await ...` raises TimeoutError at `deadline`, a time on the event loop's clock."""

    __slots__ = ("_cancellations", "_deadline", "_is_over", "_shared", "_task")

    def __init__(self, deadline: float) -> None:
        self._deadline = deadline
        self._is_over = False

    def __enter__(self) -> None:
        task = asyncio.current_task()
        if task is None:
            raise RuntimeError("a time limit works only inside a task")
        self._task = task
        self._cancellations = task.cancelling()
        self._shared = of_running_loop()
        self._shared.add(self, self._deadline)

    def end(self) -> None:
        """See `servicekit.shared_deadlines.WithDeadline`."""
        self._is_over = True
        self._task.cancel()

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._shared.remove(self)
        # If other code has cancelled the task too, the error remains a `CancelledError`.
        if self._is_over and self._task.uncancel() <= self._cancellations and kind is asyncio.CancelledError:
            raise TimeoutError from error
