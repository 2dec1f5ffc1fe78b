"""A router in this process that keeps itself up to date: the application, its reloads, and what it says of itself."""

from __future__ import annotations

import asyncio
import os
import time
from collections.abc import Hashable
from contextlib import AsyncExitStack
from functools import cached_property
from typing import TYPE_CHECKING, TypeVar

import structlog

from router.lifecycle.generation import Rollover
from router.lifecycle.memory import resident_bytes
from router.lifecycle.reloading import Reloader
from router.lifecycle.watch import Watch
from servicekit.asgi import RequestContextMiddleware
from servicekit.health import HealthEndpoints, NotReady

if TYPE_CHECKING:
    from collections.abc import Coroutine, Sequence
    from contextlib import AbstractAsyncContextManager

    from router.lifecycle.admin import JsonObject
    from router.lifecycle.reloading import Origin
    from router.storage.lru import Lru
    from servicekit.asgi import ASGIApp, Receive, Scope, Send

K = TypeVar("K", bound=Hashable)
V = TypeVar("V")

_log = structlog.stdlib.get_logger("reload")


class LiveRouter:
    """`start` it, then serve `asgi`; `beside` are what runs as long as it does (an admin port, a control channel)."""

    def __init__(self, origin: Origin) -> None:
        self._rollover = Rollover()
        self._reloader = Reloader(origin, self._rollover)
        self._tasks: set[asyncio.Task[None]] = set()
        self._loop: asyncio.AbstractEventLoop | None = None
        self._hung_up_early = False
        self.beside: list[AbstractAsyncContextManager[object]] = []

    def start(self) -> None:
        """Load what is a file.

        Raises:
            StartupError: the configuration or the supergraph cannot be used.
        """
        self._reloader.start()

    @cached_property
    def asgi(self) -> ASGIApp:
        """GraphQL and health, whatever the current supergraph; each request with an id."""
        checks = {"supergraph": self._rollover.check_loaded, "capacity": self._rollover.check_capacity}
        return RequestContextMiddleware(HealthEndpoints(self._serve, checks), access_log=False)

    async def status(self) -> Sequence[JsonObject]:
        """One worker (see `admin.Operated`)."""
        current = self._rollover.current
        last = self._reloader.last
        told: JsonObject = {
            "pid": os.getpid(),
            "memory_bytes": resident_bytes(),
            "ready": await self._is_ready(),
            "last_reload": last.to_json() if last is not None else None,
        }
        if current is not None:
            preparation = current.gateway.preparation
            told |= {
                "supergraph": current.hash,
                "generation": current.number,
                "loaded_seconds_ago": round(time.time() - current.loaded_at, 1),
                "in_flight": current.in_flight,
                "refused": current.gateway.overload.refused,
                "limits_exceeded": dict(current.gateway.limits.exceeded),
                "warmed_up": current.warmed._asdict(),
                "caches": {"documents": _cache(preparation.documents), "plans": _cache(preparation.plans)},
            }
        return [told]

    async def reload(self) -> Sequence[JsonObject]:
        """Reload even if nothing changed: a certificate may have."""
        return [(await self._reloader.reload("admin", even_unchanged=True)).to_json()]

    async def hang_up(self) -> Sequence[JsonObject]:
        """The same because a signal came."""
        return [(await self._reloader.reload("SIGHUP", even_unchanged=True)).to_json()]

    def reload_soon(self) -> None:
        """Reload because a signal came; safe to call from a signal handler. Before the server runs: once it does."""
        if self._loop is not None:
            self._loop.call_soon_threadsafe(self._begin, self._reload_for_signal())
        else:
            self._hung_up_early = True

    async def _reload_for_signal(self) -> None:
        await self.hang_up()

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
            await self._live(receive, send)
        else:
            raise ValueError(f"no {scope['type']} connections here")

    async def _live(self, receive: Receive, send: Send) -> None:
        await receive()
        self._loop = asyncio.get_running_loop()
        watch = Watch(self._reloader, self._rollover)
        self._begin(watch.files())
        self._begin(watch.address())
        self._tell_what_is_served()
        if self._hung_up_early:
            self._begin(self._reload_for_signal())
        async with AsyncExitStack() as stack:
            for companion in self.beside:
                await stack.enter_async_context(companion)
            await send({"type": "lifespan.startup.complete"})
            await receive()
            self._reloader.close()
            for task in self._tasks:
                task.cancel()
            await asyncio.gather(*self._tasks, return_exceptions=True)
            await self._rollover.aclose()
        await send({"type": "lifespan.shutdown.complete"})

    def _tell_what_is_served(self) -> None:
        current = self._rollover.current  # held no longer than this call, or its memory would never be freed
        if current is not None:
            _log.info("serving", supergraph=current.hash, warmed_up=current.warmed._asdict())

    def _begin(self, work: Coroutine[object, object, None]) -> None:
        task = asyncio.get_running_loop().create_task(work)
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)


def _cache(cache: Lru[K, V]) -> JsonObject:
    asked = cache.hits + cache.misses
    return {
        "entries": len(cache),
        "text_bytes": cache.weight,
        "hits": cache.hits,
        "misses": cache.misses,
        "hit_ratio": round(cache.hits / asked, 4) if asked else None,
    }
