"""Prepare operations before clients send them: from a file at the start, the most used ones at a reload.

A warm-up never fails: documents that are not valid for the new schema are skipped and counted.
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


class WarmUpDocument(NamedTuple):
    """A document and the names of the operations to prepare (None: its only operation, which has no name)."""

    query: str
    operations: tuple[str | None, ...] = (None,)


class WarmUpResult(NamedTuple):
    """Numbers of documents: `skipped` are not valid, for `left` there was no time."""

    prepared: int
    skipped: int
    left: int


def most_used(gateway: Gateway, count: int) -> list[WarmUpDocument]:
    """The documents used most. Call it in the gateway's thread: its caches are not thread-safe."""
    return [
        WarmUpDocument(query, tuple(document.operations))
        for query, document in gateway.preparation.documents.most_used(count)
    ]


def read_documents(path: Path) -> list[WarmUpDocument]:
    """The documents of a folder of `.graphql` files, or of a JSON manifest (see `WarmUp.file`).

    Raises:
        StartupError: it cannot be read, or has another format.
    """
    try:
        if path.is_dir():
            texts = [file.read_text(encoding="utf-8") for file in sorted(path.rglob("*.graphql"))]
        else:
            texts = list(_documents(json.loads(path.read_text(encoding="utf-8"))))
    except OSError as error:
        raise StartupError(f"warm_up.file: {path}: cannot be read: {error.strerror}") from error
    except ValueError as error:
        raise StartupError(f"warm_up.file: {path}: not a manifest of operations: {error}") from error
    return [WarmUpDocument(text) for text in texts]


def _documents(manifest: object) -> Iterator[str]:
    """The documents of a list, of an object by id (Relay's format), or of an object with `operations` (Apollo's)."""
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
            raise ValueError("an entry has no document")  # noqa: TRY004  (a file's content, not a caller's mistake)
        yield entry


class Throttle:
    """Limits documents per second and the total time. Without `stopped` there is no pause: no client is served yet."""

    def __init__(self, settings: WarmUp, stopped: threading.Event | None) -> None:
        self._pause = 1 / settings.rate
        self._end = time.monotonic() + settings.timeout
        self._stopped = stopped

    def wait(self, spent: float) -> bool:
        """Pause until the next document is due; `spent` seconds were used. False when warming up must end."""
        if self._stopped is not None and self._stopped.wait(max(self._pause - spent, 0.0)):
            return False
        return time.monotonic() < self._end


def warm(gateway: Gateway, wanted: Iterable[WarmUpDocument], throttle: Throttle) -> WarmUpResult:
    """Prepare documents in order. It takes long: call it in a thread while clients are served."""
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
    return WarmUpResult(prepared, skipped, len(queue) - prepared - skipped)
