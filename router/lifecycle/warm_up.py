"""Prepare operations before a client waits for them: at the start from a file, at a reload from what was used most.

A warm-up never stops anything: what does not fit the new schema is skipped and counted.
"""

from __future__ import annotations

import json
import time
from typing import TYPE_CHECKING, NamedTuple

from router.errors import RequestError
from servicekit.errors import StartupError

if TYPE_CHECKING:
    import threading
    from collections.abc import Iterable, Iterator
    from pathlib import Path

    from router.gateway import Gateway
    from router.settings.sections.warm_up import WarmUp


class Wanted(NamedTuple):
    """A document, and the names of its operations that are run (None: it has one, and it is not named)."""

    query: str
    operations: tuple[str | None, ...] = (None,)


class Warmed(NamedTuple):
    """`skipped` are those that are not valid, `left` those for which there was no time."""

    prepared: int
    skipped: int
    left: int


def hottest(gateway: Gateway, count: int) -> list[Wanted]:
    """What clients asked `gateway` for most. Call it where the gateway is used: its caches are not for two threads."""
    return [
        Wanted(query, tuple(document.operations)) for query, document in gateway.preparation.documents.hottest(count)
    ]


def from_file(path: Path) -> list[Wanted]:
    """The documents of a folder of `.graphql` files, or of a JSON manifest (see `WarmUp.file`).

    Raises:
        StartupError: it cannot be read, or is neither.
    """
    try:
        if path.is_dir():
            texts = [file.read_text(encoding="utf-8") for file in sorted(path.rglob("*.graphql"))]
        else:
            texts = list(_documents(json.loads(path.read_text(encoding="utf-8"))))
    except OSError as error:
        raise StartupError(f"warm_up.file: {path}: cannot be read: {error.strerror}") from error
    except ValueError as error:
        raise StartupError(f"warm_up.file: {path}: no manifest of operations: {error}") from error
    return [Wanted(text) for text in texts]


def _documents(manifest: object) -> Iterator[str]:
    """Documents of a list, of an object by id (Relay's form), or of an object with `operations` (Apollo's)."""
    match manifest:
        case {"operations": list() as operations}:
            entries: Iterable[object] = [entry.get("body") for entry in operations if isinstance(entry, dict)]
        case dict():
            entries = manifest.values()
        case list():
            entries = manifest
        case _:
            raise ValueError("neither a list nor an object")
    for entry in entries:
        if not isinstance(entry, str):
            raise ValueError("an entry has no document")  # noqa: TRY004  (what a file holds, not a caller's mistake)
        yield entry


class Throttle:
    """So many documents a second, and an end. Without `stopped` nothing waits: nobody is being served yet."""

    def __init__(self, settings: WarmUp, stopped: threading.Event | None) -> None:
        self._pause = 1 / settings.rate
        self._end = time.monotonic() + settings.timeout
        self._stopped = stopped

    def wait(self, spent: float) -> bool:
        """Let others have the time until the next document, `spent` seconds being used up; False when it is over."""
        if self._stopped is not None and self._stopped.wait(max(self._pause - spent, 0.0)):
            return False
        return time.monotonic() < self._end


def warm(gateway: Gateway, wanted: Iterable[Wanted], throttle: Throttle) -> Warmed:
    """Prepare documents in order. Takes its time: call it in a thread when clients are being served."""
    queue = list(wanted)
    prepared = skipped = 0
    for position, document in enumerate(queue):
        started = time.monotonic()
        try:
            for name in document.operations or (None,):
                gateway.prepare(document.query, name)
            prepared += 1
        except RequestError:
            skipped += 1
        if position + 1 < len(queue) and not throttle.wait(time.monotonic() - started):
            break
    return Warmed(prepared, skipped, len(queue) - prepared - skipped)
