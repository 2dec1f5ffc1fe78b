"""Prepares operations (parses, validates and plans them) before clients send them.

At the start, the operations come from a file. At a reload, they are the operations that clients used most. A document
that is not valid for the new schema is skipped and counted, and the warm-up continues.
"""

from __future__ import annotations

import json
import time
from typing import TYPE_CHECKING, NamedTuple

import msgspec

from router.errors import RequestError
from servicekit.errors import StartupError

if TYPE_CHECKING:
    import threading
    from collections.abc import Iterable, Iterator
    from pathlib import Path

    from router.gateway import Gateway
    from router.settings.sections.warm_up import WarmUp


class WarmUpDocument(msgspec.Struct, frozen=True):
    """A document and the names of the operations to prepare. The name None means the only operation of the document."""

    query: str
    operations: tuple[str | None, ...] = (None,)


class WarmUpResult(NamedTuple):
    """The result of a warm-up, as numbers of documents.

    `prepared` counts the documents that were prepared, `skipped` the invalid ones, and `left` the documents that were
    not prepared because the warm-up ended early.
    """

    prepared: int
    skipped: int
    left: int


def most_used(gateway: Gateway, count: int) -> list[WarmUpDocument]:
    """Return the `count` documents that clients used most.

    Call this function in the thread that uses the gateway, because the caches have no lock.
    """
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
    """Limits the total time of a warm-up. While clients are served, also limits the number of documents per second.

    The warm-up ends when `stopped` is set. `stopped` is None if no client is served yet; the warm-up then never pauses.
    """

    def __init__(self, settings: WarmUp, stopped: threading.Event | None) -> None:
        self._pause = 1 / settings.rate
        self._end = time.monotonic() + settings.timeout
        self._stopped = stopped

    def wait(self, spent: float) -> bool:
        """Pause before the next document. `spent` is the number of seconds that the previous document took.

        Return False if the warm-up must end.
        """
        if self._stopped is not None and self._stopped.wait(max(self._pause - spent, 0.0)):
            return False
        return time.monotonic() < self._end


def warm(gateway: Gateway, documents: Iterable[WarmUpDocument], throttle: Throttle) -> WarmUpResult:
    """Prepare the documents in order, until `throttle` ends the warm-up, and return how many were prepared.

    While clients are served, call this function outside the thread of the event loop, because planning takes long.
    """
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
