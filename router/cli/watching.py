"""Wait until the inputs of a composition change.

Files are looked at, not subscribed to: a configuration names a handful of them, editors replace files as often as they
write them, and notifications do not cross the borders of containers and network file systems. Running subgraphs have
no notification either; they are asked for their SDL.
"""

from __future__ import annotations

import time
from dataclasses import dataclass
from queue import SimpleQueue
from threading import Thread
from typing import TYPE_CHECKING

from router.composition.config import ConfigError, SubgraphSource, read_config
from router.composition.sources import load_subgraphs

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping
    from pathlib import Path

    from router.composition import Subgraph

# Below what a person notices between saving and seeing.
_LOOK_SECONDS = 0.1
# An editor that truncates, then writes, is done after that.
_SETTLE_SECONDS = 0.05
# A subgraph under development restarts in about that time; asking more often would fill its log.
_ASK_SECONDS = 2.0

_Stamp = tuple[int, int, int]


@dataclass(frozen=True, slots=True)
class Inputs:
    """What a composition is made of, as it was at one moment.

    `answers` are the SDLs of the running subgraphs, or why they, or the configuration itself, could not be had.
    """

    sources: tuple[SubgraphSource, ...]
    stamps: Mapping[Path, _Stamp | None]
    answers: list[Subgraph] | str
    timeout_seconds: float

    @classmethod
    def now(cls, config: Path, environ: Mapping[str, str], timeout_seconds: float) -> Inputs:
        """Look at the configuration and everything it names; at the configuration alone if it cannot be used."""
        stamp = _stamps([config])
        try:
            sources = tuple(read_config(config, environ))
        except ConfigError as error:
            return cls((), stamp, str(error), timeout_seconds)
        files = [source.file for source in sources if source.file is not None]
        return cls(sources, {**_stamps(files), **stamp}, _answers(sources, timeout_seconds), timeout_seconds)

    def subgraphs(self) -> list[Subgraph]:
        """What to compose: the files as they are now, the running subgraphs as they have answered.

        Raises:
            ConfigError: something of it could not be had; one line for each.
        """
        try:
            read = load_subgraphs([each for each in self.sources if each.subgraph_url is None], self.timeout_seconds)
        except ConfigError as error:
            told = [self.answers] if isinstance(self.answers, str) else []
            raise ConfigError("\n".join([str(error), *told])) from error
        if isinstance(self.answers, str):
            raise ConfigError(self.answers)
        return [*read, *self.answers]

    def wait_for_change(self) -> None:
        """Return as soon as a file or an answer is not what it was."""
        asked = time.monotonic()
        running = any(source.subgraph_url is not None for source in self.sources)
        answering: SimpleQueue[list[Subgraph] | str] | None = None
        while _stamps(self.stamps) == self.stamps:
            time.sleep(_LOOK_SECONDS)
            if running and answering is None and time.monotonic() - asked > _ASK_SECONDS:
                answering = self._ask()
            elif answering is not None and not answering.empty():
                if answering.get() != self.answers:
                    return
                answering, asked = None, time.monotonic()
        time.sleep(_SETTLE_SECONDS)

    def _ask(self) -> SimpleQueue[list[Subgraph] | str]:
        """In a thread of its own: files go on being looked at while a subgraph is slow to answer."""
        answering: SimpleQueue[list[Subgraph] | str] = SimpleQueue()
        Thread(target=lambda: answering.put(_answers(self.sources, self.timeout_seconds)), daemon=True).start()
        return answering


def _answers(sources: Iterable[SubgraphSource], timeout_seconds: float) -> list[Subgraph] | str:
    try:
        return load_subgraphs([source for source in sources if source.subgraph_url is not None], timeout_seconds)
    except ConfigError as error:
        return str(error)


def _stamps(files: Iterable[Path]) -> dict[Path, _Stamp | None]:
    return {file: _stamp(file) for file in files}


def _stamp(file: Path) -> _Stamp | None:
    """Changes with every write, and with every replacement; None for a file that is not there."""
    try:
        status = file.stat()
    except OSError:
        return None
    return status.st_mtime_ns, status.st_size, status.st_ino
