"""Keeps data derived from supergraphs in a folder, so that the router starts faster with a supergraph it knows.

    SDL ──key──> folder/<key>.supergraph ──read, verify──> StoredSupergraph ──restore──> Supergraph
                        └── missing or not usable: load the SDL, and write the file later

A file is *a hint*, and never trusted more than the SDL:

- It holds numbers and names in MessagePack, decoded into declared types. Reading it executes nothing (no pickle).
- Its name is a digest of the SDL and of the versions of the form, the router, graphql-core and Python. So another
  SDL or another version never uses it.
- It begins with a digest of this name and its content: an incomplete, damaged or renamed file is refused.
- It must be a regular file of this user or of root that no other user may write. So it makes no difference who else
  may write into the folder. The digest has no secret key: whoever can write files as this user can also replace the
  router.

A refused file is reported once, and replaced. Files are written under another name, with mode 0600, and renamed: a
reader never sees a part of a file. Without a usable folder, the router works as without the cache.
"""

from __future__ import annotations

import hashlib
import hmac
import os
import platform
import re
import stat
import time
from contextlib import suppress
from importlib.metadata import version
from secrets import token_hex
from threading import Thread
from typing import TYPE_CHECKING, Final

import msgspec
import structlog

from router.supergraph.loading import load, load_document, parse_supergraph
from router.supergraph.stored_supergraph import describe, restore
from router.supergraph.stored_types import FORMAT, StoredSupergraph
from servicekit import garbage_collection

if TYPE_CHECKING:
    from pathlib import Path

    from router.federation.sdl.parse_sdl import DefinitionsWithStarts
    from router.supergraph import Supergraph

MAX_FILES: Final = 8
"""The number of files that stay in the folder, those that were used last. A rollback needs the file of the version
before; other routers may share the folder."""

MAX_BYTES: Final = 64_000_000
"""The size of the largest file that is read. A supergraph of 10,000 types needs 320 kB."""

_SUFFIX: Final = ".supergraph"
# The names of files and drafts, so that nothing else in the folder is removed.
_OWN_NAME: Final = re.compile(r"[0-9a-f]{64}\.supergraph|\.[0-9a-f]{64}\.\d+\.[0-9a-f]{8}\.supergraph")
_MODE: Final = 0o600
_WRITABLE_BY_OTHERS: Final = 0o022
_DIGEST_BYTES: Final = 32
# The age in seconds at which a draft belongs to no running process any more: it takes less than a second to write one.
_OLD_DRAFT: Final = 3600.0

_log = structlog.stdlib.get_logger("supergraph_cache")


class SupergraphCache:
    """Loads supergraphs, with the files in `folder`. If `folder` is None, no files are used.

    Attributes:
        folder: The folder. It is created when the first file is written.
        counts: How often a file was used (`hits`), was missing (`misses`), was refused (`refused`), was written
            (`written`), and could not be written (`not_written`).
    """

    def __init__(self) -> None:
        self.folder: Path | None = None
        self.counts = dict.fromkeys(("hits", "misses", "refused", "written", "not_written"), 0)
        self._reported: set[str] = set()
        self._writer: Thread | None = None

    @garbage_collection.paused()
    def load(self, sdl: str) -> Supergraph:
        """Load a supergraph (`router.supergraph.load`). If it has no usable file, a thread writes one.

        Raises:
            InvalidSupergraph: As for `router.supergraph.load`.
        """
        folder = self.folder
        if folder is None:
            return load(sdl)
        path = folder / f"{_key(sdl)}{_SUFFIX}"
        try:
            supergraph = restore(sdl, _read(path))
        except FileNotFoundError:
            self.counts["misses"] += 1
        except Exception as error:  # noqa: BLE001 - whatever a file contains, the SDL can be loaded without it
            self.counts["refused"] += 1
            self._report("a file of the supergraph cache is not usable, and is replaced", path, error)
        else:
            self.counts["hits"] += 1
            with suppress(OSError):
                os.utime(path)  # the files that were used last stay
            return supergraph
        parsed = parse_supergraph(sdl)
        supergraph = load_document(sdl, parsed.document)
        self._writer = Thread(target=self._write, args=(path, supergraph, parsed), name="supergraph-cache")
        self._writer.start()
        return supergraph

    def finish(self) -> None:
        """Wait until the last file is written."""
        if self._writer is not None:
            self._writer.join()

    def status(self) -> dict[str, object]:
        """Return the folder and the counts, for `/status`."""
        return {"folder": None if self.folder is None else str(self.folder), **self.counts}

    def _write(self, path: Path, supergraph: Supergraph, parsed: DefinitionsWithStarts) -> None:
        try:
            stored = describe(supergraph, parsed)
            if stored is None:
                return
            payload = msgspec.msgpack.encode(stored)
            path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
            _replace(path, _digest(path, payload) + payload)
            self.counts["written"] += 1
            _remove_old_files(path.parent)
        except Exception as error:  # noqa: BLE001 - the router serves without the file
            self.counts["not_written"] += 1
            self._report("the supergraph cache cannot be written", path, error)

    def _report(self, event: str, path: Path, error: Exception) -> None:
        """Log a problem once, and not at each reload."""
        reason = error.strerror if isinstance(error, OSError) and error.strerror else str(error)
        if event not in self._reported:
            self._reported.add(event)
            _log.warning(event, file=str(path), reason=reason)


class _UnusableFileError(Exception):
    """A file of the cache must not be used."""


def _key(sdl: str) -> str:
    versions = (str(FORMAT), version("mosafe"), version("graphql-core"), platform.python_version())
    digest = hashlib.sha256()
    for part in (*versions, sdl):
        content = part.encode()
        digest.update(len(content).to_bytes(8, "big") + content)
    return digest.hexdigest()


def _digest(path: Path, payload: bytes) -> bytes:
    return hashlib.sha256(path.name.encode() + payload).digest()


def _read(path: Path) -> StoredSupergraph:
    """Read and verify a file.

    Raises:
        OSError, _UnusableFileError, msgspec.MsgspecError: The file cannot be used.
    """
    # O_NONBLOCK: opening a named pipe must not wait for its writer.
    with os.fdopen(os.open(path, os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK), "rb") as file:
        found = os.fstat(file.fileno())
        if not stat.S_ISREG(found.st_mode):
            raise _UnusableFileError("it is not a regular file")
        if found.st_uid not in {os.geteuid(), 0} or found.st_mode & _WRITABLE_BY_OTHERS:
            raise _UnusableFileError("other users can write it")
        if found.st_size > MAX_BYTES:
            raise _UnusableFileError(f"it has more than {MAX_BYTES} bytes")
        content = file.read()
    digest, payload = content[:_DIGEST_BYTES], content[_DIGEST_BYTES:]
    if not hmac.compare_digest(digest, _digest(path, payload)):
        raise _UnusableFileError("its digest is wrong")
    return msgspec.msgpack.decode(payload, type=StoredSupergraph)


def _replace(path: Path, content: bytes) -> None:
    draft = path.with_name(f".{path.stem}.{os.getpid()}.{token_hex(4)}{_SUFFIX}")
    descriptor = os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW, _MODE)
    try:
        with os.fdopen(descriptor, "wb") as file:
            file.write(content)
        draft.replace(path)
    except BaseException:
        draft.unlink(missing_ok=True)
        raise


def _remove_old_files(folder: Path) -> None:
    """Remove all but the newest files, and the drafts of processes that were killed. Files of others stay."""
    files: list[tuple[float, Path]] = []
    for path in folder.iterdir():
        if _OWN_NAME.fullmatch(path.name):
            with suppress(OSError):  # another process may remove it
                files.append((path.stat().st_mtime, path))
    oldest_draft = time.time() - _OLD_DRAFT
    finished = sorted((each for each in files if not each[1].name.startswith(".")), reverse=True)
    drafts = [path for age, path in files if path.name.startswith(".") and age < oldest_draft]
    for path in [*drafts, *(path for _, path in finished[MAX_FILES:])]:
        with suppress(OSError):
            path.unlink()
