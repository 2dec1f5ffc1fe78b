"""Reads a registry from a folder, a git repository or a web server, and checks every checksum.

../schemas                                            a folder
git+https://git.example.com/schemas.git#main:registry a folder of a branch of a git repository
https://schemas.example.com/registry                  a folder that a web server serves
"""

from __future__ import annotations

import os
import subprocess
import tempfile
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Final, Protocol

import httpx

from router.composition import Subgraph
from router.composition.subgraph_loading import without_secrets
from router.schema_check.registry.registry_version import (
    LATEST,
    RegistryError,
    RegistryVersion,
    checked,
    parse_version,
    schema_path,
)

if TYPE_CHECKING:
    from collections.abc import Iterator

_GIT: Final = "git+"
# Without this limit, an endless response would fill the memory. The introspection of subgraphs has the same limit.
_MAX_BYTES: Final = 32 * 1024 * 1024


class RegistryFiles(Protocol):
    """The files of a registry, wherever they are."""

    @property
    def label(self) -> str:
        """The registry, as messages name it."""

    def read(self, path: str) -> bytes:
        """Return the content of a file.

        Raises:
            RegistryError: The file does not exist, or cannot be read.
        """


@dataclass(frozen=True, slots=True)
class RegistrySnapshot:
    """The newest version of a registry.

    Attributes:
        label: The registry and its version, such as `../schemas (version 7)`.
        version: The version.
        subgraphs: Its subgraphs.
    """

    label: str
    version: RegistryVersion
    subgraphs: tuple[Subgraph, ...]


def read_registry(location: str, timeout_seconds: float) -> RegistrySnapshot:
    """Read the newest version of a registry.

    Args:
        location: A folder, `git+URL#BRANCH:FOLDER`, or a URL.
        timeout_seconds: The time limit for each request to a web server, and for cloning a git repository.

    Raises:
        RegistryError: The registry cannot be read, has no version, or a file does not have its checksum.
    """
    with open_registry(location, timeout_seconds) as files:
        version = parse_version(f"{files.label}/{LATEST}", files.read(LATEST))
        subgraphs = []
        for name, published in version.subgraphs.items():
            path = schema_path(name, published.sha256)
            content = checked(f"{files.label}/{path}", files.read(path), published.sha256)
            subgraphs.append(Subgraph(name, published.routing_url, content.decode()))
        return RegistrySnapshot(f"{files.label} (version {version.version})", version, tuple(subgraphs))


@contextmanager
def open_registry(location: str, timeout_seconds: float) -> Iterator[RegistryFiles]:
    """Open a registry for reading.

    Raises:
        RegistryError: The git repository cannot be cloned.
    """
    if location.startswith(_GIT):
        with tempfile.TemporaryDirectory() as temporary:
            yield _clone(location, Path(temporary), timeout_seconds)
    elif location.startswith(("http://", "https://")):
        with httpx.Client(timeout=timeout_seconds, follow_redirects=False) as client:
            yield _WebFolder(without_secrets(location).rstrip("/"), location.rstrip("/"), client)
    else:
        yield Folder(location, Path(location))


@dataclass(frozen=True, slots=True)
class Folder:
    """A registry in a folder."""

    label: str
    path: Path

    def read(self, path: str) -> bytes:
        """See `RegistryFiles`."""
        try:
            return (self.path / path).read_bytes()
        except FileNotFoundError as error:
            raise RegistryError(_missing(self.label, path)) from error
        except OSError as error:
            raise RegistryError(f"{self.label}/{path}: cannot be read: {error.strerror}") from error


@dataclass(frozen=True, slots=True)
class _WebFolder:
    label: str
    url: str
    client: httpx.Client

    def read(self, path: str) -> bytes:
        place = f"{self.label}/{path}"
        content = bytearray()
        try:
            with self.client.stream("GET", f"{self.url}/{path}") as response:
                if response.status_code == httpx.codes.NOT_FOUND:
                    raise RegistryError(_missing(self.label, path))
                if not response.is_success:
                    raise RegistryError(f"{place}: the server returned status {response.status_code}")
                for chunk in response.iter_bytes():
                    content += chunk
                    if len(content) > _MAX_BYTES:
                        raise RegistryError(f"{place}: is longer than {_MAX_BYTES} bytes")
        except httpx.TimeoutException as error:
            raise RegistryError(f"{place}: the server did not respond in time; --timeout allows more") from error
        except (httpx.HTTPError, httpx.InvalidURL) as error:
            raise RegistryError(
                f"{place}: the server cannot be reached: {str(error) or type(error).__name__}; "
                "without a network, name a folder as --registry"
            ) from error
        return bytes(content)


def _missing(label: str, path: str) -> str:
    if path == LATEST:
        return f"{label}: is not a registry, or nothing is published there: it has no {LATEST}; see `router publish`"
    return f"{label}/{path}: does not exist, but a version of the registry names it; restore it from a backup"


def _clone(location: str, target: Path, timeout_seconds: float) -> Folder:
    url, _, place = location.removeprefix(_GIT).partition("#")
    branch, _, folder = place.partition(":")
    label = f"{without_secrets(url)}#{place}" if place else without_secrets(url)
    # The URL and the branch must not be taken for options of git.
    if url.startswith("-") or branch.startswith("-"):
        raise RegistryError(f"{label}: is not the URL of a git repository")
    command = [
        "git",
        "clone",
        "--quiet",
        "--depth=1",
        *(["--branch", branch] if branch else []),
        "--",
        url,
        str(target),
    ]
    quiet = {**os.environ, "GIT_TERMINAL_PROMPT": "0"}
    try:
        done = subprocess.run(  # noqa: S603 - the arguments are checked above
            command, capture_output=True, check=False, timeout=timeout_seconds, env=quiet
        )
    except FileNotFoundError as error:
        raise RegistryError("git is not installed; name a folder or a URL as the registry") from error
    except subprocess.TimeoutExpired as error:
        raise RegistryError(f"{label}: git did not clone it in {timeout_seconds:g} s; --timeout allows more") from error
    if done.returncode != 0:
        lines = done.stderr.decode(errors="replace").strip().splitlines()
        raise RegistryError(f"{label}: git cannot clone it: {lines[-1] if lines else 'it does not say why'}")
    return Folder(label, target / folder)
