"""Opens a registry in a folder, a git repository, a web server or an object store.

../schemas                                            a folder
git+https://git.example.com/schemas.git#main:registry a folder of a branch of a git repository
https://schemas.example.com/registry                  a folder that a web server serves
s3://bucket/registry                                  an object store with the API of S3
"""

from __future__ import annotations

import os
import subprocess
import tempfile
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Final

from router.composition.url_without_secrets import without_secrets
from router.schema_check.registry.registry_files import OBJECT_STORE, Folder
from router.schema_check.registry.registry_store import FolderStore
from router.schema_check.registry.registry_version import RegistryError

if TYPE_CHECKING:
    from collections.abc import Iterator

    from router.schema_check.registry.object_store import ObjectStore
    from router.schema_check.registry.registry_files import RegistryFiles
    from router.schema_check.registry.registry_store import RegistryStore

_GIT: Final = "git+"


@contextmanager
def open_registry(location: str, timeout_seconds: float) -> Iterator[RegistryFiles]:
    """Open a registry for reading.

    Raises:
        RegistryError: The git repository cannot be cloned, or the object store is not configured.
    """
    if location.startswith(OBJECT_STORE):
        yield _object_store(location, timeout_seconds)
    elif location.startswith(_GIT):
        with tempfile.TemporaryDirectory() as temporary:
            yield _clone(location, Path(temporary), timeout_seconds)
    elif location.startswith(("http://", "https://")):
        # The HTTP client takes a fifth of a second to import, and only a registry on a web server needs it.
        from router.schema_check.registry.web_folder import open_web_folder  # noqa: PLC0415

        with open_web_folder(location, timeout_seconds) as folder:
            yield folder
    else:
        yield Folder(location, Path(location))


def open_registry_store(location: str, timeout_seconds: float) -> RegistryStore:
    """Open a registry for publishing: a folder, which is created, or an object store.

    Raises:
        RegistryError: The object store is not configured, or nothing can be published at the location.
    """
    if location.startswith(OBJECT_STORE):
        return _object_store(location, timeout_seconds)
    if location.startswith(_GIT):
        raise RegistryError(
            f"{without_secrets(location)}: is read only; publish to a folder of a clone, then commit and push it"
        )
    if "://" in location:
        raise RegistryError(
            f"{without_secrets(location)}: is read only; publish to the folder that the web server serves, or to s3://"
        )
    return FolderStore(location, Path(location))


def _object_store(location: str, timeout_seconds: float) -> ObjectStore:
    try:
        # Only a registry in an object store needs the package.
        from router.schema_check.registry.object_store import ObjectStore  # noqa: PLC0415
    except ModuleNotFoundError as error:
        raise RegistryError(f"{location}: needs the package boto3: pip install mosafe[s3]") from error
    return ObjectStore(location, timeout_seconds)


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
        reason = lines[-1] if lines else "it does not say why"
        raise RegistryError(f"{label}: git cannot clone it: {reason}; without a network, name a folder as the registry")
    return Folder(label, target / folder)
