"""Reads the history of a registry, and verifies it: every version has the checksum of the version before it."""

from __future__ import annotations

from contextlib import suppress
from typing import TYPE_CHECKING

from router.schema_check.registry.registry_version import (
    LATEST,
    MissingFile,
    RegistryError,
    RegistryVersion,
    checked,
    checksum,
    parse_version,
    schema_path,
    supergraph_path,
    version_path,
)

if TYPE_CHECKING:
    from collections.abc import Iterator

    from router.schema_check.registry.registry_files import RegistryFiles


def history(files: RegistryFiles) -> Iterator[RegistryVersion]:
    """Yield all versions, the newest first. The chain of checksums is verified.

    Raises:
        RegistryError: A version is missing, was changed, or cannot be read.
    """
    content = files.read(LATEST)
    version = parse_version(f"{files.label}/{LATEST}", content)
    path = version_path(version.version)
    # A publication to an object store that was interrupted can have left this file out; the next one writes it.
    with suppress(MissingFile):
        checked(f"{files.label}/{path}", files.read(path), checksum(content))
    while True:
        yield version
        if version.previous_sha256 is None:
            return
        path = version_path(version.version - 1)
        content = checked(f"{files.label}/{path}", files.read(path), version.previous_sha256)
        version = parse_version(f"{files.label}/{path}", content)


def verify(files: RegistryFiles) -> int:
    """Read everything that the registry names, and return the number of its versions.

    Raises:
        RegistryError: Files are missing or were changed. The message has one line for each such file.
    """
    problems, seen, count = [], set(), 0
    for version in history(files):
        count += 1
        named = {schema_path(name, each.sha256): each.sha256 for name, each in version.subgraphs.items()}
        named[supergraph_path(version.supergraph_sha256)] = version.supergraph_sha256
        for path, sha256 in named.items():
            if path in seen:
                continue
            seen.add(path)
            try:
                checked(f"{files.label}/{path}", files.read(path), sha256)
            except RegistryError as error:
                problems.append(str(error))
    if problems:
        raise RegistryError("\n".join(problems))
    return count
