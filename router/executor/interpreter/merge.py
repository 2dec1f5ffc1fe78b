"""Merge the result of a fetch into the response tree, at all depths (execution §3.6).

The same result can be merged into several objects of the tree. So the objects and lists of the result are copied. A
later change of one object in the tree then does not change the other objects.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from router.executor.graphql.type_relations import is_subtype
from router.federation.find_type_name_in_reference import TYPENAME

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from graphql import GraphQLSchema

    from router.errors import ResponsePath


def merge(
    schema: GraphQLSchema,
    target: dict[str, object],
    incoming: Mapping[str, object],
    conflicts: list[object] | None = None,
) -> None:
    """Merge `incoming` into `target`, in place.

    If `target` has an object or a list where `incoming` has a value of another kind, the value of `incoming` is not
    merged. Instead, this value is added to `conflicts`. `conflicting_paths` finds the paths of such values.

    Objects are merged key by key. Lists are merged item by item, and additional items are appended. If `incoming` has a
    value that is not null, the value replaces a scalar or null in `target`. An object or a list in `target` is never
    replaced.

    A type name in `__typename` is not replaced by the name of a supertype. Subgraphs with an `@interfaceObject` type
    report such a name: the name of the interface.
    """
    for key, value in incoming.items():
        if key == TYPENAME and _is_less_precise(schema, value, target.get(key)):
            continue
        target[key] = _merged(schema, target.get(key), value, conflicts)


def conflicting_paths(merged: object, incoming: object) -> Iterator[ResponsePath]:
    """Yield the path of each value of `incoming` that `merge` did not merge. `merged` is the result of `merge`."""
    match merged, incoming:
        case _, None:
            return
        case dict(), dict():
            children = ((key, merged.get(key), value) for key, value in incoming.items())
        case list(), list():
            children = ((index, *values) for index, values in enumerate(zip(merged, incoming, strict=False)))
        case (dict(), _) | (list(), _):
            yield ()
            return
        case _:
            return
    for segment, present, value in children:
        for path in conflicting_paths(present, value):
            yield (segment, *path)


def _merged(schema: GraphQLSchema, present: object, incoming: object, conflicts: list[object] | None) -> object:
    match present, incoming:
        case _, None:
            return present
        case dict(), dict():
            merge(schema, present, incoming, conflicts)
            return present
        case list(), list():
            _merge_lists(schema, present, incoming, conflicts)
            return present
        case (dict(), _) | (list(), _):
            if conflicts is not None:
                conflicts.append(incoming)
            return present
        case _:
            return _copied(incoming)


def _merge_lists(
    schema: GraphQLSchema, present: list[object], incoming: list[object], conflicts: list[object] | None
) -> None:
    for index, value in enumerate(incoming[: len(present)]):
        present[index] = _merged(schema, present[index], value, conflicts)
    present.extend(_copied(value) for value in incoming[len(present) :])


def _copied(value: object) -> object:
    match value:
        case dict():
            return {key: _copied(item) for key, item in value.items()}
        case list():
            return [_copied(item) for item in value]
        case _:
            return value


def _is_less_precise(schema: GraphQLSchema, incoming: object, present: object) -> bool:
    return (
        isinstance(present, str)
        and isinstance(incoming, str)
        and present != incoming
        and is_subtype(schema, present, incoming)
    )
