"""Finds the abstract types that no longer have an object type in common.

`u { ... on Node { id } }` is valid only while the union or interface of `u` and `Node` have a possible type in common.
"""

from __future__ import annotations

from itertools import combinations
from typing import TYPE_CHECKING

from graphql import GraphQLObjectType, is_abstract_type

if TYPE_CHECKING:
    from collections.abc import Iterator

    from graphql import GraphQLAbstractType, GraphQLSchema

    from router.schema_check.diff.comparison import Comparison


def without_overlap(comparison: Comparison, removed: str) -> frozenset[str]:
    """Return the abstract types that no longer have any object type in common with another abstract type.

    Args:
        comparison: Both schemas.
        removed: An object type of the old schema that was removed, or that has left an abstract type.
    """
    found: set[str] = set()
    for first, second in combinations(_abstract_types_of(comparison, removed), 2):
        ours, theirs = _possible_types(comparison.new, first.name), _possible_types(comparison.new, second.name)
        # The removal of a whole abstract type is a separate change.
        if ours is not None and theirs is not None and not ours & theirs:
            found.update((first.name, second.name))
    return frozenset(found)


def _abstract_types_of(comparison: Comparison, name: str) -> Iterator[GraphQLAbstractType]:
    member = comparison.old.get_type(name)
    if isinstance(member, GraphQLObjectType):
        yield from member.interfaces
        yield from (union for union in comparison.unions if member in union.types)


def _possible_types(schema: GraphQLSchema, name: str) -> frozenset[str] | None:
    """Return the names of the possible types of an abstract type; None if the type does not exist in the schema."""
    found = schema.get_type(name)
    return frozenset(each.name for each in schema.get_possible_types(found)) if is_abstract_type(found) else None
