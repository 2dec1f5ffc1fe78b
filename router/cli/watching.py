"""Wait until the inputs of a composition change.

Files are looked at, not subscribed to: a configuration names a handful of them, editors replace files as often as they
write them, and notifications do not cross the borders of containers and network file systems. Running subgraphs have
no notification either; they are asked for their SDL.
"""

from __future__ import annotations

import time
from dataclasses import dataclass
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

    `answers` are the SDLs of the running subgraphs, or why they could not be had.
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
        except ConfigError:
            sources = ()
        files = [source.file for source in sources if source.file is not None]
        return cls(sources, {**_stamps(files), **stamp}, _answers(sources, timeout_seconds), timeout_seconds)

    def wait_for_change(self) -> None:
        """Return as soon as a file or an answer is not what it was."""
        asked = time.monotonic()
        while _stamps(self.stamps) == self.stamps:
            time.sleep(_LOOK_SECONDS)
            if time.monotonic() - asked > _ASK_SECONDS:
                if _answers(self.sources, self.timeout_seconds) != self.answers:
                    return
                asked = time.monotonic()
        time.sleep(_SETTLE_SECONDS)


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
