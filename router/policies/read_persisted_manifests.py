"""Reads manifests: files in which build tools of clients list persisted documents. There are two formats.

    {"format": "apollo-persisted-query-manifest", "version": 1,
     "operations": [{"id": "...", "name": "Me", "type": "query", "body": "query Me { ... }", "clientName": "web"}]}

    {"<id>": "query Me { ... }"}                                       (Relay, GraphQL Code Generator, Hive)

In the first format, an operation with a `clientName` is only for the client with this name.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import msgspec

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

DocumentKey = tuple[str, str | None]
"""The id of a document, and the name of the client that may use it. If the name is None, every client may use it."""

APOLLO_FORMAT = "apollo-persisted-query-manifest"
APOLLO_VERSION = 1


class InvalidManifest(ValueError):
    """A manifest cannot be read. The message has the path and the reason."""


class _Operation(msgspec.Struct, rename="camel"):
    id: str
    body: str
    client_name: str | None = None


class _ApolloManifest(msgspec.Struct):
    format: str
    version: int
    operations: list[_Operation]


def read_manifests(paths: tuple[Path, ...]) -> dict[DocumentKey, str]:
    """Return the documents of all manifests, by id and client.

    Raises:
        InvalidManifest: A file cannot be read, is not a manifest, or one id has two documents.
    """
    documents: dict[DocumentKey, str] = {}
    for path in paths:
        for key, text in _read(path):
            if documents.setdefault(key, text) != text:
                raise InvalidManifest(f"{path}: the id {key[0]!r} has two documents")
    return documents


def _read(path: Path) -> Iterator[tuple[DocumentKey, str]]:
    try:
        data = path.read_bytes()
    except OSError as error:
        raise InvalidManifest(f"{path}: cannot be read: {error.strerror}") from error
    try:
        yield from _apollo(data) if _is_apollo(data) else _by_id(data)
    except (msgspec.DecodeError, InvalidManifest) as error:
        raise InvalidManifest(f"{path}: not a manifest of persisted documents: {error}") from error


def _is_apollo(data: bytes) -> bool:
    members = msgspec.json.decode(data, type=dict[str, msgspec.Raw])
    return "operations" in members and not bytes(members["operations"]).startswith(b'"')


def _apollo(data: bytes) -> Iterator[tuple[DocumentKey, str]]:
    manifest = msgspec.json.decode(data, type=_ApolloManifest)
    if (manifest.format, manifest.version) != (APOLLO_FORMAT, APOLLO_VERSION):
        raise InvalidManifest(f"its format is not {APOLLO_FORMAT}, version {APOLLO_VERSION}")
    for operation in manifest.operations:
        yield (operation.id, operation.client_name), operation.body


def _by_id(data: bytes) -> Iterator[tuple[DocumentKey, str]]:
    for name, text in msgspec.json.decode(data, type=dict[str, str]).items():
        yield (name, None), text
