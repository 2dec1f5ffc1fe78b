"""Requests that need the same result at the same time share one job."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Callable  # noqa: TC003 - an annotation that dataclasses read
from dataclasses import dataclass, field

import pytest

from router.preparation.preparing_thread import PreparingThread
from router.preparation.single_flight import SingleFlight


@dataclass
class Kitchen:
    """Makes dishes, one after the other, while `open` is set; counts what was made and what was kept."""

    open: threading.Event = field(default_factory=threading.Event)
    begun: threading.Event = field(default_factory=threading.Event)
    made: list[str] = field(default_factory=list)
    kept: dict[str, str] = field(default_factory=dict)

    def flights(self) -> SingleFlight[str, str]:
        return SingleFlight(PreparingThread(), self.kept.__setitem__)

    def dish(self, name: str) -> Callable[[], str]:
        def make() -> str:
            self.begun.set()
            assert self.open.wait(30)
            self.made.append(name)
            return name.upper()

        return make


async def begun(kitchen: Kitchen) -> None:
    assert await asyncio.to_thread(kitchen.begun.wait, 10)


async def test_a_hundred_requests_at_once_are_one_job() -> None:
    kitchen = Kitchen()
    flights = kitchen.flights()
    waiting = [asyncio.create_task(flights.result("soup", kitchen.dish("soup"))) for _ in range(100)]
    await begun(kitchen)
    assert "soup" in flights
    kitchen.open.set()
    assert await asyncio.gather(*waiting) == ["SOUP"] * 100
    assert (kitchen.made, kitchen.kept) == (["soup"], {"soup": "SOUP"})
    assert "soup" not in flights


async def test_a_request_that_leaves_does_not_stop_the_job_of_others() -> None:
    kitchen = Kitchen()
    flights = kitchen.flights()
    first, second = (asyncio.create_task(flights.result("soup", kitchen.dish("soup"))) for _ in range(2))
    await begun(kitchen)
    first.cancel()
    with pytest.raises(asyncio.CancelledError):
        await first
    kitchen.open.set()
    assert await second == "SOUP"


async def test_a_job_that_has_begun_is_kept_even_if_nobody_waits_any_more() -> None:
    kitchen = Kitchen()
    flights = kitchen.flights()
    with pytest.raises(TimeoutError):
        async with asyncio.timeout(0.01):
            await flights.result("soup", kitchen.dish("soup"))
    again = asyncio.create_task(flights.result("soup", kitchen.dish("soup")))
    await asyncio.sleep(0)
    kitchen.open.set()
    assert await again == "SOUP"
    assert (kitchen.made, kitchen.kept) == (["soup"], {"soup": "SOUP"})


async def test_a_job_that_nobody_waits_for_is_dropped_before_it_begins() -> None:
    kitchen = Kitchen()
    flights = kitchen.flights()
    soup = asyncio.create_task(flights.result("soup", kitchen.dish("soup")))
    await begun(kitchen)
    stew = asyncio.create_task(flights.result("stew", kitchen.dish("stew")))
    await asyncio.sleep(0)
    stew.cancel()
    with pytest.raises(asyncio.CancelledError):
        await stew
    assert "stew" not in flights
    again = asyncio.create_task(flights.result("stew", kitchen.dish("stew")))
    await asyncio.sleep(0)
    kitchen.open.set()
    assert (await soup, await again) == ("SOUP", "STEW")
    assert kitchen.made == ["soup", "stew"]


async def test_all_who_wait_for_a_job_get_its_exception() -> None:
    flights = Kitchen().flights()

    def burn() -> str:
        raise ValueError("burnt")

    outcomes = await asyncio.gather(*(flights.result("soup", burn) for _ in range(3)), return_exceptions=True)
    assert [str(one) for one in outcomes] == ["burnt"] * 3
    assert "soup" not in flights
