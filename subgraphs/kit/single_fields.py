"""Root fields of which an operation has at most one, because each costs a service much, such as a password hash.

```python
login: LoginResult = strawberry.field(resolver=_login, metadata=ONCE)
```

Fields with one response name are one field, because GraphQL merges them: fragments may repeat it. `@skip` and
`@include` are not looked at.
"""

from __future__ import annotations

from types import MappingProxyType
from typing import TYPE_CHECKING, Any, Final

from graphql import FieldNode, FragmentSpreadNode, GraphQLError, InlineFragmentNode
from strawberry.types.field import StrawberryField

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from graphql import GraphQLSchema, OperationDefinitionNode

    from subgraphs.kit.operation_size import Fragments

# The metadata of a Strawberry field.
ONCE: Final[Mapping[Any, Any]] = MappingProxyType({"once_in_an_operation": True})


def check_single_fields(schema: GraphQLSchema, operation: OperationDefinitionNode, fragments: Fragments) -> None:
    """Refuse an operation with two fields of which it may have one. The time is linear in the length of the document.

    Raises:
        GraphQLError: `QUERY_TOO_EXPENSIVE`, with the limit.
    """
    limited = single_fields(schema)
    names = {
        field.alias.value if field.alias is not None else field.name.value
        for field in _root_fields(operation, fragments)
        if field.name.value in limited
    }
    if len(names) > 1:
        raise GraphQLError(
            f"An operation has at most one of these fields: {', '.join(sorted(limited))}",
            extensions={"code": "QUERY_TOO_EXPENSIVE", "estimate": len(names), "limit": 1},
        )


def single_fields(schema: GraphQLSchema) -> frozenset[str]:
    """The names of the mutation fields that have the metadata `ONCE`."""
    if schema.mutation_type is None:
        return frozenset()
    definitions = {
        name: field.extensions.get("strawberry-definition") for name, field in schema.mutation_type.fields.items()
    }
    return frozenset(
        name
        for name, definition in definitions.items()
        if isinstance(definition, StrawberryField) and definition.metadata.keys() >= ONCE.keys()
    )


def _root_fields(operation: OperationDefinitionNode, fragments: Fragments) -> Iterator[FieldNode]:
    """The root fields of an operation, those of its fragments too; each fragment is visited once."""
    pending, visited = list(operation.selection_set.selections), set[str]()
    while pending:
        selection = pending.pop()
        if isinstance(selection, FieldNode):
            yield selection
        elif isinstance(selection, InlineFragmentNode):
            pending += selection.selection_set.selections
        elif isinstance(selection, FragmentSpreadNode):
            name = selection.name.value
            if name in fragments and name not in visited:
                visited.add(name)
                pending += fragments[name].selection_set.selections
