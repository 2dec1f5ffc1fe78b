"""The limit on concurrent requests, by what is observed."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from servicekit.busy_limit import LATE_SECONDS, MIN_LIMIT, PATIENCE_SECONDS, SPARE_SECONDS, BusyLimit, Observation

if TYPE_CHECKING:
    from collections.abc import Iterator

STEP = 0.05
DURATION = 0.25
# 50 requests end in each step, so 250 running requests take the acceptable time.
ENDED = 50
FITTING = ENDED / STEP * DURATION


class Observed:
    """A limit with a clock."""

    def __init__(self) -> None:
        self.limit = BusyLimit()
        self.at = 100.0

    def observe(self, seconds: float, *, running: int, busy: float = 1.0, late: float = 0.0) -> Iterator[float | None]:
        """The limit after each observation in `seconds`."""
        end = self.at + seconds
        while self.at < end:
            self.at += STEP
            self.limit.observe(Observation(self.at, STEP, busy, late, ENDED, running), DURATION)
            yield self.limit.limit


def test_there_is_no_limit_while_the_processor_has_idle_time() -> None:
    assert set(Observed().observe(10, running=5_000, busy=0.9)) == {None}


def test_there_is_no_limit_while_requests_are_fast() -> None:
    assert set(Observed().observe(10, running=200)) == {None}


def test_a_busy_moment_is_no_reason_for_a_limit() -> None:
    observed = Observed()
    for _ in range(5):
        assert set(observed.observe(PATIENCE_SECONDS - STEP, running=1_000)) == {None}
        assert set(observed.observe(STEP, running=1_000, busy=0.5)) == {None}


def test_too_many_requests_of_a_busy_processor_are_reduced_to_those_that_are_fast() -> None:
    limits = list(Observed().observe(5, running=1_000))
    assert limits[:3] == [None] * 3
    found = [limit for limit in limits if limit is not None]
    assert found == sorted(found, reverse=True)
    assert found[-1] == pytest.approx(FITTING, rel=0.01)


def test_a_late_loop_counts_as_busy() -> None:
    assert list(Observed().observe(5, running=1_000, busy=0.2, late=LATE_SECONDS))[-1] is not None
    assert list(Observed().observe(5, running=1_000, busy=0.2, late=LATE_SECONDS / 2))[-1] is None


def test_few_requests_are_never_limited() -> None:
    observed = Observed()
    for _ in range(100):
        observed.at += 1
        observed.limit.observe(Observation(observed.at, 1, 1.0, 5.0, 1, MIN_LIMIT), DURATION)
        assert observed.limit.limit is None


def test_the_limit_grows_while_it_holds_back_requests_and_the_processor_is_idle() -> None:
    observed = Observed()
    (*_, limit) = observed.observe(5, running=1_000)
    assert limit is not None
    observed.limit.note_waiting(observed.at)
    (*_, grown) = observed.observe(0.5, running=int(limit), busy=0.5)
    assert grown is not None
    assert grown > limit


def test_the_limit_goes_when_no_request_has_waited_for_a_while() -> None:
    observed = Observed()
    list(observed.observe(5, running=1_000))
    observed.limit.note_waiting(observed.at)
    limits = list(observed.observe(SPARE_SECONDS + 2 * STEP, running=10, busy=0.5))
    assert limits[-1] is None
    assert None not in limits[:-3]
