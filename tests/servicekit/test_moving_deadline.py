from __future__ import annotations

from typing import TYPE_CHECKING, Any

from servicekit.moving_deadline import MovingDeadline

if TYPE_CHECKING:
    from collections.abc import Callable


class Timer:
    def __init__(self, at: float, callback: Callable[[], None]) -> None:
        self.at, self.callback, self.cancelled = at, callback, False

    def cancel(self) -> None:
        self.cancelled = True


class Loop:
    """An event loop whose clock the test moves."""

    def __init__(self) -> None:
        self.now = 0.0
        self.timers: list[Timer] = []

    def time(self) -> float:
        return self.now

    def call_at(self, at: float, callback: Callable[[], None]) -> Timer:
        self.timers.append(Timer(at, callback))
        return self.timers[-1]

    def go_to(self, at: float) -> None:
        self.now = at
        for timer in [each for each in self.timers if each.at <= at]:
            self.timers.remove(timer)
            if not timer.cancelled:
                timer.callback()


def started() -> tuple[Any, MovingDeadline, list[float]]:
    loop: Any = Loop()
    expired: list[float] = []
    return loop, MovingDeadline(loop, lambda: expired.append(loop.now)), expired


def test_it_expires_once() -> None:
    loop, deadline, expired = started()
    deadline.move(5.0)
    loop.go_to(4.0)
    assert expired == []
    loop.go_to(5.0)
    loop.go_to(50.0)
    assert expired == [5.0]


def test_a_later_deadline_needs_no_new_timer() -> None:
    loop, deadline, expired = started()
    for at in range(5, 1_000):
        deadline.move(float(at))
    assert len(loop.timers) == 1
    loop.go_to(5.0)
    assert expired == []
    loop.go_to(999.0)
    assert expired == [999.0]


def test_an_earlier_deadline_counts() -> None:
    loop, deadline, expired = started()
    deadline.move(50.0)
    deadline.move(5.0)
    loop.go_to(5.0)
    assert expired == [5.0]


def test_a_removed_deadline_does_not_expire() -> None:
    loop, deadline, expired = started()
    deadline.move(5.0)
    deadline.remove()
    loop.go_to(6.0)
    assert expired == []
    deadline.move(8.0)
    loop.go_to(8.0)
    assert expired == [8.0]


def test_a_closed_deadline_leaves_no_timer() -> None:
    loop, deadline, expired = started()
    deadline.move(5.0)
    deadline.close()
    assert loop.timers[0].cancelled
    loop.go_to(6.0)
    assert expired == []
