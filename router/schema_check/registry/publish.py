"""Publishes subgraphs to a registry in a folder or an object store.

A publication is atomic: all files of the new version are written first, and then `latest.json` is replaced. Two
publications at the same time are two versions, so that no change is lost. If a publication is interrupted, its files
remain, but no version refers to them.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from router.composition import Subgraph, compose
from router.schema_check.registry.open_registry import open_registry_store
from router.schema_check.registry.read_registry import read_snapshot
from router.schema_check.registry.registry_store import PublishedMeanwhile
from router.schema_check.registry.registry_version import (
    FORMAT,
    PublishedSubgraph,
    RegistryError,
    RegistryVersion,
    checksum,
    schema_path,
    supergraph_path,
)

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from datetime import datetime

    from router.composition import Composition
    from router.schema_check.registry.read_registry import RegistrySnapshot
    from router.schema_check.registry.registry_store import RegistryStore

# How often a publication begins again because somebody else has published. A registry of many teams needs few.
_MAX_ATTEMPTS: Final = 10


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


def publish(location: str, publication: Publication, timeout_seconds: float) -> RegistryVersion | None:
    """Add a version to a registry; return None if nothing differs from its newest version.

    Args:
        location: A folder, which is created if it does not exist, or `s3://BUCKET/FOLDER`.
        publication: What to publish.
        timeout_seconds: The time limit for each request to an object store.

    Raises:
        NotPublishable: The subgraphs do not compose.
        RegistryError: The registry cannot be read or written, or does not have a subgraph that is to be removed.
    """
    return publish_to(open_registry_store(location, timeout_seconds), publication)


def publish_to(store: RegistryStore, publication: Publication) -> RegistryVersion | None:
    """See `publish`."""
    for _ in range(_MAX_ATTEMPTS):
        with store.publishing():
            try:
                return _publish(store, publication)
            except PublishedMeanwhile:
                continue
    raise RegistryError(f"{store.label}: {_MAX_ATTEMPTS} times, somebody else published first; publish again")


def _publish(store: RegistryStore, publication: Publication) -> RegistryVersion | None:
    current = read_snapshot(store) if store.has_version() else None
    subgraphs = _merged(store.label, current, publication)
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
        previous_sha256=None if current is None else current.version_sha256,
    )
    for subgraph in subgraphs.values():
        content = subgraph.sdl.encode()
        store.write(schema_path(subgraph.name, checksum(content)), content)
    store.write(supergraph_path(version.supergraph_sha256), supergraph)
    store.make_newest(number, version.to_json())
    return version


def _merged(label: str, current: RegistrySnapshot | None, publication: Publication) -> dict[str, Subgraph]:
    subgraphs = {} if current is None else {subgraph.name: subgraph for subgraph in current.subgraphs}
    for name in publication.removed:
        if name not in subgraphs:
            raise RegistryError(f'{label}: has no subgraph "{name}"; it has {", ".join(sorted(subgraphs)) or "none"}')
        del subgraphs[name]
    for given in publication.subgraphs:
        known = subgraphs.get(given.name)
        url = given.url or (known.url if known else "")
        if not url:
            raise RegistryError(f'{label}: has no subgraph "{given.name}" yet, so its URL is needed: --routing-url')
        subgraphs[given.name] = Subgraph(given.name, url, given.sdl)
    return subgraphs


def _published(subgraph: Subgraph, current: RegistrySnapshot | None, number: int) -> PublishedSubgraph:
    sha256 = checksum(subgraph.sdl.encode())
    known = None if current is None else current.version.subgraphs.get(subgraph.name)
    since = known.since if known is not None and known.sha256 == sha256 else number
    return PublishedSubgraph(subgraph.url, sha256, since)
