"""Replaces a gateway while requests run. New requests use the new gateway; running requests finish with the old one.

A generation is one gateway with its settings and its running requests:

requests ──> Rollover ──> generation 3          current
                          generation 2          retired: 4 requests in flight, closed when they have finished
"""

from __future__ import annotations

import asyncio
import gc
import hashlib
import time
from typing import TYPE_CHECKING

import structlog

from router.server.respond_503_before_reading import ServiceUnavailable
from servicekit.garbage_collection import collect_and_freeze, freeze
from servicekit.health import NotReady

if TYPE_CHECKING:
    from collections.abc import Mapping

    from router.gateway import Gateway
    from router.lifecycle.warm_up import WarmUpResult
    from router.settings import RouterSettings
    from servicekit.asgi import Receive, Scope, Send
    from servicekit.http_server.messages import DirectWork, WholeRequest, WholeResponse, WriteResponse
    from servicekit.request_admission import AdmissionRules

OPEN_BREAKERS = "open_circuit_breakers"
"""The key in health responses and `/status` for the circuit breakers that are not closed: their number or subgraphs."""

LAST_SECONDS = 1.0
"""The number of seconds that a request may run after its deadline, because a busy machine can be late."""

_NOT_LOADED = ServiceUnavailable("SUPERGRAPH_NOT_LOADED", "This router has no supergraph yet.", retry_after=1)

_log = structlog.stdlib.get_logger("reload")


class Generation:
    """A gateway with its settings, the SDL of its supergraph, and the number of its running requests (`in_flight`).

    If the configuration file could not be used, the previous generation's settings are used, and
    `settings_problem` says why. Otherwise, `settings_problem` is None.
    """

    def __init__(self, gateway: Gateway, settings: RouterSettings, sdl: str, warm_up_result: WarmUpResult) -> None:
        self.gateway = gateway
        self.settings = settings
        self.sdl = sdl
        self.warm_up_result = warm_up_result
        self.hash = hashlib.sha256(sdl.encode()).hexdigest()[:16]
        self.settings_problem: str | None = None
        self.number = 0
        self.loaded_at = time.time()
        self.in_flight = 0
        self._idle: asyncio.Event | None = None

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        self.in_flight += 1
        try:
            await self.gateway.overload(scope, receive, send)
        finally:
            self._end_request()

    def direct(self, request: WholeRequest) -> DirectWork | None:
        """Respond to some requests without the messages of ASGI (`DirectHandler`)."""
        work = self.gateway.overload.direct(request)
        return None if work is None else self._counted(work)

    async def _counted(self, work: DirectWork) -> WholeResponse | WriteResponse:
        self.in_flight += 1
        try:
            return await work
        finally:
            self._end_request()

    def _end_request(self) -> None:
        self.in_flight -= 1
        if self._idle is not None and self.in_flight == 0:
            self._idle.set()

    async def close(self) -> None:
        """Wait until the running requests have ended, and then close all connections.

        If requests still run after the time limit of a request, close the connections anyway.
        """
        # No request runs longer than this, not even a mutation whose client has disconnected.
        max_seconds = self.settings.traffic.request_timeout + LAST_SECONDS
        self._idle = asyncio.Event()
        if self.in_flight == 0:
            self._idle.set()
        try:
            async with asyncio.timeout(max_seconds):
                await self._idle.wait()
        except TimeoutError:
            _log.warning("requests of a replaced supergraph are still in flight", requests=self.in_flight)
        await self.gateway.aclose(mutation_grace=max_seconds)


class Rollover:
    """An ASGI application (HTTP only) that passes each request to the current generation.

    If no generation is loaded yet, the application responds with 503.
    """

    def __init__(self) -> None:
        self.current: Generation | None = None
        self._retiring: set[asyncio.Task[None]] = set()
        self._count = 0

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if self.current is not None:
            await self.current(scope, receive, send)
        else:
            await _NOT_LOADED.respond(scope, send)

    def direct(self, request: WholeRequest) -> DirectWork | None:
        """Respond to some requests without the messages of ASGI (`DirectHandler`)."""
        return self.current.direct(request) if self.current is not None else None

    async def check_loaded(self) -> None:
        """Check readiness: raise `NotReady` while no supergraph is loaded."""
        if self.current is None:
            raise NotReady("no supergraph is loaded")

    async def check_capacity(self) -> None:
        """Check readiness: raise `NotReady` while requests are refused because of overload."""
        if self.current is not None:
            self.current.gateway.overload.check()

    def admission_rules(self) -> AdmissionRules | None:
        """Return when requests start now; None if no supergraph is loaded."""
        return self.current.gateway.overload if self.current is not None else None

    async def health_details(self) -> Mapping[str, object]:
        """Return how many circuit breakers are not closed, if any. Subgraphs are not named, because clients see this.

        An open circuit breaker does not make the router unready: the router serves all other subgraphs, and another
        router would fail to reach the same subgraph.
        """
        open_breakers = self.current.gateway.traffic.open_breakers() if self.current is not None else ()
        return {OPEN_BREAKERS: len(open_breakers)} if open_breakers else {}

    def adopt(self, generation: Generation) -> None:
        """Pass all further requests to `generation`. Close the previous generation when its requests have ended."""
        previous, self.current = self.current, generation
        self._count += 1
        generation.number = self._count
        if previous is None:
            freeze()  # without a collection before: a start makes almost no garbage, and visiting a schema takes long
            return
        task = asyncio.get_running_loop().create_task(_retire(previous))
        del previous  # a reference in this function could keep the old schema in memory
        self._retiring.add(task)
        task.add_done_callback(self._retiring.discard)

    async def aclose(self) -> None:
        """Close the current generation, and stop waiting for the requests of previous generations."""
        if self.current is not None:
            await self.current.gateway.aclose()
        for task in self._retiring:
            task.cancel()
        await asyncio.gather(*self._retiring, return_exceptions=True)


async def _retire(generation: Generation) -> None:
    number = generation.number
    await generation.close()
    del generation
    # A schema has reference cycles, so only the garbage collector can free it. The collector ignores frozen objects.
    gc.unfreeze()
    collect_and_freeze()
    _log.info("a replaced supergraph was released", generation=number)
