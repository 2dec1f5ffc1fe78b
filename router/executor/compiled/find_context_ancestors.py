"""Find the ancestors from which the values of `@fromContext` arguments are read (execution §3.10).

Objects with different ancestors can have different values. So two ancestors must not share an object of the fetch, nor
an object on the path to it. `ObjectShape.context_ancestors` names the ancestors to which this rule applies.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from graphql import get_named_type, is_composite_type

from router.executor.compiled.response_shape import NotCompilable
from router.executor.graphql.type_relations import is_subtype
from router.plan import Key, Parent, TypeIs

if TYPE_CHECKING:
    from graphql import GraphQLSchema

    from router.executor.compiled.response_shape import FieldShape, ObjectShape
    from router.plan import Fetch, KeyRenamer


@dataclass(frozen=True, slots=True)
class ContextValue:
    """The value of one argument.

    Attributes:
        variable: The variable of the request that has the value.
        ancestor: The shape of the ancestor from which the value is read.
        types: The types of the ancestor for which the variable is sent.
        source: The field of the ancestor that contains the value.
    """

    variable: str
    ancestor: ObjectShape
    types: tuple[str, ...]
    source: FieldShape


def context_values(schema: GraphQLSchema, fetch: Fetch, target: ObjectShape) -> tuple[ContextValue, ...]:
    """Return the values of all `@fromContext` arguments of a fetch that adds fields to the objects of `target`.

    Raises:
        NotCompilable: Generated code does not support the place of a value.
    """
    found = (_context_value(schema, target, rewrite) for rewrite in fetch.context_rewrites)
    return tuple(value for value in found if value is not None)


def _context_value(schema: GraphQLSchema, target: ObjectShape, rewrite: KeyRenamer) -> ContextValue | None:
    """Return the value of one argument; None if the fetch never sends the variable."""
    shape, names = target, target.types
    (*steps, last) = rewrite.path
    for one in steps:
        match one:
            case Parent() if shape.parent is not None:
                shape = shape.parent[0]
                names = shape.types
            case TypeIs(types=types):
                names = tuple(name for name in names if any(is_subtype(schema, name, of) for of in types))
            case _:
                raise NotCompilable("an argument is read from an object inside an ancestor")
    if not isinstance(last, Key) or not names:
        raise NotCompilable("an argument is read from no known object")
    if shape.typename is None:
        return None
    source = shape.fields.get(last.name)
    if source is None or any(name not in source.sources for name in names):
        raise NotCompilable("an argument is not fetched")
    if any(is_composite_type(get_named_type(source.types[name])) for name in names):
        raise NotCompilable("an argument is read from an object inside an ancestor")
    return ContextValue(rewrite.name, shape, names, source)


def add_context_ancestors(target: ObjectShape, values: tuple[ContextValue, ...]) -> None:
    """Add each ancestor to `context_ancestors` of the shapes below it, down to the objects of the fetch."""
    for value in values:
        shape = target
        while shape is not value.ancestor and shape.parent is not None:
            shape.context_ancestors.append(value.ancestor)
            shape = shape.parent[0]
