"""Reads the newest version of a registry, and checks every checksum."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from router.composition import Subgraph
from router.schema_check.registry.open_registry import open_registry
from router.schema_check.registry.registry_version import (
    LATEST,
    RegistryVersion,
    checked,
    checksum,
    parse_version,
    schema_path,
)

if TYPE_CHECKING:
    from router.schema_check.registry.registry_files import RegistryFiles


@dataclass(frozen=True, slots=True)
class RegistrySnapshot:
    """The newest version of a registry.

    Attributes:
        label: The registry and its version, such as `../schemas (version 7)`.
        version: The version.
        version_sha256: The checksum of the file of this version.
        subgraphs: Its subgraphs.
    """

    label: str
    version: RegistryVersion
    version_sha256: str
    subgraphs: tuple[Subgraph, ...]


def read_registry(location: str, timeout_seconds: float) -> RegistrySnapshot:
    """Read the newest version of a registry.

    Args:
        location: A folder, `git+URL#BRANCH:FOLDER`, a URL, or `s3://BUCKET/FOLDER`.
        timeout_seconds: The time limit for each request to a server, and for cloning a git repository.

    Raises:
        RegistryError: The registry cannot be read, has no version, or a file does not have its checksum.
    """
    with open_registry(location, timeout_seconds) as files:
        return read_snapshot(files)


def read_snapshot(files: RegistryFiles) -> RegistrySnapshot:
    """Read the newest version of a registry.

    Raises:
        RegistryError: The registry cannot be read, has no version, or a file does not have its checksum.
    """
    latest = files.read(LATEST)
    version = parse_version(f"{files.label}/{LATEST}", latest)
    subgraphs = []
    for name, published in version.subgraphs.items():
        path = schema_path(name, published.sha256)
        content = checked(f"{files.label}/{path}", files.read(path), published.sha256)
        subgraphs.append(Subgraph(name, published.routing_url, content.decode()))
    label = f"{files.label} (version {version.version})"
    return RegistrySnapshot(label, version, checksum(latest), tuple(subgraphs))
