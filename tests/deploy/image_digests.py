"""Pins the images of others by digest: `make image-digests`.

A version of an image can be pushed again with other content; a digest cannot. This command asks the registry of each
image of `deploy/images.yaml` for the digest of its version, and writes it into the list and into every file that names
the image. With `--check` it writes nothing, and fails if a digest is missing or is not the one of the registry.

It needs `crane` (`make tools`), which speaks the protocol of registries and uses the logins of `docker login`. For an
image of several platforms, the digest is that of their index, so one digest serves all platforms.
"""

from __future__ import annotations

import argparse
import re
import shutil
import subprocess
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Final

from tests.deploy.checks.image_pins import DIGEST, LIST, Image, files_with_images, listed_images
from tests.tools.deploy_tools import CRANE

if TYPE_CHECKING:
    from collections.abc import Iterator

ROOT: Final = Path(__file__).parents[2]
# A registry that does not answer must not stop a pipeline for hours.
_SECONDS: Final = 60


def resolve(image: Image) -> str:
    """Return the digest that the registry has for the version of an image.

    Raises:
        LookupError: the registry cannot be reached, does not know the version, or its response is not a digest.
    """
    crane = shutil.which("crane") or str(CRANE)
    command = [crane, "digest", image.tagged]
    try:
        done = subprocess.run(command, capture_output=True, text=True, check=False, timeout=_SECONDS)
    except FileNotFoundError as error:
        raise LookupError("crane is not installed: make tools") from error
    except subprocess.TimeoutExpired as error:
        raise LookupError(f"{image.tagged}: no response within {_SECONDS} s") from error
    digest = done.stdout.strip()
    if done.returncode or not DIGEST.fullmatch(digest):
        raise LookupError(f"{image.tagged}: {done.stderr.strip() or digest or 'no digest'}")
    return digest


def pin(root: Path, digests: dict[str, str]) -> list[Path]:
    """Write the digest of each image, by its name with the version. Return the files that have changed."""
    changed = []
    for path in [*files_with_images(root), root / LIST]:
        old = path.read_text(encoding="utf-8")
        new = old
        for image in listed_images(root):
            digest = digests.get(image.tagged)
            if digest is None:
                continue
            if path == root / LIST:
                entry = rf"(- image: {re.escape(image.image)}\n +version: {re.escape(image.version)}\n +digest: )\S+"
                new = re.sub(entry, rf"\g<1>{digest}", new)
            else:
                name = rf"(?<![\w./-]){re.escape(image.tagged)}(?:@sha256:[0-9a-f]{{64}})?(?![\w.-])"
                new = re.sub(name, f"{image.tagged}@{digest}", new)
        if new != old:
            path.write_text(new, encoding="utf-8")
            changed.append(path)
    return changed


def differences(images: list[Image], digests: dict[str, str]) -> Iterator[str]:
    """Yield what is missing in the list, or is not what the registry has."""
    for image in images:
        if image.digest != digests[image.tagged]:
            yield f"{image.tagged}: {image.digest or 'no digest'} in {LIST}, {digests[image.tagged]} in the registry"


def run(root: Path, *, check: bool) -> int:
    """Write or check the digests, and print what was done. Return the exit code."""
    images = listed_images(root)
    try:
        digests = {image.tagged: resolve(image) for image in images}
    except LookupError as error:
        print(f"image-digests: {error}", file=sys.stderr)  # noqa: T201 - the output of a command
        return 2
    if check:
        found = list(differences(images, digests))
        print("\n".join(found) or f"{len(images)} images have the digests of their registries")  # noqa: T201 - same
        return int(bool(found))
    changed = pin(root, digests)
    print(f"{len(digests)} digests; changed: {', '.join(str(path.relative_to(root)) for path in changed) or 'no file'}")  # noqa: T201 - same
    return 0


def main() -> int:
    parser = argparse.ArgumentParser(description="Write the digests of the images of others.")
    parser.add_argument(
        "--check", action="store_true", help="write nothing; fail if a digest is not that of the registry"
    )
    return run(ROOT, check=parser.parse_args().check)


if __name__ == "__main__":
    sys.exit(main())
