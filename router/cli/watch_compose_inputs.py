"""Reads the inputs of `router compose --watch`, and waits until one of them changes.

Files are checked at short intervals, and the SDL of running subgraphs is fetched at longer intervals. File
notifications of the operating system are not used: they do not work across containers and network file systems, and
many editors replace a file by a new one. Subgraphs send no notifications.
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

# The interval at which files are checked. It is so short that a user does not notice the delay.
_FILE_POLL_SECONDS = 0.1
# The pause after a change. Some editors first truncate a file and then write it; after this pause, they have finished.
_SETTLE_SECONDS = 0.05
# The interval at which the SDL of running subgraphs is fetched. A shorter interval would fill the logs of subgraphs.
_SUBGRAPH_POLL_SECONDS = 2.0

_Stamp = tuple[int, int, int]


@dataclass(frozen=True, slots=True)
class WatchedInputs:
    """The inputs of a composition at one moment.

    Attributes:
        stamps: for the configuration file and each schema file, a value that changes when the file is written.
        running: the running subgraphs with their SDL. If the SDL could not be fetched, or the configuration could not
            be read, `running` is the error message.
    """

    sources: tuple[SubgraphSource, ...]
    stamps: Mapping[Path, _Stamp | None]
    running: list[Subgraph] | str
    timeout_seconds: float

    @classmethod
    def now(cls, config: Path, environ: Mapping[str, str], timeout_seconds: float) -> WatchedInputs:
        """Read the configuration, and fetch the SDL of the running subgraphs that it names.

        If the configuration cannot be used, only the configuration file is watched.
        """
        stamp = _stamps([config])
        try:
            sources = tuple(read_config(config, environ))
        except ConfigError as error:
            return cls((), stamp, str(error), timeout_seconds)
        files = [source.file for source in sources if source.file is not None]
        return cls(sources, {**_stamps(files), **stamp}, _fetch_sdls(sources, timeout_seconds), timeout_seconds)

    def subgraphs(self) -> list[Subgraph]:
        """Read the schema files, and return all subgraphs to compose.

        For running subgraphs, the result has the SDL that `now` fetched.

        Raises:
            ConfigError: one or more inputs cannot be read. The message has a line for each unreadable input.
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
        """Fetch the SDL of the running subgraphs in a thread, and return a queue that receives the result.

        With the thread, a slow subgraph does not delay the check of the files.
        """
        result: SimpleQueue[list[Subgraph] | str] = SimpleQueue()
        Thread(target=lambda: result.put(_fetch_sdls(self.sources, self.timeout_seconds)), daemon=True).start()
        return result


def _fetch_sdls(sources: Iterable[SubgraphSource], timeout_seconds: float) -> list[Subgraph] | str:
    """Return the running subgraphs with their SDL, or an error message if the SDL of a subgraph cannot be fetched."""
    try:
        return load_subgraphs([source for source in sources if source.subgraph_url is not None], timeout_seconds)
    except ConfigError as error:
        return str(error)


def _stamps(files: Iterable[Path]) -> dict[Path, _Stamp | None]:
    return {file: _stamp(file) for file in files}


def _stamp(file: Path) -> _Stamp | None:
    """Return a value that changes when `file` is written or replaced. Return None if the file is missing."""
    try:
        status = file.stat()
    except OSError:
        return None
    return status.st_mtime_ns, status.st_size, status.st_ino
