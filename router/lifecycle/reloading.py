"""Loads the configuration and the supergraph at the start and at every reload, and replaces the running gateway.

    router.yaml ──load──> settings ─┐
    supergraph  ──read──> SDL ──────┴──> Gateway ──warm up──> Generation ──adopt──> serves

A generation is a gateway with its settings. Slow steps (loading a schema, planning) run in a thread, while the current
generation serves requests. If a step fails, the reload is refused, and the current generation continues to serve.

An unusable configuration does not prevent the use of a new supergraph: the router serves the new supergraph with the
settings of the current generation, and reports the problem.
"""

from __future__ import annotations

import asyncio
import logging
import threading
import time
from operator import attrgetter
from pathlib import Path
from typing import TYPE_CHECKING, Literal

import msgspec
import structlog

from router.lifecycle.build_gateway import (
    SupergraphText,
    UnusableSupergraph,
    build,
    initial_documents,
    read_settings,
)
from router.lifecycle.read_supergraph_from_file_or_url import FileSource, Stamp, UrlSource, is_url, stamp
from router.lifecycle.supergraph_cache import SupergraphCache
from router.lifecycle.warm_up import most_used
from router.settings import RouterSettings
from servicekit import garbage_collection
from servicekit.errors import StartupError

if TYPE_CHECKING:
    from router.lifecycle.build_gateway import FileLocations
    from router.lifecycle.gateway_generations import Generation, Rollover
    from router.lifecycle.read_supergraph_from_file_or_url import Source

Stamps = tuple[Stamp | None, ...]
Result = Literal["reloaded", "unchanged", "refused"]

_log = structlog.stdlib.get_logger("reload")


class ReloadOutcome(msgspec.Struct, frozen=True, kw_only=True):
    """The outcome of a reload. If the reload was refused, or the configuration was not used, `reason` says why.

    `supergraph` is the hash of the supergraph that the router serves after the reload.
    """

    result: Result
    cause: str
    reason: str | None = None
    supergraph: str | None = None
    seconds: float = 0.0
    at: float = 0.0

    def to_json(self) -> dict[str, object]:
        """Return the outcome as a JSON object. `at` is the Unix time of the end of the reload."""
        return msgspec.structs.asdict(self)

    def is_worth_logging_after(self, before: ReloadOutcome | None) -> bool:
        """Return whether to log this outcome. `before` is the outcome of the previous reload, or None.

        An `unchanged` outcome is logged only if the previous reload was refused. The outcome of a poll is not logged if
        it has the same result and reason as the outcome of the previous reload. Any other outcome is logged.
        """
        if self.result == "unchanged":
            return before is not None and before.result == "refused"
        return before is None or self.cause != "poll" or (self.result, self.reason) != (before.result, before.reason)


class Reloader:
    """Builds a generation at the start and at each reload, and passes the generation to `rollover`, which serves it.

    Only one reload runs at a time.
    """

    def __init__(self, locations: FileLocations, rollover: Rollover) -> None:
        self._locations = locations
        self._rollover = rollover
        self._source: tuple[tuple[object, ...], Source] | None = None
        self._lock = asyncio.Lock()
        self._stopped = threading.Event()
        self._unusable: tuple[str, str] | None = None
        """The last SDL that was refused, and the reason. If a reload reads the same SDL, the SDL is refused at once."""
        self.seen: Stamps = ()
        self.settings = RouterSettings()
        self.supergraph_cache = SupergraphCache()
        self.last: ReloadOutcome | None = None

    def start(self) -> None:
        """If the supergraph is a file, load it.

        This method is called before the router listens, so that the start fails if the file cannot be used.

        Raises:
            StartupError: the configuration or the supergraph cannot be used.
        """
        before = self.file_stamps()
        settings = self.settings = self._locations.settings()
        source = self._source_for(settings)
        # Take the stamps before the files are read. If a file is written after that, its current stamp differs from the
        # stored one, and the router reads the file again.
        self.seen = (*before[:1], *self.file_stamps()[1:])
        if isinstance(source, FileSource):
            text = SupergraphText(source.text(), source.name, initial_documents(settings))
            self.supergraph_cache.folder = settings.cache.folder
            with garbage_collection.keeping_new_objects():
                generation = build(self._locations, text, None, load_supergraph=self.supergraph_cache.load)
            self._rollover.adopt(generation)

    async def reload(self, cause: str, *, force: bool = False) -> ReloadOutcome:
        """Read the configuration and the supergraph again, and replace the gateway if one of them has changed.

        With `force`, replace the gateway even if nothing has changed. Raises no error: if the reload is refused, the
        outcome and a log line have the reason.
        """
        async with self._lock:
            started = time.monotonic()
            result, reason = await self._try_renew(force=force)
            current, before = self._rollover.current, self.last
            self.last = ReloadOutcome(
                result=result,
                cause=cause,
                reason=reason,
                supergraph=current.hash if current is not None else None,
                seconds=round(time.monotonic() - started, 3),
                at=round(time.time(), 3),
            )
            if self.last.is_worth_logging_after(before):
                _log.log(logging.INFO if reason is None else logging.WARNING, "reload", **self.last.to_json())
            return self.last

    async def _try_renew(self, *, force: bool) -> tuple[Result, str | None]:
        try:
            return await self._renew(force=force)
        except StartupError as error:
            return "refused", str(error)
        except Exception:  # noqa: BLE001  (after any error, the current generation continues to serve)
            _log.exception("a reload failed")
            return "refused", "an internal error; the log has its traceback"

    async def _renew(self, *, force: bool) -> tuple[Result, str | None]:
        """Return the result of the reload.

        If a problem prevents the use of the new configuration, return this problem too.
        """
        before = self.file_stamps()
        current = self._rollover.current
        fallback = current.settings if current is not None else None
        read = await asyncio.to_thread(read_settings, self._locations, fallback)
        settings = self.settings = read.settings
        self.supergraph_cache.folder = settings.cache.folder
        source = self._source_for(settings)
        self.seen = (*before[:1], *self.file_stamps()[1:])
        sdl = await source.read()
        if current is None:
            documents = initial_documents(settings)
        elif current.sdl == sdl and read.problem is not None:
            raise read.problem
        elif force or (current.sdl, current.settings) != (sdl, settings):
            documents = most_used(current.gateway, settings.warm_up.hottest)
            _warn_about_fixed_settings(current.settings, settings)
        else:
            return "unchanged", None
        if self._unusable is not None and self._unusable[0] == sdl:
            raise UnusableSupergraph(self._unusable[1])
        text = SupergraphText(sdl, source.name, documents)
        generation = await self._build(text, fallback if current is not None and current.sdl != sdl else None)
        if current is not None:
            generation.gateway.inherit(current.gateway)
        self._rollover.adopt(generation)
        problem = generation.settings_problem
        return "reloaded", None if problem is None else f"the previous configuration stays in use: {problem}"

    async def _build(self, text: SupergraphText, fallback: RouterSettings | None) -> Generation:
        try:
            load = self.supergraph_cache.load
            return await asyncio.to_thread(build, self._locations, text, self._stopped, fallback, load)
        except UnusableSupergraph as error:
            self._unusable = (text.sdl, str(error))
            raise

    def file_stamps(self) -> Stamps:
        """Return the stamps of the configuration file and of the supergraph file.

        A stamp changes when its file is written. The stamp of a file that is missing or not used is None.
        """
        source = self.source
        config = self._locations.config
        return (
            stamp(config) if config is not None else None,
            stamp(source.path) if isinstance(source, FileSource) else None,
        )

    def close(self) -> None:
        """Stop a running warm-up, and close the connections of the supergraph source."""
        self._stopped.set()
        if self._source is not None:
            self._source[1].close()

    def _source_for(self, settings: RouterSettings) -> Source:
        """Return the source of the supergraph: the same object until its location or settings change."""
        configured = settings.supergraph
        location = self._locations.supergraph or configured.url or (str(configured.file) if configured.file else None)
        if location is None:
            raise StartupError(
                "no supergraph is configured: name one with --supergraph, or with `supergraph` in router.yaml"
            )
        key = (location, configured)
        if self._source is not None and self._source[0] == key:
            return self._source[1]
        if self._source is not None:
            self._source[1].close()
        source: Source = UrlSource(location, configured) if is_url(location) else FileSource(Path(location))
        self._source = (key, source)
        return source

    @property
    def source(self) -> Source | None:
        """The source from which the supergraph was last loaded; None before the first load."""
        return self._source[1] if self._source is not None else None


# Settings of sockets and connections. A reload does not apply a change of these settings; a restart does.
_FIXED = (
    *(f"server.{key}" for key in ("host", "port", "workers", "drain_timeout", "head_timeout")),
    "server.keep_alive_timeout",
    "server.keep_alive_requests",
    "server.max_connections",
    "server.http_server",
    "admin",
)
# A reload applies these limits to requests. The HTTP server computes its limits for each connection from them, but only
# when the router starts. So a raised limit has its full effect only after a restart.
_FIXED_IF_RAISED = ("limits.url_bytes", "limits.header_bytes", "limits.header_count", "traffic.request_timeout")


def _warn_about_fixed_settings(old: RouterSettings, new: RouterSettings) -> None:
    for key in _FIXED:
        if attrgetter(key)(old) != attrgetter(key)(new):
            _log.warning("this setting takes effect at the next start", key=key)
    for key in _FIXED_IF_RAISED:
        if attrgetter(key)(old) < attrgetter(key)(new):
            _log.warning("this setting takes full effect at the next start", key=key)
