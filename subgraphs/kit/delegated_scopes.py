"""Which operations the token of an application may run (RFC 6749 §3.3, RFC 9068 §2.2.3).

An application has an access token with scopes. Each root field says which scope it needs:

```python
transfer: TransferResult = strawberry.field(resolver=_transfer, metadata=needs_scope(PAYMENTS))
```

A root field without a scope is closed to applications, so a new field is not open by mistake. Tokens of the bank's own
login have no scopes and are not limited by them.

Objects can only be reached through root fields, so it suffices to check these. The check comes before the execution: if
one field is not allowed, nothing is executed.
"""

from __future__ import annotations

from types import MappingProxyType
from typing import TYPE_CHECKING, Any, Final

from graphql import GraphQLError, OperationType
from strawberry.types.field import StrawberryField

from servicekit.errors import Forbidden
from subgraphs.kit.operation_size import ENTITIES, INTROSPECTION, fragments_of
from subgraphs.kit.root_fields import root_fields

if TYPE_CHECKING:
    from collections.abc import Mapping

    from bank.identity import Caller
    from subgraphs.kit.operation_checks import Operation
    from subgraphs.kit.schema import SubgraphSchema

_SCOPE: Final = "scope"
# A field with this scope is open to every application.
ANY_SCOPE: Final = ""
_PUBLIC: Final = INTROSPECTION | {"__typename", "_service"}


def needs_scope(scope: str) -> Mapping[Any, Any]:
    """Return the argument `metadata` of a root field that an application may use with `scope`."""
    return MappingProxyType({_SCOPE: scope})


def scope_of(schema: SubgraphSchema, kind: OperationType, field: str) -> str | None:
    """Return the scope that a root field needs; None if the field is closed to applications."""
    if field in _PUBLIC:
        return ANY_SCOPE
    if field == ENTITIES:
        return schema.entities_scope
    type_ = schema.graphql.get_root_type(kind)
    definition = type_.fields[field].extensions.get("strawberry-definition") if type_ is not None else None
    scope = definition.metadata.get(_SCOPE) if isinstance(definition, StrawberryField) else None
    return scope if isinstance(scope, str) else None


def check_scopes(schema: SubgraphSchema, operation: Operation, caller: Caller | None) -> None:
    """Refuse a valid operation if the caller is an application that may not use one of its root fields.

    Raises:
        GraphQLError: the field needs a scope that the token does not have (`FORBIDDEN`, with the scope as detail).
    """
    if caller is None or not caller.is_delegated:
        return
    for field in root_fields(operation.node, fragments_of(operation.document)):
        scope = scope_of(schema, operation.kind, field.name.value)
        if scope is not None and (scope == ANY_SCOPE or scope in caller.scopes):
            continue
        name = field.alias.value if field.alias is not None else field.name.value
        refusal = _refusal(scope)
        raise GraphQLError(refusal.message, field, path=[name], original_error=refusal)


def _refusal(scope: str | None) -> Forbidden:
    if scope is None:
        return Forbidden("Applications may not do this")
    return Forbidden(f"The access token needs the scope {scope}", details={"scope": scope})
