"""Root fields that an operation may have only once, because they are expensive.

For example, the field `login` computes a password hash:

```python
login: LoginResult = strawberry.field(resolver=_login, metadata=ONCE)
```

Fields with the same response name count as one field, because GraphQL merges them. So fragments may repeat a field.
`@skip` and `@include` are ignored.
"""

from __future__ import annotations

from types import MappingProxyType
from typing import TYPE_CHECKING, Any, Final

from graphql import GraphQLError
from strawberry.types.field import StrawberryField

from subgraphs.kit.root_fields import root_fields

if TYPE_CHECKING:
    from collections.abc import Mapping

    from graphql import GraphQLSchema, OperationDefinitionNode

    from subgraphs.kit.operation_size import Fragments

# The value of the argument `metadata` for a Strawberry field that an operation may have only once.
ONCE: Final[Mapping[Any, Any]] = MappingProxyType({"once_in_an_operation": True})


def check_single_fields(schema: GraphQLSchema, operation: OperationDefinitionNode, fragments: Fragments) -> None:
    """Refuse an operation that has more than one of the fields with `ONCE`.

    The time is linear in the document's length.

    Raises:
        GraphQLError: `QUERY_TOO_EXPENSIVE`, with the limit.
    """
    limited = single_fields(schema)
    names = {
        field.alias.value if field.alias is not None else field.name.value
        for field in root_fields(operation, fragments)
        if field.name.value in limited
    }
    if len(names) > 1:
        raise GraphQLError(
            f"An operation has at most one of these fields: {', '.join(sorted(limited))}",
            extensions={"code": "QUERY_TOO_EXPENSIVE", "estimate": len(names), "limit": 1},
        )


def single_fields(schema: GraphQLSchema) -> frozenset[str]:
    """Return the names of the mutation fields that have the metadata `ONCE`."""
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
