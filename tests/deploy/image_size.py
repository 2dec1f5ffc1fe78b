"""Computes the size of each image without a container engine, and fails above the budget: `make image-size`.

It lays out the files that the stages of the Dockerfile copy into an image: the environment with the packages of the
process, for the Python and the platform of the image, and the files of the router. They are compressed as a registry
stores a layer (tar and gzip). The size of the base image is its published one.
"""

from __future__ import annotations

import argparse
import compileall
import gzip
import os
import re
import shutil
import subprocess
import sys
import tarfile
import tempfile
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

if TYPE_CHECKING:
    from collections.abc import Iterable

ROOT: Final = Path(__file__).parents[2]
BUDGET_MB: Final = 100.0
# Docker Hub lists python:3.13-slim-bookworm for linux/amd64 with 41 to 45 MB compressed, depending on the release.
BASE_MB: Final = 45.0
PROCESSES: Final = ("auth", "account", "transaction", "router", "rest", "operator")
PLATFORM: Final = "x86_64-manylinux_2_28"
_ROUTER_FILES: Final = ("router.yaml", "supergraph.graphql")
_MB: Final = 1_000_000


class _CountingFile:
    """A file that keeps nothing but the number of bytes written to it."""

    def __init__(self) -> None:
        self.size = 0

    def write(self, data: bytes) -> int:
        self.size += len(data)
        return len(data)

    def flush(self) -> None:
        """Do nothing: nothing is kept."""


def python_version() -> str:
    """Return the Python of the base image, such as `3.13`."""
    found = re.search(
        r"^FROM python:(\d+\.\d+)\.\d+-slim", (ROOT / "Dockerfile").read_text(encoding="utf-8"), re.MULTILINE
    )
    if found is None:
        raise SystemExit("Dockerfile: no base image python:X.Y.Z-slim")
    return found[1]


def lay_out(process: str, wheel: Path, folder: Path) -> None:
    """Install into `folder` what the image of `process` has besides its base."""
    extra = "backup" if process == "operator" else process
    target = folder / "opt" / "mosafe" / "lib"
    platform = ("--only-binary", ":all:", "--python-version", python_version(), "--python-platform", PLATFORM)
    versions = ("--constraints", ROOT / "requirements.lock")
    _uv("pip", "install", "--quiet", "--target", target, *platform, *versions, f"mosafe[{extra}] @ {wheel.as_uri()}")
    kept = re.findall(r"! -name (\S+)", (ROOT / "Dockerfile").read_text(encoding="utf-8"))
    for service in target.glob("botocore/data/*/"):
        if service.name not in kept:
            shutil.rmtree(service)
    compileall.compile_dir(target, quiet=2)
    if process == "router":
        (folder / "etc").mkdir()
        for name in _ROUTER_FILES:
            shutil.copy(ROOT / name, folder / "etc")


def compressed_bytes(folder: Path) -> int:
    """Return the size of the layer with the files of `folder`: a tar file, compressed by gzip."""
    counter: Any = _CountingFile()
    with (
        gzip.GzipFile(fileobj=counter, mode="wb", compresslevel=6, mtime=0) as layer,
        tarfile.open(fileobj=layer, mode="w|") as archive,
    ):
        archive.add(folder, arcname=".")
    return int(counter.size)


def sizes(processes: Iterable[str]) -> dict[str, float]:
    """Return the compressed size of the image of each process, in megabytes, with its base."""
    found = {}
    with tempfile.TemporaryDirectory() as scratch:
        _uv(
            "build",
            "--quiet",
            "--wheel",
            "--no-build-isolation",
            "--python",
            sys.executable,
            "--out-dir",
            scratch,
            ROOT,
        )
        (wheel,) = Path(scratch).glob("*.whl")
        for process in processes:
            folder = Path(scratch) / process
            lay_out(process, wheel, folder)
            found[process] = BASE_MB + compressed_bytes(folder) / _MB
            shutil.rmtree(folder)
    return found


def _uv(*arguments: object) -> None:
    uv = Path(sys.executable).with_name("uv")
    subprocess.run([uv, *map(str, arguments)], check=True, env={**os.environ, "UV_NO_PROGRESS": "1"})


def main() -> int:
    parser = argparse.ArgumentParser(description="Compute the compressed size of each image.")
    parser.add_argument("process", nargs="*", default=PROCESSES)
    parser.add_argument("--budget", type=float, default=BUDGET_MB, metavar="MB")
    options = parser.parse_args()
    too_large = False
    for process, size in sizes(options.process).items():
        is_over = size > options.budget
        too_large |= is_over
        print(f"{process:12} {size:6.1f} MB{f'  above the budget of {options.budget:.0f} MB' if is_over else ''}")  # noqa: T201 - the output of a command
    print(f"compressed; {BASE_MB:.0f} MB of each are the published size of the base image")  # noqa: T201 - same
    return int(too_large)


if __name__ == "__main__":
    sys.exit(main())
