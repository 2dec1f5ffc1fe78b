"""What an execution is given, and what it gives back."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, TypeAlias

from graphql import FragmentDefinitionNode, OperationDefinitionNode

from router.errors import UnknownOperation

if TYPE_CHECKING:
    from collections.abc import Mapping

    from graphql import DocumentNode, GraphQLSchema

    from router.errors import ResponseError
    from router.transport.base import Transport

JsonObject: TypeAlias = dict[str, object]


@dataclass(frozen=True, slots=True)
class PreparedOperation:
    """The client's operation, valid on the API schema, with the fragments of its document."""

    api_schema: GraphQLSchema
    definition: OperationDefinitionNode
    fragments: Mapping[str, FragmentDefinitionNode]


@dataclass(frozen=True, slots=True)
class ExecutionContext:
    """What is shared by all fetches of one execution.

    Attributes:
        schema: the full merged schema, hidden elements included: the types of representations.
        transport: carries the fetches.
        variables: coerced by `router.executor.variables.coerce`; a variable that is not set is absent.
        headers: by subgraph name, what policy lets through.
    """

    schema: GraphQLSchema
    transport: Transport
    variables: Mapping[str, object] = field(default_factory=dict)
    headers: Mapping[str, Mapping[str, str]] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class ExecutionResult:
    """`data` in the client's field order, None when null reached the root; `errors` with their origins, unmasked."""

    data: JsonObject | None
    errors: tuple[ResponseError, ...] = ()


def prepare(api_schema: GraphQLSchema, document: DocumentNode, operation_name: str | None = None) -> PreparedOperation:
    """Choose the operation to run (GraphQL specification, "GetOperation").

    Raises:
        UnknownOperation: no operation has the name, or several could be meant.
    """
    operations = [node for node in document.definitions if isinstance(node, OperationDefinitionNode)]
    if operation_name is None:
        if len(operations) != 1:
            raise UnknownOperation(
                "The document has several operations; `operationName` must choose one."
                if operations
                else "The document has no operation."
            )
        chosen = operations[0]
    else:
        named = [node for node in operations if node.name and node.name.value == operation_name]
        if not named:
            raise UnknownOperation("`operationName` names no operation of the document.")
        chosen = named[0]
    fragments = {node.name.value: node for node in document.definitions if isinstance(node, FragmentDefinitionNode)}
    return PreparedOperation(api_schema, chosen, fragments)
