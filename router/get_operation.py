"""Find the operation to run in the client's document, by its name (GraphQL specification, "GetOperation").

`spread_names` finds the fragments that an operation uses.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from graphql import FragmentDefinitionNode, OperationDefinitionNode, Visitor, visit

from router.errors import UnknownOperation

if TYPE_CHECKING:
    from collections.abc import Hashable, Mapping

    from graphql import DocumentNode, FragmentSpreadNode, GraphQLSchema


@dataclass(frozen=True, slots=True, weakref_slot=True)
class PreparedOperation:
    """The operation to run, with all fragments of its document. The document is valid for `api_schema`.

    If `withholds` is True, the client may not read some fields of the operation: these fields are marked
    (`router/request/withheld_fields.py`), and null in the response.

    `notes` has values that the router and the stages of its pipeline cache with the operation, each under its own key.
    A copy of the operation begins without notes.
    """

    api_schema: GraphQLSchema
    definition: OperationDefinitionNode
    fragments: Mapping[str, FragmentDefinitionNode]
    withholds: bool = False
    notes: dict[Hashable, object] = field(default_factory=dict, init=False, compare=False, repr=False)


def get_operation(
    api_schema: GraphQLSchema, document: DocumentNode, operation_name: str | None = None
) -> PreparedOperation:
    """Return the operation with the name `operation_name`. If the name is None, return the only operation.

    Raises:
        UnknownOperation: The document has no operation with this name; or the name is None, and the document has no
            operation or several operations.
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
            raise UnknownOperation("The document has no operation with the name in `operationName`.")
        chosen = named[0]
    fragments = {node.name.value: node for node in document.definitions if isinstance(node, FragmentDefinitionNode)}
    return PreparedOperation(api_schema, chosen, fragments)


def spread_names(node: OperationDefinitionNode | FragmentDefinitionNode) -> list[str]:
    """Return the names of the fragments that an operation or a fragment spreads, in the order of the text."""
    spreads = _Spreads()
    visit(node, spreads)
    return spreads.names


class _Spreads(Visitor):
    def __init__(self) -> None:
        super().__init__()
        self.names: list[str] = []

    def enter_fragment_spread(self, node: FragmentSpreadNode, *_: object) -> None:
        self.names.append(node.name.value)
