"""Entity fetches that share a request: equal parts are one, and the response is split by part (execution §3.9).

Parts of a batch that select the same on objects at different paths become one part with the objects of all: an author
who is reached on two paths is sent and resolved once.

The response to a batch is split into the responses that its parts would have got alone:

    {"data": {"_e0": [{...}], "_e1": [null]}, "errors": [{"path": ["_e1", 0, "name"]}]}
    = {"data": {"_entities": [{...}]}, "errors": []}   and   {"data": {"_entities": [null]}, "errors": [{...}]}

An error belongs to the part whose alias its path starts with. An error without such a path belongs to every part with a
missing entity, so that every null has an error; when no entity is missing, it belongs to the first part. When the whole
response has no data, the error of one part made the others fail too, and is reported there without its path.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from router.executor.errors.subgraph_errors import ENTITIES

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

    from router.executor.context_and_result import JsonObject
    from router.executor.interpreter.planned_requests import FetchStep


def alike(steps: Iterable[FetchStep]) -> list[list[FetchStep]]:
    """The parts of a batch in groups that differ only in the path of their objects, in order."""
    groups: dict[object, list[FetchStep]] = {}
    for step in steps:
        fetch, selection_set = step.fetch, step.part and step.part.selection_set
        key = (selection_set, fetch.requires, fetch.input_rewrites, fetch.output_rewrites)
        groups.setdefault(key, []).append(step)
    return list(groups.values())


def split(response: Mapping[str, object], aliases: Sequence[str]) -> list[JsonObject]:
    """A response for each alias, in order."""
    data, errors = response.get("data"), response.get("errors")
    entities_of = {alias: data.get(alias) if isinstance(data, dict) else None for alias in aliases}
    incomplete = [
        alias for alias, entities in entities_of.items() if not isinstance(entities, list) or None in entities
    ]
    errors_of: dict[str, list[object]] = {alias: [] for alias in aliases}
    for entry in errors if isinstance(errors, list) else []:
        owner = _owner(entry)
        if owner in errors_of:
            errors_of[owner].append(entry | {"path": [ENTITIES, *entry["path"][1:]]})
        if owner not in errors_of or not isinstance(data, dict):
            for alias in incomplete or aliases[:1]:
                if alias != owner:
                    errors_of[alias].append(_without_path(entry))
    return [
        {"data": {ENTITIES: entities_of[alias]} if isinstance(data, dict) else data, "errors": errors_of[alias]}
        for alias in aliases
    ]


def _owner(entry: object) -> str:
    """The alias that the path of an error starts with, empty without a path."""
    path = entry.get("path") if isinstance(entry, dict) else None
    return path[0] if isinstance(path, list) and path and isinstance(path[0], str) else ""


def _without_path(entry: object) -> object:
    return {key: value for key, value in entry.items() if key != "path"} if isinstance(entry, dict) else entry
