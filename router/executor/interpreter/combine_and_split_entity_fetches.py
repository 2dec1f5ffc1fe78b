"""Combine equal entity fetches in one request, and split the response by fetch (execution §3.9).

A *batch* is a request with several entity fetches, which are its *parts*. Each part has its own alias of `_entities`.
Several parts can select the same fields on objects at different paths. These parts are sent as one part with all their
objects. So an author who appears at two paths is sent and resolved only once.

The response to a batch is split into one response for each part, as if each part had been sent alone:

    {"data": {"_e0": [{...}], "_e1": [null]}, "errors": [{"path": ["_e1", 0, "name"]}]}
    = {"data": {"_entities": [{...}]}, "errors": []}   and   {"data": {"_entities": [null]}, "errors": [{...}]}

If an error's path begins with the alias of a part, the part gets the error. Every other error is given to each part
whose entities are null or contain a null, so that every null has an error. If there is no such part, the first part
gets the error. If the response has no data, an error in one part made all parts fail. The other parts then get the same
error without its path.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from router.executor.errors.error_translation import ENTITIES

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

    from router.executor.context_and_result import JsonObject
    from router.executor.interpreter.requests_in_plan import FetchStep


def group_equal_parts(steps: Iterable[FetchStep]) -> list[list[FetchStep]]:
    """Group the parts of a batch, in order. The parts of one group are equal except for the paths of their objects."""
    groups: dict[object, list[FetchStep]] = {}
    for step in steps:
        fetch, selection_set = step.fetch, step.part and step.part.selection_set
        key = (selection_set, fetch.requires, fetch.input_rewrites, fetch.output_rewrites)
        groups.setdefault(key, []).append(step)
    return list(groups.values())


def split_response(response: Mapping[str, object], aliases: Sequence[str]) -> list[JsonObject]:
    """Split the response to a batch into one response for each alias, in the order of `aliases`."""
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
    """Return the alias of the part to which an error belongs: the first segment of the error's path.

    If the path is empty or does not begin with a response key, return "".
    """
    path = entry.get("path") if isinstance(entry, dict) else None
    return path[0] if isinstance(path, list) and path and isinstance(path[0], str) else ""


def _without_path(entry: object) -> object:
    return {key: value for key, value in entry.items() if key != "path"} if isinstance(entry, dict) else entry
