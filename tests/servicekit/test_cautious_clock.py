from __future__ import annotations

from datetime import UTC, datetime, timedelta

from servicekit.cautious_clock import BELIEVED_AFTER, CautiousClock

START = datetime(2026, 1, 31, 9, 30, tzinfo=UTC)


class Machine:
    """A wall clock that can be set, and the monotonic clock beside it."""

    def __init__(self) -> None:
        self.wall = START
        self.seconds = 500.0
        self.clock = CautiousClock(lambda: self.wall, monotonic=lambda: self.seconds)

    def runs(self, duration: timedelta) -> None:
        self.wall += duration
        self.seconds += duration.total_seconds()


def test_it_is_the_wall_clock_while_that_runs_evenly() -> None:
    machine = Machine()
    for duration in (timedelta(0), timedelta(milliseconds=1), timedelta(days=400)):
        machine.runs(duration)
        assert machine.clock() == machine.wall


def test_small_corrections_are_followed() -> None:
    machine = Machine()
    machine.wall += timedelta(seconds=30)
    assert machine.clock() == machine.wall


def test_a_jump_ahead_is_not_believed_and_the_time_goes_on() -> None:
    machine = Machine()
    machine.wall += timedelta(days=31)
    assert machine.clock() == START
    machine.runs(timedelta(minutes=30))
    assert machine.clock() == START + timedelta(minutes=30)
    machine.wall -= timedelta(days=31)
    assert machine.clock() == machine.wall


def test_a_clock_that_stays_ahead_is_believed_in_the_end() -> None:
    machine = Machine()
    machine.wall += timedelta(days=31)
    machine.clock()
    machine.runs(BELIEVED_AFTER)
    assert machine.clock() == machine.wall
    machine.runs(timedelta(hours=1))
    assert machine.clock() == machine.wall


def test_a_step_back_is_followed_at_once() -> None:
    machine = Machine()
    machine.wall -= timedelta(minutes=10)
    assert machine.clock() == machine.wall
    machine.wall += timedelta(minutes=10)
    assert machine.clock() == START
