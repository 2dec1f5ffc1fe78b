"""Runs one router process: its ASGI application and its reloads. Reports the status of the process."""

from __future__ import annotations

import asyncio
import os
import sys
import time
from collections.abc import Hashable
from contextlib import AsyncExitStack
from functools import cached_property
from typing import TYPE_CHECKING, TypeVar

import structlog

from router.lifecycle.gateway_generations import OPEN_BREAKERS, Rollover
from router.lifecycle.reload_on_change import Watch
from router.lifecycle.reloading import Reloader
from router.lifecycle.resident_memory import resident_bytes
from router.preparation.preparing_thread import SWITCH_INTERVAL_SECONDS
from servicekit.access_log import RequestIdMiddleware
from servicekit.health import HealthEndpoints, NotReady
from servicekit.logging import background_status
from servicekit.request_admission import RequestAdmission

if TYPE_CHECKING:
    from collections.abc import Coroutine, Sequence
    from contextlib import AbstractAsyncContextManager

    from router.lifecycle.admin_port import JsonObject
    from router.lifecycle.build_gateway import FileLocations
    from router.storage.lru import Lru
    from servicekit.asgi import ASGIApp, Receive, Scope, Send

K = TypeVar("K", bound=Hashable)
V = TypeVar("V")

MAX_WAITING_REQUESTS = 250
"""The number of requests that may wait until others have ended, a quarter of the default of `server.max_connections`.
Each of them occupies a connection, and running requests need connections too."""

_log = structlog.stdlib.get_logger("reload")


class RouterProcess:
    """A process that serves one port. Call `start`, and then serve the ASGI application `asgi`.

    `companions` are context managers, for example an admin port. They are open as long as the application runs.
    `admission` decides when requests start; at most `max_waiting` wait. `direct` responds to some requests without the
    messages of ASGI.
    """

    def __init__(self, locations: FileLocations, max_waiting: int = MAX_WAITING_REQUESTS) -> None:
        self._rollover = Rollover()
        self.admission = RequestAdmission(self._rollover.admission_rules, max_waiting)
        self.direct = self._rollover.direct
        self._reloader = Reloader(locations, self._rollover)
        self._tasks: set[asyncio.Task[None]] = set()
        self._loop: asyncio.AbstractEventLoop | None = None
        self._reload_requested = False
        self.companions: list[AbstractAsyncContextManager[object]] = []

    def start(self) -> None:
        """Load the supergraph if its source is a file.

        Raises:
            StartupError: the configuration or the supergraph cannot be used.
        """
        self._reloader.start()

    @cached_property
    def asgi(self) -> ASGIApp:
        """The ASGI application for GraphQL requests and health checks."""
        checks = {"supergraph": self._rollover.check_loaded, "capacity": self._rollover.check_capacity}
        return RequestIdMiddleware(
            HealthEndpoints(self._serve, checks, self._rollover.health_details), access_log=False
        )

    async def status(self) -> Sequence[JsonObject]:
        """Return a list with the status of this process (see `admin_port.Operable`)."""
        current = self._rollover.current
        last = self._reloader.last
        status: JsonObject = {
            "pid": os.getpid(),
            "memory_bytes": resident_bytes(),
            "ready": await self._is_ready(),
            "last_reload": last.to_json() if last is not None else None,
            "log": background_status(),
            "supergraph_cache": self._reloader.supergraph_cache.status(),
        }
        if current is not None:
            preparation = current.gateway.preparation
            status |= {
                "supergraph": current.hash,
                "generation": current.number,
                "loaded_seconds_ago": round(time.time() - current.loaded_at, 1),
                "in_flight": current.in_flight,
                "refused": current.gateway.overload.refused,
                "log": {**background_status(), "skipped": current.gateway.overload.log_sampling.skipped},
                "admission": self.admission.status(),
                "limits_exceeded": dict(current.gateway.limits.exceeded),
                "warmed_up": current.warm_up_result._asdict(),
                "caches": {
                    "documents": _cache(preparation.documents),
                    "plans": _cache(preparation.plans),
                    "compiled_plans": _cache(current.gateway.compiled_plans.cache),
                },
                OPEN_BREAKERS: list(current.gateway.traffic.open_breakers()),
                "policies": current.gateway.status(),
                "executions": current.gateway.compiled_plans.counts._asdict(),
            }
        return [status]

    async def reload(self) -> Sequence[JsonObject]:
        """Reload the configuration and the supergraph, because a client of the admin port asks for it.

        Reload even if no watched file has changed, because a certificate may have changed.
        """
        return [(await self._reloader.reload("admin", force=True)).to_json()]

    async def reload_on_signal(self) -> Sequence[JsonObject]:
        """Reload after SIGHUP, even if no watched file has changed."""
        return [(await self._reloader.reload("SIGHUP", force=True)).to_json()]

    def request_reload(self) -> None:
        """Request a reload after SIGHUP. A signal handler may call this method, even before the server runs."""
        if self._loop is not None:
            self._loop.call_soon_threadsafe(self._start_task, self._reload_for_signal())
        else:
            self._reload_requested = True

    async def _reload_for_signal(self) -> None:
        await self.reload_on_signal()

    async def _is_ready(self) -> bool:
        try:
            await self._rollover.check_loaded()
            await self._rollover.check_capacity()
        except NotReady:
            return False
        return True

    async def _serve(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] == "http":
            await self._rollover(scope, receive, send)
        elif scope["type"] == "lifespan":
            await self._run_lifespan(receive, send)
        else:
            raise ValueError(f"{scope['type']} connections are not supported")

    async def _run_lifespan(self, receive: Receive, send: Send) -> None:
        await receive()
        self._loop = asyncio.get_running_loop()
        sys.setswitchinterval(SWITCH_INTERVAL_SECONDS)
        watch = Watch(self._reloader, self._rollover)
        self._start_task(watch.files())
        self._start_task(watch.address())
        self._log_supergraph()
        if self._reload_requested:
            self._start_task(self._reload_for_signal())
        async with AsyncExitStack() as stack:
            for companion in self.companions:
                await stack.enter_async_context(companion)
            await send({"type": "lifespan.startup.complete"})
            await receive()
            self._reloader.close()
            for task in self._tasks:
                task.cancel()
            await asyncio.gather(*self._tasks, return_exceptions=True)
            await self._rollover.aclose()
        await send({"type": "lifespan.shutdown.complete"})

    def _log_supergraph(self) -> None:
        current = self._rollover.current  # a local variable: an attribute would keep a replaced supergraph in memory
        if current is not None:
            _log.info("serving", supergraph=current.hash, warmed_up=current.warm_up_result._asdict())

    def _start_task(self, work: Coroutine[object, object, None]) -> None:
        task = asyncio.get_running_loop().create_task(work)
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)


def _cache(cache: Lru[K, V]) -> JsonObject:
    lookups = cache.hits + cache.misses
    return {
        "entries": len(cache),
        "memory_bytes": cache.weight,
        "hits": cache.hits,
        "misses": cache.misses,
        "hit_ratio": round(cache.hits / lookups, 4) if lookups else None,
    }
