"""One version of a registry: its JSON format, and the paths and checksums of what it names."""

from __future__ import annotations

import hashlib
from typing import Final
from urllib.parse import quote

import msgspec

FORMAT: Final = 1
LATEST: Final = "latest.json"


class RegistryError(ValueError):
    """A registry cannot be read or written. The message says where, and what to do."""


class MissingFile(RegistryError):
    """A file of a registry does not exist."""


class PublishedSubgraph(msgspec.Struct, frozen=True, rename="camel", forbid_unknown_fields=True):
    """A subgraph in a version of a registry.

    Attributes:
        routing_url: The URL to which the router sends requests.
        sha256: The checksum of the SDL.
        since: The version of the registry that published this SDL.
    """

    routing_url: str
    sha256: str
    since: int


class RegistryVersion(msgspec.Struct, frozen=True, rename="camel", forbid_unknown_fields=True):
    """A version of a registry.

    Attributes:
        format: The format of this file.
        version: The number of the version; the first is 1.
        published: When it was published (RFC 3339, UTC).
        by: Who published it; empty if not said.
        reason: Why; empty if not said.
        changed: The names of the subgraphs that differ from the version before.
        subgraphs: All subgraphs by name.
        supergraph_sha256: The checksum of the supergraph.
        previous_sha256: The checksum of the file of the version before; None for the first version.
    """

    format: int
    version: int
    published: str
    by: str
    reason: str
    changed: tuple[str, ...]
    subgraphs: dict[str, PublishedSubgraph]
    supergraph_sha256: str
    previous_sha256: str | None

    def to_json(self) -> bytes:
        """Return the content of the file of this version."""
        return msgspec.json.format(msgspec.json.encode(self, order="deterministic"), indent=2) + b"\n"


def parse_version(place: str, content: bytes) -> RegistryVersion:
    """Return the version in the content of a file.

    Raises:
        RegistryError: The content is not a version of a registry.
    """
    try:
        version = msgspec.json.decode(content, type=RegistryVersion)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError) as error:
        raise RegistryError(f"{place}: is not a version of a registry: {error}") from error
    if version.format != FORMAT:
        raise RegistryError(f"{place}: has format {version.format}; this version of the router reads format {FORMAT}")
    return version


def version_path(version: int) -> str:
    """Return the path of a version in its registry."""
    return f"versions/{version}.json"


def schema_path(name: str, sha256: str) -> str:
    """Return the path of the SDL of a subgraph in its registry."""
    return f"schemas/{quote(name, safe='')}/{sha256}.graphql"


def supergraph_path(sha256: str) -> str:
    """Return the path of a supergraph in its registry."""
    return f"supergraphs/{sha256}.graphql"


def checksum(content: bytes) -> str:
    """Return the SHA-256 of a content, in hexadecimal digits."""
    return hashlib.sha256(content).hexdigest()


def checked(place: str, content: bytes, sha256: str) -> bytes:
    """Return the content if it has the checksum.

    Raises:
        RegistryError: The content has another checksum.
    """
    if checksum(content) != sha256:
        raise RegistryError(
            f"{place}: the content does not have the checksum {sha256[:12]}… under which it was published; "
            "restore the file from a backup or from the history of the registry"
        )
    return content
