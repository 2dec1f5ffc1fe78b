"""A kind of route whose places are taken refuses requests; other kinds do not notice."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, get_args

import pytest

from rest_compat.bulkheads import BulkheadLimits, Bulkheads
from rest_compat.errors import RestError
from rest_compat.route import RouteKind
from rest_compat.routes import ROUTES

if TYPE_CHECKING:
    from collections.abc import Iterable

LONG = 30.0


class Visitor:
    """A request that holds a place until it is released."""

    def __init__(self, bulkheads: Bulkheads, kind: RouteKind) -> None:
        self.inside = asyncio.Event()
        self.release = asyncio.Event()
        self._bulkheads, self._kind = bulkheads, kind
        self.task = asyncio.ensure_future(self._run())

    async def _run(self) -> None:
        async with self._bulkheads.place(self._kind):
            self.inside.set()
            await self.release.wait()


async def turns() -> None:
    """Let every task run until it waits."""
    for _ in range(5):
        await asyncio.sleep(0)


async def finish(visitors: Iterable[Visitor]) -> None:
    for visitor in visitors:
        visitor.release.set()
    await asyncio.gather(*(visitor.task for visitor in visitors))


async def test_a_request_beyond_places_and_queue_is_refused_at_once() -> None:
    bulkheads = Bulkheads(BulkheadLimits(running=2, waiting=1, wait_seconds=LONG))
    running = [Visitor(bulkheads, "accounts") for _ in range(2)]
    await turns()
    queued = Visitor(bulkheads, "accounts")
    await turns()
    with pytest.raises(RestError) as refused:
        async with bulkheads.place("accounts"):
            pass
    assert (refused.value.status, refused.value.headers) == (503, {"retry-after": "5"})
    assert not queued.inside.is_set()
    running[0].release.set()
    await queued.inside.wait()
    await finish([*running, queued])


async def test_a_queue_that_does_not_move_is_left_in_time() -> None:
    bulkheads = Bulkheads(BulkheadLimits(running=1, waiting=1, wait_seconds=0.01))
    running = Visitor(bulkheads, "accounts")
    await running.inside.wait()
    with pytest.raises(RestError):
        await Visitor(bulkheads, "accounts").task
    await finish([running])
    async with bulkheads.place("accounts"):
        pass


async def test_another_kind_has_places_of_its_own() -> None:
    bulkheads = Bulkheads(BulkheadLimits(running=1, waiting=0, wait_seconds=LONG))
    full = [Visitor(bulkheads, kind) for kind in get_args(RouteKind) if kind != "session"]
    await turns()
    async with bulkheads.place("session"):
        pass
    await finish(full)


async def test_a_request_that_is_cancelled_leaves_no_trace() -> None:
    bulkheads = Bulkheads(BulkheadLimits(running=1, waiting=1, wait_seconds=LONG))
    running = Visitor(bulkheads, "accounts")
    await running.inside.wait()
    for _ in range(3):
        queued = Visitor(bulkheads, "accounts")
        await turns()
        queued.task.cancel()
        await asyncio.gather(queued.task, return_exceptions=True)
    running.task.cancel()
    await asyncio.gather(running.task, return_exceptions=True)
    async with bulkheads.place("accounts"):
        pass


def test_the_kind_of_a_route_follows_from_what_it_does() -> None:
    for route in ROUTES:
        if route.moves_money:
            expected = "orders"
        elif not route.secured:
            expected = "sign-in"
        else:
            expected = {"auth": "session"}.get(route.segments[1], route.segments[1])
        assert route.kind == expected, route.path
