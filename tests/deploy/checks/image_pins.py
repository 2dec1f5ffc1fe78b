"""The images of others are pinned: compose files, Dockerfile and pipelines name the versions and digests of one list.

The list is `deploy/images.yaml`. `make image-digests` writes its digests (`tests/deploy/image_digests.py`).
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from tests.deploy.checks.documents import read, read_all, texts

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

LIST: Final = "deploy/images.yaml"
# The files that name images. The chart and the kustomizations name only images of the platform, and those below.
PATTERNS: Final = (
    "docker-compose*.yml",
    "Dockerfile",
    ".gitlab-ci.yml",
    "deploy/gitlab/*.yml",
    "deploy/kubernetes/**/*.yaml",
    "deploy/helm/mosafe/values.yaml",
)
DIGEST: Final = re.compile(r"sha256:[0-9a-f]{64}")
# `image: x`, `image: {name: x, entrypoint: ...}`, and the items of `services` of a job.
_IMAGE_KEY: Final = re.compile(r"(^|\.)(image(\.name)?|services\[\d+\])$")
_IN_DOCKERFILE: Final = re.compile(r"^(?:# syntax=|FROM )(\S+)", re.MULTILINE)
_REFERENCE: Final = re.compile(r"(?P<image>[\w./-]+(?::\d+/[\w./-]+)?):(?P<version>[\w.-]+)(?:@(?P<digest>\S+))?")
# The images that this repository builds.
_OWN: Final = re.compile(r"^(\$\{IMAGE_REGISTRY|mosafe/|process-\$\{PROCESS\})")


@dataclass(frozen=True, slots=True)
class Image:
    """An image of others. `digest` is None until a registry was asked for it."""

    image: str
    version: str
    digest: str | None

    @property
    def tagged(self) -> str:
        """The name with the version, such as `postgres:18.0-bookworm`."""
        return f"{self.image}:{self.version}"

    @property
    def pinned(self) -> str:
        """The name with the version, and the digest if it is known."""
        return f"{self.tagged}@{self.digest}" if self.digest else self.tagged


def listed_images(root: Path) -> list[Image]:
    """Return the images of the list, in its order.

    Raises:
        TypeError: a version is a number for YAML, which has no zeros at its end.
    """
    found = [Image(**entry) for entry in read(root / LIST)["images"]]
    for image in found:
        if not isinstance(image.version, str):
            raise TypeError(f"{LIST}: the version of {image.image} is not a text")
    return found


def files_with_images(root: Path) -> list[Path]:
    """Return the files that name images of others."""
    return sorted({path for pattern in PATTERNS for path in root.glob(pattern)})


def references(path: Path) -> Iterator[str]:
    """Yield the images of others that a file names, as it names them."""
    text = path.read_text(encoding="utf-8")
    if path.name == "Dockerfile":
        stages = set(re.findall(r"^FROM \S+ AS (\S+)$", text, re.MULTILINE))
        found = [name for name in _IN_DOCKERFILE.findall(text) if name not in stages]
    else:
        pairs = [pair for document in read_all(path) for pair in texts(document)]
        found = [value for place, value in pairs if _IMAGE_KEY.search(place)]
        for place, value in pairs:
            if place.endswith("dockerfile_inline"):
                found += _IN_DOCKERFILE.findall(value)
    yield from (name for name in found if not _OWN.match(name))


def check_pins(root: Path) -> Iterator[str]:
    """Every image is in the list with its version and its digest, and the list has no others."""
    images = {image.tagged: image for image in listed_images(root)}
    used = set()
    for path in files_with_images(root):
        for name in references(path):
            reference = _REFERENCE.fullmatch(name)
            tagged = f"{reference['image']}:{reference['version']}" if reference else name
            used.add(tagged)
            if tagged not in images:
                yield f"{path.relative_to(root)}: {name} is not in {LIST}"
            elif name != images[tagged].pinned:
                yield f"{path.relative_to(root)}: {name} is not {images[tagged].pinned}, as in {LIST}"
    yield from (f"{LIST}: no file uses {name}" for name in sorted(images.keys() - used))
    yield from _digests(list(images.values()))


def _digests(images: list[Image]) -> Iterator[str]:
    for image in images:
        if not re.search(r"\d+\.\d+", image.version):
            yield f"{LIST}: {image.tagged} is not pinned by version"
        if image.digest and not DIGEST.fullmatch(image.digest):
            yield f"{LIST}: {image.tagged} has {image.digest}, which is not a digest"
    with_digest = [image for image in images if image.digest]
    if with_digest and len(with_digest) < len(images):
        missing = ", ".join(image.tagged for image in images if not image.digest)
        yield f"{LIST}: without a digest: {missing}; run `make image-digests`"
