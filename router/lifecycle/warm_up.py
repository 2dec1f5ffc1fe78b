"""Prepare operations before clients send them: those of a file at the start, the most used ones at a reload.

A document that is not valid for the new schema is skipped and counted; it does not stop the warm-up.
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
    """A document and the names of the operations to prepare. None stands for its only operation."""

    query: str
    operations: tuple[str | None, ...] = (None,)


class WarmUpResult(NamedTuple):
    """The numbers of documents that are prepared, not valid (`skipped`), or not prepared in time (`left`)."""

    prepared: int
    skipped: int
    left: int


def most_used(gateway: Gateway, count: int) -> list[WarmUpDocument]:
    """Return the `count` most used documents. Call it in the thread that uses the gateway: caches have no lock."""
    return [
        WarmUpDocument(query, tuple(document.operations))
        for query, document in gateway.preparation.documents.most_used(count)
    ]


def read_documents(path: Path) -> list[WarmUpDocument]:
    """Return the documents of a folder of `.graphql` files, or of a JSON manifest (see `WarmUp.file`).

    Raises:
        StartupError: the folder or the manifest cannot be read, or the manifest has another format.
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
    """Yield the documents of a manifest.

    A manifest is a list of documents, an object that maps ids to documents (Relay), or an object with a list
    `operations` (Apollo).
    """
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
            raise ValueError("an entry has no document")  # noqa: TRY004  (the file is wrong, not the type of an argument)
        yield entry


class Throttle:
    """Limits the total time and, while clients are served, the documents per second.

    `stopped` ends the warm-up when it is set. It is None if no client is served yet: there are then no pauses.
    """

    def __init__(self, settings: WarmUp, stopped: threading.Event | None) -> None:
        self._pause = 1 / settings.rate
        self._end = time.monotonic() + settings.timeout
        self._stopped = stopped

    def wait(self, spent: float) -> bool:
        """Pause before the next document; the last one took `spent` seconds. Returns False if the warm-up must end."""
        if self._stopped is not None and self._stopped.wait(max(self._pause - spent, 0.0)):
            return False
        return time.monotonic() < self._end


def warm(gateway: Gateway, documents: Iterable[WarmUpDocument], throttle: Throttle) -> WarmUpResult:
    """Prepare documents in order. While clients are served, call it in a thread, because planning takes long."""
    queue = list(documents)
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
