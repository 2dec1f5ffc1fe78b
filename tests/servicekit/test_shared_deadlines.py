from __future__ import annotations

from typing import Any

from servicekit.shared_deadlines import SharedDeadlines, of_running_loop
from tests.servicekit.test_moving_deadline import Loop


class Limit:
    def __init__(self, name: str, ended: list[str]) -> None:
        self._name, self._ended = name, ended

    def end(self) -> None:
        self._ended.append(self._name)


def test_each_deadline_ends_at_its_time_with_one_timer() -> None:
    loop: Any = Loop()
    ended: list[str] = []
    shared = SharedDeadlines(loop)
    for name, at in (("c", 30.0), ("a", 10.0), ("b", 20.0)):
        shared.add(Limit(name, ended), at)
    assert len([timer for timer in loop.timers if not timer.cancelled]) == 1
    loop.go_to(9.0)
    assert ended == []
    loop.go_to(10.0)
    assert ended == ["a"]
    loop.go_to(30.0)
    assert ended == ["a", "c", "b"]
    assert loop.timers == []


def test_a_removed_deadline_does_not_end() -> None:
    loop: Any = Loop()
    ended: list[str] = []
    shared = SharedDeadlines(loop)
    removed, kept = Limit("removed", ended), Limit("kept", ended)
    shared.add(removed, 10.0)
    shared.add(kept, 20.0)
    shared.remove(removed)
    shared.remove(removed)
    loop.go_to(10.0)
    loop.go_to(20.0)
    assert ended == ["kept"]


def test_deadlines_that_are_removed_in_time_need_no_further_timer() -> None:
    loop: Any = Loop()
    shared = SharedDeadlines(loop)
    for number in range(1_000):
        limit = Limit("", [])
        shared.add(limit, 10.0 + number)
        shared.remove(limit)
    assert len(loop.timers) == 1


async def test_a_loop_keeps_its_deadlines() -> None:
    assert of_running_loop() is of_running_loop()
