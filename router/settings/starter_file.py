"""A `router.yaml` to begin with: every key with its default, switched off, its meaning above it.

Prose is behind `##`, a key that is switched off behind one `#`: taking that one character away switches it on.
"""

from __future__ import annotations

import textwrap
from typing import TYPE_CHECKING

from router.settings.key_paths import Key, keys
from router.settings.reference import written

if TYPE_CHECKING:
    from collections.abc import Iterator

WIDTH = 100

_HEAD = """\
# yaml-language-server: $schema=./router.schema.json
## The configuration of `router serve`. Everything here is switched off and shows its default: take away the # in front
## of a key (and of the sections around it) to change it. `router config check --config router.yaml` says what is wrong.
##
## Any value may come from elsewhere:  {from_env: VARIABLE, default: value}  or  {from_file: /run/secrets/name}
## The schema in the first line completes keys in editors:  router config schema > router.schema.json
"""
_PLACEHOLDERS = ("<name>", "[]")


def starter() -> str:
    """The file's text: valid as it is, and the same as no file."""
    return _HEAD + "\n" + "\n".join(_lines()) + "\n"


def _lines() -> Iterator[str]:
    switched_off = "\0"
    for key in keys():
        if key.path.startswith(switched_off):
            continue
        if any(place in key.path for place in _PLACEHOLDERS):
            if key.section is not None and key.path.endswith(_PLACEHOLDERS):
                yield from _example(key)
            continue
        if key.section is not None and "." not in key.path:
            yield ""
        yield from _prose(key)
        indent = "  " * key.path.count(".")
        if key.section is None:
            yield f"#{indent}{key.name}: {written(key)}"
        elif key.default is None:
            switched_off = f"{key.path}."  # what is in it is on the reference page
            yield f"#{indent}{key.name}: null"
        else:
            yield f"#{indent}{key.name}:"


def _prose(key: Key) -> list[str]:
    indent = "  " * key.path.count(".")
    return [f"## {indent}{line}" for line in textwrap.wrap(key.description, WIDTH)]


def _example(key: Key) -> Iterator[str]:
    """A list or a mapping of sections is empty by default; what may be in it is on the reference page."""
    if sum(key.path.count(place) for place in _PLACEHOLDERS) > 1:
        return
    yield from _prose(key)
    depth = key.path.count(".") - key.path.endswith("<name>")
    yield f"#{'  ' * depth}{key.name}: {'[]' if key.path.endswith('[]') else '{}'}"
