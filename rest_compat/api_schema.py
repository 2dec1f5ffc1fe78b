"""Derives the API schema from a supergraph schema. The API schema is the schema that clients of the router see.

A supergraph schema consists of the API schema and of metadata for the router. The metadata are the definitions of
linked specifications (`join__Field`, `link`, `@inaccessible`, ...), the uses of their directives, and the elements that
are marked `@inaccessible`. The API schema is what remains without the metadata. See the Federation specification,
"Supergraph Schema" and "API schema".
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
# In the bank's supergraph, only the names of linked specifications contain `__`, for example `join__Graph`.
_NAMESPACE: Final = "__"
_STANDARD: Final = frozenset(directive.name for directive in specified_directives)


class _RemoveMetadata(Visitor):
    """Removes the definitions, directives and elements that are not part of the API."""

    def enter(self, node: Node, *_args: object) -> Node | object | None:
        """Remove the node if its name or directives make it metadata. graphql-core calls this method for each node."""
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
    """Return the API schema of a supergraph SDL. Its root types must have their default names.

    Raises:
        GraphQLError: `supergraph` does not parse.
        TypeError: `supergraph` is not a valid schema definition.
    """
    stripped = visit(parse(supergraph), _RemoveMetadata())
    if not isinstance(stripped, DocumentNode):
        raise TypeError("a supergraph must be a document")
    return build_ast_schema(stripped)
