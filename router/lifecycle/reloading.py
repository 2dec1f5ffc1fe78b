"""From files to a running gateway, and again: the same road for the start and for every reload.

    router.yaml ──load──> settings ─┐
    supergraph  ──read──> SDL ──────┴──> Gateway ──warm up──> Generation ──adopt──> serving

What is slow (loading a schema, planning) runs in a thread while the current generation answers. Whatever fails on the
way ends in a `Refused` with its reason; the current generation is not touched before the new one is ready.
"""

from __future__ import annotations

import asyncio
import logging
import threading
import time
from dataclasses import asdict, dataclass
from operator import attrgetter
from pathlib import Path
from typing import TYPE_CHECKING, Literal, NamedTuple

import structlog

from router import supergraph
from router.assembly import transport_for
from router.errors import InvalidSupergraph
from router.gateway import Gateway
from router.lifecycle.generation import Generation
from router.lifecycle.sources import FileSource, Stamp, UrlSource, is_url, stamp
from router.lifecycle.warm_up import Throttle, Wanted, from_file, hottest, warm
from router.policies.persisted_manifest import InvalidManifest
from router.settings import RouterSettings, load
from servicekit.errors import StartupError

if TYPE_CHECKING:
    from collections.abc import Collection, Mapping, Sequence

    from router.lifecycle.generation import Rollover
    from router.lifecycle.sources import Source
    from router.supergraph import Supergraph

Stamps = tuple[Stamp | None, ...]
Result = Literal["reloaded", "unchanged", "refused"]

_log = structlog.stdlib.get_logger("reload")


class UnusableSupergraph(StartupError):
    """No change of anything but the supergraph's text can help."""


@dataclass(frozen=True, slots=True)
class Origin:
    """What the command line says: where things are. `supergraph` is a path or an address, None for the settings'."""

    config: Path | None
    supergraph: str | None
    environ: Mapping[str, str]

    def settings(self, subgraphs: Collection[str] | None = None) -> RouterSettings:
        """The configuration as it is now, held against the subgraphs there are once they are known.

        Raises:
            InvalidSettings: it cannot be used.
        """
        return load(self.config, self.environ, subgraphs=subgraphs)


@dataclass(frozen=True, slots=True, kw_only=True)
class Outcome:
    """What came of a reload. `reason` is why it was refused; `supergraph` the hash of what runs now."""

    result: Result
    cause: str
    reason: str | None = None
    supergraph: str | None = None
    seconds: float = 0.0
    at: float = 0.0

    def to_json(self) -> dict[str, object]:
        """A JSON object; `at` is Unix time."""
        return asdict(self)

    def is_news_after(self, before: Outcome | None) -> bool:
        """Whether to log it: what was refused before is gone even if nothing changed; no poll complains twice."""
        if self.result == "unchanged":
            return before is not None and before.result == "refused"
        return before is None or self.cause != "poll" or (self.result, self.reason) != (before.result, before.reason)


class Reloader:
    """Makes generations, one at a time."""

    def __init__(self, origin: Origin, rollover: Rollover) -> None:
        self._origin = origin
        self._rollover = rollover
        self._source: tuple[tuple[object, ...], Source] | None = None
        self._one_at_a_time = asyncio.Lock()
        self._stopped = threading.Event()
        self._unusable: tuple[str, str] | None = None
        """The text that was refused last, and why: a poll that brings it again must not cost the clients a core."""
        self.seen: Stamps = ()
        self.settings = RouterSettings()
        self.last: Outcome | None = None

    def start(self) -> None:
        """Load a supergraph that is a file, before anything listens: a router that cannot work does not start.

        Raises:
            StartupError: the configuration or the supergraph cannot be used.
        """
        before = self.look()
        settings = self.settings = self._origin.settings()
        source = self._source_for(settings)
        self.seen = (*before[:1], *self.look()[1:])  # as they were before they were read
        if isinstance(source, FileSource):
            found = Found(source.text(), source.name, first_wanted(settings))
            self._rollover.adopt(build(self._origin, found, None))

    async def reload(self, cause: str, *, even_unchanged: bool = False) -> Outcome:
        """Take up what the files and the address say now. Raises nothing; the outcome tells, and a log line."""
        async with self._one_at_a_time:
            started = time.monotonic()
            result, reason = await self._tried(even_unchanged=even_unchanged)
            current, before = self._rollover.current, self.last
            self.last = Outcome(
                result=result,
                cause=cause,
                reason=reason,
                supergraph=current.hash if current is not None else None,
                seconds=round(time.monotonic() - started, 3),
                at=round(time.time(), 3),
            )
            if self.last.is_news_after(before):
                _log.log(logging.INFO if reason is None else logging.WARNING, "reload", **self.last.to_json())
            return self.last

    async def _tried(self, *, even_unchanged: bool) -> tuple[Result, str | None]:
        try:
            return await self._renew(even_unchanged=even_unchanged), None
        except StartupError as error:
            return "refused", str(error)
        except Exception:  # noqa: BLE001  (whatever it is, the router goes on with what it has)
            _log.exception("a reload failed")
            return "refused", "an internal error; the log has its traceback"

    async def _renew(self, *, even_unchanged: bool) -> Result:
        before = self.look()
        settings = self.settings = await asyncio.to_thread(self._origin.settings)
        source = self._source_for(settings)
        self.seen = (*before[:1], *self.look()[1:])
        sdl = await source.read()
        current = self._rollover.current
        if current is None:
            wanted = first_wanted(settings)
        elif even_unchanged or (current.sdl, current.settings) != (sdl, settings):
            wanted = hottest(current.gateway, settings.warm_up.hottest)
            _tell_what_needs_a_restart(current.settings, settings)
        else:
            return "unchanged"
        if self._unusable is not None and self._unusable[0] == sdl:
            raise UnusableSupergraph(self._unusable[1])
        generation = await self._built(Found(sdl, source.name, wanted))
        if current is not None:
            generation.gateway.inherit(current.gateway)
        self._rollover.adopt(generation)
        return "reloaded"

    async def _built(self, found: Found) -> Generation:
        try:
            return await asyncio.to_thread(build, self._origin, found, self._stopped)
        except UnusableSupergraph as error:
            self._unusable = (found.sdl, str(error))
            raise

    def look(self) -> Stamps:
        """The files as they are now: the configuration's, the supergraph's; None for one that is not there or asked."""
        source = self.source
        config = self._origin.config
        return (
            stamp(config) if config is not None else None,
            stamp(source.path) if isinstance(source, FileSource) else None,
        )

    def close(self) -> None:
        """Stop warming up, and let go of what is open."""
        self._stopped.set()
        if self._source is not None:
            self._source[1].close()

    def _source_for(self, settings: RouterSettings) -> Source:
        """The place of the supergraph; the same object for as long as nothing about the place changes."""
        configured = settings.supergraph
        location = self._origin.supergraph or configured.url or (str(configured.file) if configured.file else None)
        if location is None:
            raise StartupError(
                "there is no supergraph: name one with --supergraph, or with `supergraph` in router.yaml"
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
        """Where the supergraph was looked for last."""
        return self._source[1] if self._source is not None else None


class Found(NamedTuple):
    """A supergraph's text, where it was found, and what to prepare with it, besides persisted documents."""

    sdl: str
    name: str
    wanted: Sequence[Wanted] = ()


def build(origin: Origin, found: Found, stopped: threading.Event | None) -> Generation:
    """A generation, ready to answer: everything slow is done here.

    With `stopped`, clients are being served meanwhile: warming up goes at a gentle pace, and ends when it is set.

    Raises:
        StartupError: settings or supergraph cannot be used, or not together.
    """
    try:
        graph = supergraph.load(found.sdl)
    except InvalidSupergraph as error:
        raise _unusable(found.name, error) from error
    settings = origin.settings(graph.subgraphs)
    gateway = assemble(graph, settings, found.name)
    gateway.warm_up()
    warmed = warm(gateway, _with_persisted(found.wanted, gateway, settings), Throttle(settings.warm_up, stopped))
    for cache in (gateway.preparation.documents, gateway.preparation.plans):
        cache.recount()
    gateway.limits.exceeded.clear()
    return Generation(gateway, settings, found.sdl, warmed)


def assemble(graph: Supergraph, settings: RouterSettings, name: str) -> Gateway:
    """A gateway to subgraphs over HTTP; `name` is where the supergraph was found.

    Raises:
        UnusableSupergraph: it needs what this router does not do.
        StartupError: a file that the settings name cannot be used, or an address of the supergraph's.
    """
    try:
        return Gateway(graph, settings, transport_for(graph, settings))
    except InvalidSupergraph as error:
        raise _unusable(name, error) from error
    except InvalidManifest as error:
        raise StartupError(f"persisted_documents.manifests: {error}") from error
    except ValueError as error:
        raise StartupError(f"{name}: {error}") from error


def _unusable(name: str, error: InvalidSupergraph) -> UnusableSupergraph:
    return UnusableSupergraph(f"{name}: {error.code}: {error.message}")


def _with_persisted(wanted: Sequence[Wanted], gateway: Gateway, settings: RouterSettings) -> Sequence[Wanted]:
    """The persisted documents come last, and nothing for which there is no room: it would push out what comes first."""
    asked = {each.query for each in wanted}
    others = [Wanted(text) for text in dict.fromkeys(gateway.persisted) if text not in asked]
    return [*wanted, *others][: min(settings.cache.documents, settings.cache.plans)]


def first_wanted(settings: RouterSettings) -> Sequence[Wanted]:
    """What to prepare when no client has asked for anything yet.

    Raises:
        StartupError: the file that names it cannot be used.
    """
    return from_file(settings.warm_up.file) if settings.warm_up.file is not None else ()


# What a listening socket, or each of its connections, was given when the process started.
_FIXED = (
    *(f"server.{key}" for key in ("host", "port", "workers", "drain_timeout", "head_timeout")),
    "server.keep_alive_timeout",
    "server.keep_alive_requests",
    "admin",
)
# What a connection may send before anybody looks at it follows from these; the limits themselves change at once.
_FIXED_IF_RAISED = ("limits.url_bytes", "limits.header_bytes")


def _tell_what_needs_a_restart(old: RouterSettings, new: RouterSettings) -> None:
    for key in _FIXED:
        if attrgetter(key)(old) != attrgetter(key)(new):
            _log.warning("this setting takes effect at the next start", key=key)
    for key in _FIXED_IF_RAISED:
        if attrgetter(key)(old) < attrgetter(key)(new):
            _log.warning("this setting takes full effect at the next start", key=key)
