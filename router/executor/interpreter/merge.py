"""Deep merge of a fetch's result into the response tree (§3.6).

The same entity can stand at many places, so containers are copied, never shared: two places must not see each other's
later changes.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from router.executor.graphql.type_relations import is_subtype

if TYPE_CHECKING:
    from collections.abc import Mapping

    from graphql import GraphQLSchema


def merge(schema: GraphQLSchema, target: dict[str, object], incoming: Mapping[str, object]) -> None:
    """Merge `incoming` into `target`, in place.

    Objects unite, lists go element by element with the surplus appended, of two scalars the later wins. Null erases
    nothing. A type name gives way only to a more precise one: a subgraph that knows an interface merely as an object
    reports the interface's name. An object never replaces a list nor the other way round.
    """
    for key, value in incoming.items():
        if key == "__typename" and _is_less_precise(schema, value, target.get(key)):
            continue
        target[key] = _merged(schema, target.get(key), value)


def _merged(schema: GraphQLSchema, present: object, incoming: object) -> object:
    match present, incoming:
        case _, None:
            return present
        case dict(), dict():
            merge(schema, present, incoming)
            return present
        case list(), list():
            _merge_lists(schema, present, incoming)
            return present
        case (dict(), _) | (list(), _):
            return present
        case _:
            return _copied(incoming)


def _merge_lists(schema: GraphQLSchema, present: list[object], incoming: list[object]) -> None:
    for index, value in enumerate(incoming[: len(present)]):
        present[index] = _merged(schema, present[index], value)
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
