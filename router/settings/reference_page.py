"""Generates the reference page of the configuration, in Markdown, from the model."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from typing import TYPE_CHECKING, Any

from router.settings.all_keys import Key, keys
from router.settings.load import ENVIRONMENT

if TYPE_CHECKING:
    from collections.abc import Iterable

_HEAD = """# router.yaml

<!-- Generated: router config reference > docs/configuration.md -->

All keys with their defaults. A key is optional unless it is marked *required*. With an unknown key the router does not
start; the message has the line and the most similar key. `router config check --config router.yaml` checks a file, and
the files that it names, without starting the router. `router init` writes a starter file, and `router config schema`
prints a JSON Schema for editors.

A value can be a reference:

| written | value |
|---|---|
| `{from_env: VARIABLE}` | the environment variable, or else the text of the file `VARIABLE_FILE`; one must be set |
| `{from_env: VARIABLE, default: value}` | the same, or `value` when it is unset or empty |
| `{from_file: path}` | the text of a file (beside `router.yaml`), without the line break at its end |

A relative path starts at the folder of `router.yaml`, wherever the router is started. Durations are written `500ms`,
`30s`, `1m`, or as a number of seconds. `<name>` is the name of a subgraph, `[]` an entry of a list.
[router.md](router.md) explains how to run the router.
"""
_TYPES = {
    "boolean": "`true` or `false`",
    "integer": "whole number",
    "number": "number",
    "string": "text",
    "duration": "duration",
    "null": "`null`",
    "array": "list",
    "object": "mapping",
}
_FORMATS = {"path": "path", "password": "secret"}
_BOUNDS = {"minimum": "≥", "exclusiveMinimum": ">", "maximum": "≤", "exclusiveMaximum": "<"}


def reference() -> str:
    """Return the text of the reference page."""
    return _HEAD + "".join(f"\n{part}" for part in _sections(list(keys())))


def _sections(all_keys: list[Key]) -> Iterator[str]:
    top = [key for key in all_keys if key.is_leaf and "." not in key.path]
    yield _table("At the top", "", top, "")
    for key in all_keys:
        if key.section is not None:
            below = [each for each in all_keys if each.is_leaf and each.path.rpartition(".")[0] == key.path]
            if below:
                yield _table(f"`{key.path}`", key.description, below, key.path)


def _table(title: str, description: str, rows: Iterable[Key], prefix: str) -> str:
    lines = [f"## {title}", ""]
    if description:
        lines += [description, ""]
    lines += ["| key | value | default | |", "|---|---|---|---|"]
    lines += [_row(key, prefix) for key in rows]
    return "\n".join(lines) + "\n"


def _row(key: Key, prefix: str) -> str:
    default = "*required*" if key.required else f"`{default_as_yaml(key)}`"
    variable = ENVIRONMENT.get((prefix, key.name) if prefix else (key.name,))
    if variable is not None:
        default += f", or `{variable}`"
    return f"| `{key.name}` | {_kind(key.schema)} | {default} | {key.description.replace('|', chr(92) + '|')} |"


def _kind(schema: Mapping[str, Any]) -> str:
    """Return a description of the values that a schema allows, for example "whole number > 0"."""
    if "enum" in schema:
        return ", ".join(f"`{value}`" for value in schema["enum"])
    if "anyOf" in schema:
        options = schema["anyOf"]
        if {"number", "string"} <= {option.get("type") for option in options}:
            options = [{"type": "duration"}, *(option for option in options if option.get("type") == "null")]
        return " or ".join(dict.fromkeys(map(_kind, options)))
    if schema.get("format") in _FORMATS:
        return _FORMATS[schema["format"]]
    bounds = [f"{sign} {schema[word]}" for word, sign in _BOUNDS.items() if word in schema]
    words = " ".join((_TYPES[schema["type"]], ", ".join(bounds))).rstrip()
    inner = schema.get("items") or schema.get("additionalProperties")
    return f"{words} of {_kind(inner)}" if isinstance(inner, Mapping) else words


def default_as_yaml(key: Key) -> str:
    """Return the default of a key as YAML.

    A duration is written with its unit, for example `30s`. Text has quotes only where YAML requires them. Any other
    value is written as JSON.
    """
    value = key.default
    if isinstance(value, float) and _kind(key.schema).startswith("duration"):
        return f"{value:g}s" if value >= 1 else f"{value * 1000:g}ms"
    if isinstance(value, str) and value not in {"", "true", "false", "null", "*"} and ": " not in value:
        return value
    return json.dumps(value, ensure_ascii=False)
