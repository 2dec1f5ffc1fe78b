"""Reads manifests, and says which folder of data a part is in."""

from __future__ import annotations

from functools import cache
from typing import TYPE_CHECKING, Any, Final

from ruamel.yaml import YAML

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

# The processes that serve requests of other processes, by name in bank/topology.yaml, and the name of their container.
CONTAINERS: Final = {
    "auth": "auth-service",
    "account": "account-service",
    "transaction": "transaction-service",
    "router": "router",
    "rest": "rest",
}
# The user of the images.
USER: Final = 10001


def read(path: Path) -> Any:
    """Return the YAML document in the file."""
    (document,) = read_all(path)
    return document


def read_all(path: Path) -> list[Any]:
    """Return the YAML documents in the file, without empty ones."""
    return _parse_all(path.read_text(encoding="utf-8"))


@cache
def _parse_all(text: str) -> list[Any]:
    return [document for document in YAML(typ="safe").load_all(text) if document is not None]


def values(part: Any, name: str) -> Iterator[Any]:
    """Yield the value of each key `name`, however deep it is in `part`."""
    if isinstance(part, dict):
        if name in part:
            yield part[name]
        for child in part.values():
            yield from values(child, name)
    elif isinstance(part, list):
        for child in part:
            yield from values(child, name)


def texts(part: Any, place: str = "") -> Iterator[tuple[str, str]]:
    """Yield each text in `part`, with its place such as `services.auth.image`."""
    if isinstance(part, dict):
        for key, child in part.items():
            yield from texts(child, f"{place}.{key}".lstrip("."))
    elif isinstance(part, list):
        for index, child in enumerate(part):
            yield from texts(child, f"{place}[{index}]")
    elif isinstance(part, str):
        yield place, part
