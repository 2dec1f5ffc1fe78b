"""Arguments filled from an ancestor object (`@fromContext`; planner reference §3.22).

A value can differ from object to object, yet it travels as a variable of the whole operation: the objects are grouped
by their values, and each group is a request of its own.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from router.executor.flatten import ancestor
from router.executor.typenames import is_subtype
from router.plan import Each, Key, Parent, TypeIs
from router.transport.json_codec import canonical

if TYPE_CHECKING:
    from collections.abc import Iterable

    from graphql import GraphQLSchema

    from router.executor.context import JsonObject
    from router.executor.flatten import Place
    from router.plan import Fetch, Path


def by_context(
    schema: GraphQLSchema, root: JsonObject, fetch: Fetch, places: Iterable[Place]
) -> list[tuple[JsonObject, list[Place]]]:
    """The places in groups of equal contextual variables, in order of first appearance."""
    if not fetch.context_rewrites:
        return [({}, list(places))]
    groups: dict[bytes, tuple[JsonObject, list[Place]]] = {}
    for place in places:
        variables: JsonObject = {}
        for rewrite in fetch.context_rewrites:
            found, value = _read(schema, root, place, rewrite.path)
            if found:
                variables[rewrite.name] = value
        groups.setdefault(canonical(variables), (variables, []))[1].append(place)
    return list(groups.values())


def _read(schema: GraphQLSchema, root: JsonObject, place: Place, path: Path) -> tuple[bool, object]:
    """Whether the path applies to the object, and the value it leads to."""
    value: object = place.object
    for step in path:
        match step:
            case Parent():
                place = ancestor(root, place.path)
                value = place.object
            case TypeIs(types=types):
                typename = value.get("__typename") if isinstance(value, dict) else None
                if not isinstance(typename, str) or not any(is_subtype(schema, typename, of) for of in types):
                    return False, None
            case Key(name=name):
                if not isinstance(value, dict):
                    return value is None, None
                value = value.get(name)
            case Each():
                raise ValueError("a context is one object")
    return True, value
