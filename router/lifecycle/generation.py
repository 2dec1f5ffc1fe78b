"""One gateway after another behind one application: new requests meet the new one, those in flight finish on theirs.

requests ──> Rollover ──> generation 3          current
                          generation 2          retired: 4 requests in flight, closed when they are through
"""

from __future__ import annotations

import asyncio
import gc
import hashlib
import time
from typing import TYPE_CHECKING

import structlog

from router.server.service_unavailable import Unavailable
from servicekit.health import NotReady

if TYPE_CHECKING:
    from router.gateway import Gateway
    from router.lifecycle.warm_up import Warmed
    from router.settings import RouterSettings
    from servicekit.asgi import Receive, Scope, Send

GC_THRESHOLD = 50_000
"""Young objects to collect after, instead of 700: a request makes thousands that die with it. Measured at 9 % of the
CPU time of a request together with freezing what start-up made."""

LAST_SECONDS = 1.0
"""What a request that reached its deadline needs to be answered, on a machine that is busy."""

_NOT_LOADED = Unavailable("SUPERGRAPH_NOT_LOADED", "This router has no supergraph yet.", retry_after=1)

_log = structlog.stdlib.get_logger("reload")


class Generation:
    """A gateway, what it was made of, and the requests it is answering."""

    def __init__(self, gateway: Gateway, settings: RouterSettings, sdl: str, warmed: Warmed) -> None:
        self.gateway = gateway
        self.settings = settings
        self.sdl = sdl
        self.warmed = warmed
        self.hash = hashlib.sha256(sdl.encode()).hexdigest()[:16]
        self.number = 0
        self.loaded_at = time.time()
        self.in_flight = 0
        self._quiet = asyncio.Event()
        self._quiet.set()

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        self.in_flight += 1
        self._quiet.clear()
        try:
            await self.gateway.overload(scope, receive, send)
        finally:
            self.in_flight -= 1
            if self.in_flight == 0:
                self._quiet.set()

    async def close(self) -> None:
        """Wait for what is in flight, at most as long as a request may take, then let go of all connections."""
        # Every request has a deadline, mutations that nobody waits for too: after that, nothing here runs any more.
        longest = self.settings.traffic.request_timeout + LAST_SECONDS
        try:
            async with asyncio.timeout(longest):
                await self._quiet.wait()
        except TimeoutError:
            _log.warning("requests of a replaced supergraph are still in flight", requests=self.in_flight)
        await self.gateway.aclose(mutation_grace=longest)


class Rollover:
    """An ASGI application (HTTP only) that is always there, whatever it runs, and before it runs anything."""

    def __init__(self) -> None:
        self.current: Generation | None = None
        self._retiring: set[asyncio.Task[None]] = set()
        self._count = 0

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if self.current is not None:
            await self.current(scope, receive, send)
        else:
            await _NOT_LOADED.answer(scope, send)

    async def check_loaded(self) -> None:
        """For readiness. Raises `NotReady` while there is no supergraph."""
        if self.current is None:
            raise NotReady("no supergraph is loaded")

    async def check_capacity(self) -> None:
        """For readiness. Raises `NotReady` while requests are being refused."""
        if self.current is not None:
            self.current.gateway.overload.check()

    def adopt(self, generation: Generation) -> None:
        """Send every request from now on to `generation`; its predecessor closes when it has nothing left to do."""
        previous, self.current = self.current, generation
        self._count += 1
        generation.number = self._count
        if previous is None:
            gc.collect()  # what loading left behind must not be frozen with the rest
            freeze()
            return
        task = asyncio.get_running_loop().create_task(_retire(previous))
        del previous  # the task's alone from here
        self._retiring.add(task)
        task.add_done_callback(self._retiring.discard)

    async def aclose(self) -> None:
        """Close the current generation, and wait for those before it."""
        if self.current is not None:
            await self.current.gateway.aclose()
        for task in self._retiring:
            task.cancel()
        await asyncio.gather(*self._retiring, return_exceptions=True)


async def _retire(generation: Generation) -> None:
    number = generation.number
    await generation.close()
    del generation
    # Schemas are rings of references, and what was frozen is not looked at by the collector any more.
    gc.unfreeze()
    gc.collect()
    freeze()
    _log.info("a replaced supergraph was let go", generation=number)


def freeze() -> None:
    """Spare the collector what stays: schema, plans, modules."""
    gc.freeze()
    gc.set_threshold(GC_THRESHOLD)
