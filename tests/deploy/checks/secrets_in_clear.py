"""No file of a deployment has a secret in clear, or a default password."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Final

from tests.deploy.checks.documents import read_all, texts

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

# Values under these keys are names of files, of secrets or of variables.
_SECRET_KEY: Final = re.compile(r"(password|passwd|secret|token|api_?key|private_?key)$", re.IGNORECASE)
_REFERENCE: Final = re.compile(r"\$[{(]{0,2} ?\w|^/run/secrets/|^\./secrets/|^[a-z][a-z0-9_-]*$|^\{\{")
# What is a secret wherever it stands: keys, passwords in URLs, long random texts.
_TEXT: Final = re.compile(
    r"-----BEGIN [A-Z ]*PRIVATE KEY|[a-z+]+://[^\s/:@]*:[^\s/@${<]+@|(?<!sha256:)\b[0-9a-f]{64}\b|\bAKIA[0-9A-Z]{16}\b|\bgh[ps]_\w{36}"
)
_FOLDERS: Final = ("deploy", "traefik", ".github")
_FILES: Final = ("docker-compose.yml", "docker-compose.infra.yml", "Dockerfile", ".gitlab-ci.yml", ".env.example")


def check_secrets_in_clear(root: Path) -> Iterator[str]:
    for path in _files(root):
        name, text = path.relative_to(root), path.read_text(encoding="utf-8")
        for found in _TEXT.finditer(text):
            if "user:password@" not in found[0]:  # the form of an address, in .env.example
                yield f"{name}: a secret in clear"
        if path.suffix in {".yml", ".yaml"} and "templates" not in path.parts:
            yield from (f"{name}: {problem}" for problem in _values(path))


def _files(root: Path) -> Iterator[Path]:
    yield from (root / name for name in _FILES)
    for folder in _FOLDERS:
        yield from sorted(path for path in (root / folder).rglob("*") if path.is_file())


def _values(path: Path) -> Iterator[str]:
    for document in read_all(path):
        if isinstance(document, dict) and document.get("kind") == "Secret":
            yield "it has a Secret; those come from files or from outside"
        for place, text in texts(document):
            key = place.rpartition(".")[2].partition("[")[0]
            if _SECRET_KEY.search(key) and not _REFERENCE.search(text):
                yield f"{place} is a secret in clear"
