"""Derives the API schema, which clients of the router see, from a supergraph schema.

A supergraph schema is the API schema and metadata for the router: definitions of linked specifications (`join__Field`,
`link`, `@inaccessible`, ...), applications of their directives, and elements marked `@inaccessible`. Removing them
leaves the API schema. Federation specification, "Supergraph Schema" and "API schema".
"""

from __future__ import annotations

from typing import Final

from graphql import (
    REMOVE,
    DirectiveDefinitionNode,
    DirectiveNode,
    DocumentNode,
    GraphQLSchema,
    Node,
    SchemaDefinitionNode,
    Visitor,
    build_ast_schema,
    parse,
    specified_directives,
    visit,
)

INACCESSIBLE: Final = "inaccessible"
# Names of a linked specification contain `__` (`join__Graph`); other names must not (GraphQL specification, "Names").
_NAMESPACE: Final = "__"
_STANDARD: Final = frozenset(directive.name for directive in specified_directives)


class _RemoveMetadata(Visitor):
    """Removes the definitions, directives and elements that are not part of the API."""

    def enter(self, node: Node, *_args: object) -> Node | object | None:
        """Remove a node by its name and directives; called for each node."""
        name = getattr(getattr(node, "name", None), "value", "")
        directives = getattr(node, "directives", None) or ()
        is_metadata = (
            isinstance(node, DirectiveDefinitionNode | SchemaDefinitionNode)
            or (isinstance(node, DirectiveNode) and name not in _STANDARD)
            or (node.kind.endswith("_definition") and _NAMESPACE in name)
        )
        is_inaccessible = any(directive.name.value == INACCESSIBLE for directive in directives)
        return REMOVE if is_metadata or is_inaccessible else None


def api_schema(supergraph: str) -> GraphQLSchema:
    """The API schema of a supergraph SDL whose root types have their default names.

    Raises:
        GraphQLError: `supergraph` does not parse.
        TypeError: `supergraph` is not a valid schema definition.
    """
    stripped = visit(parse(supergraph), _RemoveMetadata())
    if not isinstance(stripped, DocumentNode):
        raise TypeError("a supergraph must be a document")
    return build_ast_schema(stripped)
