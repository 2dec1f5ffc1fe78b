"""Entity fetches in one request (§3.9).

Parts of a batch that ask the same of objects at different places become one part with the objects of all: an author of
many reviews, met on two ways, is told and resolved once.

The response to a batch is split into what each of its parts would have been answered alone.

    {"data": {"_e0": [{...}], "_e1": [null]}, "errors": [{"path": ["_e1", 0, "name"]}]}
    = {"data": {"_entities": [{...}]}, "errors": []}   and   {"data": {"_entities": [null]}, "errors": [{...}]}

An error belongs to the part whose alias its path starts with. One without such a path belongs to every part that lacks
an entity, as the alternative would be a null that nothing explains; if none lacks any, to the first part. When no part
was answered, the error of one part is what failed the others too, and is told there without its path.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from router.executor.errors.subgraph_errors import ENTITIES

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

    from router.executor.context import JsonObject
    from router.executor.interpreter.schedule import Step


def alike(steps: Iterable[Step]) -> list[list[Step]]:
    """The parts of a batch in groups of those that differ by the place of their objects only, in order."""
    groups: dict[object, list[Step]] = {}
    for step in steps:
        fetch, selections = step.fetch, step.part and step.part.selection_set
        asked = (selections, fetch.requires, fetch.input_rewrites, fetch.output_rewrites)
        groups.setdefault(asked, []).append(step)
    return list(groups.values())


def split(body: Mapping[str, object], aliases: Sequence[str]) -> list[JsonObject]:
    """A response for each alias, in order."""
    data, errors = body.get("data"), body.get("errors")
    answered = {alias: data.get(alias) if isinstance(data, dict) else None for alias in aliases}
    lacking = [alias for alias, entities in answered.items() if not isinstance(entities, list) or None in entities]
    told: dict[str, list[object]] = {alias: [] for alias in aliases}
    for entry in errors if isinstance(errors, list) else []:
        owner = _owner(entry)
        if owner in told:
            told[owner].append(entry | {"path": [ENTITIES, *entry["path"][1:]]})
        if owner not in told or not isinstance(data, dict):
            for alias in lacking or aliases[:1]:
                if alias != owner:
                    told[alias].append(_without_path(entry))
    return [
        {"data": {ENTITIES: answered[alias]} if isinstance(data, dict) else data, "errors": told[alias]}
        for alias in aliases
    ]


def _owner(entry: object) -> str:
    """The alias an error's path starts with, if it has a path."""
    path = entry.get("path") if isinstance(entry, dict) else None
    return path[0] if isinstance(path, list) and path and isinstance(path[0], str) else ""


def _without_path(entry: object) -> object:
    return {key: value for key, value in entry.items() if key != "path"} if isinstance(entry, dict) else entry
