"""From files to a running gateway, at the start and at every reload.

    router.yaml ──load──> settings ─┐
    supergraph  ──read──> SDL ──────┴──> Gateway ──warm up──> Generation ──adopt──> serving

Slow steps (loading a schema, planning) run in a thread while the current generation serves. If a step fails, the reload
is refused with the reason; the current generation is replaced only when the new one is ready.
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

from router import assembly, supergraph
from router.errors import InvalidSupergraph
from router.gateway import Gateway
from router.lifecycle.generation import Generation
from router.lifecycle.sources import FileSource, Stamp, UrlSource, is_url, stamp
from router.lifecycle.warm_up import Throttle, WarmUpDocument, most_used, read_documents, warm
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
    """Only another supergraph text can help."""


@dataclass(frozen=True, slots=True)
class FileLocations:
    """The locations that the command line names. `supergraph` is a path or a URL; None means that of the settings."""

    config: Path | None
    supergraph: str | None
    environ: Mapping[str, str]

    def settings(self, subgraphs: Collection[str] | None = None) -> RouterSettings:
        """Read the configuration now; if `subgraphs` are given, check the names in it against them.

        Raises:
            InvalidSettings: it cannot be used.
        """
        return load(self.config, self.environ, subgraphs=subgraphs)


@dataclass(frozen=True, slots=True, kw_only=True)
class ReloadOutcome:
    """The outcome of a reload. `reason` says why it was refused; `supergraph` is the hash of the current supergraph."""

    result: Result
    cause: str
    reason: str | None = None
    supergraph: str | None = None
    seconds: float = 0.0
    at: float = 0.0

    def to_json(self) -> dict[str, object]:
        """A JSON object; `at` is Unix time."""
        return asdict(self)

    def is_worth_logging_after(self, before: ReloadOutcome | None) -> bool:
        """Whether to log it: a refusal that is now over is logged, the same refusal of repeated polls only once."""
        if self.result == "unchanged":
            return before is not None and before.result == "refused"
        return before is None or self.cause != "poll" or (self.result, self.reason) != (before.result, before.reason)


class Reloader:
    """Builds generations, one at a time."""

    def __init__(self, origin: FileLocations, rollover: Rollover) -> None:
        self._origin = origin
        self._rollover = rollover
        self._source: tuple[tuple[object, ...], Source] | None = None
        self._lock = asyncio.Lock()
        self._stopped = threading.Event()
        self._unusable: tuple[str, str] | None = None
        """The last refused text and the reason, so that a poll that returns it again does not load it again."""
        self.seen: Stamps = ()
        self.settings = RouterSettings()
        self.last: ReloadOutcome | None = None

    def start(self) -> None:
        """Load a supergraph file before the router listens: a router with an unusable supergraph does not start.

        Raises:
            StartupError: the configuration or the supergraph cannot be used.
        """
        before = self.file_stamps()
        settings = self.settings = self._origin.settings()
        source = self._source_for(settings)
        self.seen = (*before[:1], *self.file_stamps()[1:])  # the stamps from before the files were read
        if isinstance(source, FileSource):
            found = SupergraphText(source.text(), source.name, initial_documents(settings))
            self._rollover.adopt(build(self._origin, found, None))

    async def reload(self, cause: str, *, force: bool = False) -> ReloadOutcome:
        """Load the current files or URL. It raises nothing: the outcome and a log line say what happened."""
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
            return await self._renew(force=force), None
        except StartupError as error:
            return "refused", str(error)
        except Exception:  # noqa: BLE001  (whatever it is, the router continues with what it has)
            _log.exception("a reload failed")
            return "refused", "an internal error; the log has its traceback"

    async def _renew(self, *, force: bool) -> Result:
        before = self.file_stamps()
        settings = self.settings = await asyncio.to_thread(self._origin.settings)
        source = self._source_for(settings)
        self.seen = (*before[:1], *self.file_stamps()[1:])
        sdl = await source.read()
        current = self._rollover.current
        if current is None:
            wanted = initial_documents(settings)
        elif force or (current.sdl, current.settings) != (sdl, settings):
            wanted = most_used(current.gateway, settings.warm_up.hottest)
            _warn_about_fixed_settings(current.settings, settings)
        else:
            return "unchanged"
        if self._unusable is not None and self._unusable[0] == sdl:
            raise UnusableSupergraph(self._unusable[1])
        generation = await self._build(SupergraphText(sdl, source.name, wanted))
        if current is not None:
            generation.gateway.inherit(current.gateway)
        self._rollover.adopt(generation)
        return "reloaded"

    async def _build(self, found: SupergraphText) -> Generation:
        try:
            return await asyncio.to_thread(build, self._origin, found, self._stopped)
        except UnusableSupergraph as error:
            self._unusable = (found.sdl, str(error))
            raise

    def file_stamps(self) -> Stamps:
        """The stamps of the configuration file and the supergraph file; None for one that is missing or not used."""
        source = self.source
        config = self._origin.config
        return (
            stamp(config) if config is not None else None,
            stamp(source.path) if isinstance(source, FileSource) else None,
        )

    def close(self) -> None:
        """Stop warming up, and close connections."""
        self._stopped.set()
        if self._source is not None:
            self._source[1].close()

    def _source_for(self, settings: RouterSettings) -> Source:
        """The source of the supergraph; the same object as long as its settings do not change."""
        configured = settings.supergraph
        location = self._origin.supergraph or configured.url or (str(configured.file) if configured.file else None)
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
        """The source that was used last."""
        return self._source[1] if self._source is not None else None


class SupergraphText(NamedTuple):
    """A supergraph's text, the name of its source, and the documents to prepare, besides persisted ones."""

    sdl: str
    name: str
    wanted: Sequence[WarmUpDocument] = ()


def build(origin: FileLocations, found: SupergraphText, stopped: threading.Event | None) -> Generation:
    """Build a generation that is ready to serve; all slow work is done here.

    If `stopped` is given, clients are served meanwhile: warming up is throttled, and ends when the event is set.

    Raises:
        StartupError: the settings or the supergraph cannot be used, or do not fit together.
    """
    try:
        graph = supergraph.load(found.sdl)
    except InvalidSupergraph as error:
        raise _unusable(found.name, error) from error
    settings = origin.settings(graph.subgraphs)
    gateway = assemble(graph, settings, found.name)
    gateway.warm_up()
    warm_up_result = warm(
        gateway, _add_persisted_documents(found.wanted, gateway, settings), Throttle(settings.warm_up, stopped)
    )
    for cache in (gateway.preparation.documents, gateway.preparation.plans):
        cache.reset_counts()
    gateway.limits.exceeded.clear()
    return Generation(gateway, settings, found.sdl, warm_up_result)


def assemble(graph: Supergraph, settings: RouterSettings, name: str) -> Gateway:
    """A gateway to subgraphs over HTTP; `name` is where the supergraph was found.

    Raises:
        UnusableSupergraph: it needs what this router does not do.
        StartupError: a file that the settings name cannot be used, or an address of the supergraph's.
    """
    try:
        return Gateway(assembly.assemble(graph, settings))
    except InvalidSupergraph as error:
        raise _unusable(name, error) from error
    except InvalidManifest as error:
        raise StartupError(f"persisted_documents.manifests: {error}") from error
    except ValueError as error:
        raise StartupError(f"{name}: {error}") from error


def _unusable(name: str, error: InvalidSupergraph) -> UnusableSupergraph:
    return UnusableSupergraph(f"{name}: {error.code}: {error.message}")


def _add_persisted_documents(
    wanted: Sequence[WarmUpDocument], gateway: Gateway, settings: RouterSettings
) -> Sequence[WarmUpDocument]:
    """Append the persisted documents, up to the size of the caches: more would evict the first ones."""
    asked = {each.query for each in wanted}
    others = [WarmUpDocument(text) for text in dict.fromkeys(gateway.stages.documents) if text not in asked]
    return [*wanted, *others][: min(settings.cache.documents, settings.cache.plans)]


def initial_documents(settings: RouterSettings) -> Sequence[WarmUpDocument]:
    """The documents to prepare at the start, before any client has sent one.

    Raises:
        StartupError: the file with them cannot be used.
    """
    return read_documents(settings.warm_up.file) if settings.warm_up.file is not None else ()


# Settings of the listening socket and its connections, which are fixed when the process starts.
_FIXED = (
    *(f"server.{key}" for key in ("host", "port", "workers", "drain_timeout", "head_timeout")),
    "server.keep_alive_timeout",
    "server.keep_alive_requests",
    "admin",
)
# The size of a connection's buffers follows from these at the start; the limits themselves change at once.
_FIXED_IF_RAISED = ("limits.url_bytes", "limits.header_bytes")


def _warn_about_fixed_settings(old: RouterSettings, new: RouterSettings) -> None:
    for key in _FIXED:
        if attrgetter(key)(old) != attrgetter(key)(new):
            _log.warning("this setting takes effect at the next start", key=key)
    for key in _FIXED_IF_RAISED:
        if attrgetter(key)(old) < attrgetter(key)(new):
            _log.warning("this setting takes full effect at the next start", key=key)
