"""Publishes subgraphs to a registry in a folder.

A publication is atomic: all files of the new version are written first, and then `latest.json` is replaced. A lock
prevents two publications at the same time, so that no change is lost. If a publication is interrupted, its files
remain, but no version refers to them.
"""

from __future__ import annotations

import fcntl
import os
import tempfile
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Final

from router.composition import Subgraph, compose
from router.schema_check.registry.read_registry import Folder, read_registry
from router.schema_check.registry.registry_version import (
    FORMAT,
    LATEST,
    PublishedSubgraph,
    RegistryError,
    RegistryVersion,
    checksum,
    schema_path,
    supergraph_path,
    version_path,
)

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence
    from datetime import datetime

    from router.composition import Composition
    from router.schema_check.registry.read_registry import RegistrySnapshot

_LOCK: Final = ".lock"


class NotPublishable(Exception):
    """The new subgraphs do not compose with the other subgraphs, so nothing is published.

    Attributes:
        composition: The composition, with its errors.
        sdl: The SDL of each subgraph.
    """

    def __init__(self, composition: Composition, sdl: Mapping[str, str]) -> None:
        super().__init__("the subgraphs do not compose")
        self.composition = composition
        self.sdl = sdl


@dataclass(frozen=True, slots=True)
class Publication:
    """What to publish.

    Attributes:
        subgraphs: New subgraphs, and new versions of subgraphs that the registry has. If a URL is empty, the registry
            keeps its own URL.
        removed: The names of subgraphs that leave the registry.
        by: Who publishes.
        reason: Why.
        now: The time of the publication.
    """

    subgraphs: Sequence[Subgraph]
    removed: Sequence[str]
    by: str
    reason: str
    now: datetime


def publish(folder: Path, publication: Publication) -> RegistryVersion | None:
    """Add a version to a registry; return None if nothing differs from its newest version.

    The folder is created if it does not exist.

    Raises:
        NotPublishable: The subgraphs do not compose.
        RegistryError: The registry cannot be read or written, or does not have a subgraph that is to be removed.
    """
    try:
        folder.mkdir(parents=True, exist_ok=True)
        with _locked(folder):
            return _publish(folder, publication)
    except OSError as error:
        raise RegistryError(f"{error.filename or folder}: cannot be written: {error.strerror}") from error


def _publish(folder: Path, publication: Publication) -> RegistryVersion | None:
    current = read_registry(str(folder), 0) if (folder / LATEST).exists() else None
    subgraphs = _merged(folder, current, publication)
    before = {} if current is None else {subgraph.name: subgraph for subgraph in current.subgraphs}
    changed = sorted({name for name in (*before, *subgraphs) if before.get(name) != subgraphs.get(name)})
    if not changed:
        return None
    composition = compose(subgraphs.values())
    if composition.supergraph_sdl is None:
        raise NotPublishable(composition, {name: subgraph.sdl for name, subgraph in subgraphs.items()})
    supergraph = composition.supergraph_sdl.encode()
    number = 1 if current is None else current.version.version + 1
    version = RegistryVersion(
        format=FORMAT,
        version=number,
        published=publication.now.isoformat(timespec="seconds").replace("+00:00", "Z"),
        by=publication.by,
        reason=publication.reason,
        changed=tuple(changed),
        subgraphs={name: _published(subgraphs[name], current, number) for name in sorted(subgraphs)},
        supergraph_sha256=checksum(supergraph),
        previous_sha256=None if current is None else checksum(Folder(str(folder), folder).read(LATEST)),
    )
    for subgraph in subgraphs.values():
        content = subgraph.sdl.encode()
        _write(folder / schema_path(subgraph.name, checksum(content)), content)
    _write(folder / supergraph_path(version.supergraph_sha256), supergraph)
    _write(folder / version_path(number), version.to_json())
    _write(folder / LATEST, version.to_json())
    return version


def _merged(folder: Path, current: RegistrySnapshot | None, publication: Publication) -> dict[str, Subgraph]:
    subgraphs = {} if current is None else {subgraph.name: subgraph for subgraph in current.subgraphs}
    for name in publication.removed:
        if name not in subgraphs:
            raise RegistryError(f'{folder}: has no subgraph "{name}"; it has {", ".join(sorted(subgraphs)) or "none"}')
        del subgraphs[name]
    for given in publication.subgraphs:
        known = subgraphs.get(given.name)
        url = given.url or (known.url if known else "")
        if not url:
            raise RegistryError(f'{folder}: has no subgraph "{given.name}" yet, so its URL is needed: --routing-url')
        subgraphs[given.name] = Subgraph(given.name, url, given.sdl)
    return subgraphs


def _published(subgraph: Subgraph, current: RegistrySnapshot | None, number: int) -> PublishedSubgraph:
    sha256 = checksum(subgraph.sdl.encode())
    known = None if current is None else current.version.subgraphs.get(subgraph.name)
    since = known.since if known is not None and known.sha256 == sha256 else number
    return PublishedSubgraph(subgraph.url, sha256, since)


@contextmanager
def _locked(folder: Path) -> Iterator[None]:
    with (folder / _LOCK).open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        yield


def _write(path: Path, content: bytes) -> None:
    """Replace a file in one step, and wait until it is on the disk. A file with the same content is not touched."""
    if path.exists() and path.read_bytes() == content:
        return
    path.parent.mkdir(parents=True, exist_ok=True)
    with tempfile.NamedTemporaryFile(dir=path.parent, prefix=f".{path.name}.", delete=False) as file:
        temporary = Path(file.name)
        try:
            file.write(content)
            file.flush()
            os.fsync(file.fileno())
            temporary.chmod(0o644)
            temporary.replace(path)
        except BaseException:
            temporary.unlink(missing_ok=True)
            raise
