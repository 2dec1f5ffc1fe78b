"""The inputs of `router compose --watch`, and waiting until they change.

Files are polled and not subscribed to: a configuration names only a few, editors replace files instead of writing them,
and notifications do not work across containers and network file systems. Running subgraphs send no notifications, so
their SDL is fetched again and again.
"""

from __future__ import annotations

import time
from dataclasses import dataclass
from queue import SimpleQueue
from threading import Thread
from typing import TYPE_CHECKING

from router.composition.subgraph_loading import load_subgraphs
from router.composition.supergraph_yaml import ConfigError, SubgraphSource, read_config

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping
    from pathlib import Path

    from router.composition import Subgraph

# Shorter than a person notices.
_FILE_POLL_SECONDS = 0.1
# An editor that truncates a file before it writes has finished after this time.
_SETTLE_SECONDS = 0.05
# A subgraph under development restarts in about this time; more fetches would fill its log.
_SUBGRAPH_POLL_SECONDS = 2.0

_Stamp = tuple[int, int, int]


@dataclass(frozen=True, slots=True)
class WatchedInputs:
    """The inputs of a composition at one moment.

    Attributes:
        stamps: the state of the configuration and of the schema files.
        running: the running subgraphs with the SDL fetched from them, or the error of the configuration or of a fetch.
    """

    sources: tuple[SubgraphSource, ...]
    stamps: Mapping[Path, _Stamp | None]
    running: list[Subgraph] | str
    timeout_seconds: float

    @classmethod
    def now(cls, config: Path, environ: Mapping[str, str], timeout_seconds: float) -> WatchedInputs:
        """Read the configuration and the state of its inputs; of the configuration alone if it cannot be used."""
        stamp = _stamps([config])
        try:
            sources = tuple(read_config(config, environ))
        except ConfigError as error:
            return cls((), stamp, str(error), timeout_seconds)
        files = [source.file for source in sources if source.file is not None]
        return cls(sources, {**_stamps(files), **stamp}, _fetch_sdls(sources, timeout_seconds), timeout_seconds)

    def subgraphs(self) -> list[Subgraph]:
        """The subgraphs to compose: schema files as they are now, running subgraphs as they were fetched.

        Raises:
            ConfigError: an input cannot be read; the message has one line for each.
        """
        try:
            read = load_subgraphs([each for each in self.sources if each.subgraph_url is None], self.timeout_seconds)
        except ConfigError as error:
            failed = [self.running] if isinstance(self.running, str) else []
            raise ConfigError("\n".join([str(error), *failed])) from error
        if isinstance(self.running, str):
            raise ConfigError(self.running)
        return [*read, *self.running]

    def wait_for_change(self) -> None:
        """Return as soon as a file or the SDL of a running subgraph has changed."""
        fetched_at = time.monotonic()
        has_running = any(source.subgraph_url is not None for source in self.sources)
        fetch: SimpleQueue[list[Subgraph] | str] | None = None
        while _stamps(self.stamps) == self.stamps:
            time.sleep(_FILE_POLL_SECONDS)
            if has_running and fetch is None and time.monotonic() - fetched_at > _SUBGRAPH_POLL_SECONDS:
                fetch = self._fetch_in_background()
            elif fetch is not None and not fetch.empty():
                if fetch.get() != self.running:
                    return
                fetch, fetched_at = None, time.monotonic()
        time.sleep(_SETTLE_SECONDS)

    def _fetch_in_background(self) -> SimpleQueue[list[Subgraph] | str]:
        """Fetch in a thread, so that files are polled while a subgraph is slow; the queue receives the result."""
        result: SimpleQueue[list[Subgraph] | str] = SimpleQueue()
        Thread(target=lambda: result.put(_fetch_sdls(self.sources, self.timeout_seconds)), daemon=True).start()
        return result


def _fetch_sdls(sources: Iterable[SubgraphSource], timeout_seconds: float) -> list[Subgraph] | str:
    """The running subgraphs, or the error if one cannot be fetched."""
    try:
        return load_subgraphs([source for source in sources if source.subgraph_url is not None], timeout_seconds)
    except ConfigError as error:
        return str(error)


def _stamps(files: Iterable[Path]) -> dict[Path, _Stamp | None]:
    return {file: _stamp(file) for file in files}


def _stamp(file: Path) -> _Stamp | None:
    """A value that changes when the file is written or replaced; None for a missing file."""
    try:
        status = file.stat()
    except OSError:
        return None
    return status.st_mtime_ns, status.st_size, status.st_ino
