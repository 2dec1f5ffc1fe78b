"""Generates the starter `router.yaml`. Every key is commented out, and shows its default and description.

A line with a description starts with `##`, and a line of an example with `##>`. A line with a key starts with one `#`;
to set the key, remove this `#`.
"""

from __future__ import annotations

import textwrap
from typing import TYPE_CHECKING

from router.settings.all_keys import Key, keys
from router.settings.reference_page import default_as_yaml

if TYPE_CHECKING:
    from collections.abc import Iterator

WIDTH = 100

_HEAD = """\
# yaml-language-server: $schema=./router.schema.json
## The configuration of `router serve`. Every key is commented out and shows its default: remove the # in front of a
## key (and of the sections around it) to change it. `router config check --config router.yaml` checks the file.
##
## A value can be a reference:  {from_env: VARIABLE, default: value}  or  {from_file: /run/secrets/name}
## The schema in the first line completes keys in editors:  router config schema > router.schema.json
"""
EXAMPLES = {
    "headers": """\
headers:
  all:
    request:
      - propagate: {named: authorization}   # subgraphs get the client's token
""",
}
"""Examples of usual settings, by section.

In the file, each line of an example starts with `##>`.
"""
_PLACEHOLDERS = ("<name>", "[]")


def starter_file() -> str:
    """Return the text of the starter file. If the file is not edited, all settings have their defaults."""
    return _HEAD + "\n" + "\n".join(_lines()) + "\n"


def _lines() -> Iterator[str]:
    hidden_section = "\0"
    for key in keys():
        if key.path.startswith(hidden_section):
            continue
        if any(place in key.path for place in _PLACEHOLDERS):
            if key.section is not None and key.path.endswith(_PLACEHOLDERS):
                yield from _example(key)
            continue
        if key.section is not None and "." not in key.path:
            yield ""
        yield from _description(key)
        yield from (f"##> {line}" for line in EXAMPLES.get(key.path, "").splitlines())
        indent = "  " * key.path.count(".")
        if key.section is None:
            yield f"#{indent}{key.name}: {default_as_yaml(key)}"
        elif key.default is None:
            hidden_section = f"{key.path}."  # only the reference page lists the keys of this section
            yield f"#{indent}{key.name}: null"
        else:
            yield f"#{indent}{key.name}:"


def _description(key: Key) -> list[str]:
    indent = "  " * key.path.count(".")
    return [f"## {indent}{line}" for line in textwrap.wrap(key.description, WIDTH)]


def _example(key: Key) -> Iterator[str]:
    """Yield the lines of a key whose value is a list or mapping of sections: the description, and `[]` or `{}`.

    Only the reference page lists the keys of these sections.
    """
    if sum(key.path.count(place) for place in _PLACEHOLDERS) > 1:
        return
    yield from _description(key)
    depth = key.path.count(".") - key.path.endswith("<name>")
    yield f"#{'  ' * depth}{key.name}: {'[]' if key.path.endswith('[]') else '{}'}"
