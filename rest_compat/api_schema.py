"""The API schema behind a supergraph: what a client of the router may ask, as graphql-core sees it.

A supergraph is the API plus the router's own business: definitions of linked specifications (`join__Field`, `link`,
`@inaccessible`, ...), their applications everywhere, and elements marked `@inaccessible`. Dropping those leaves the
API. Federation specification, "Supergraph Schema" and "API schema".
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
# `join__Graph`, `link__Purpose`: a linked specification's names; the GraphQL specification keeps `__` out of others.
_NAMESPACE: Final = "__"
_STANDARD: Final = frozenset(directive.name for directive in specified_directives)


class _Strip(Visitor):
    def enter(self, node: Node, *_args: object) -> Node | object | None:
        """Decide by the node's name and directives; the visitor calls this for each node."""
        name = getattr(getattr(node, "name", None), "value", "")
        directives = getattr(node, "directives", None) or ()
        machinery = (
            isinstance(node, DirectiveDefinitionNode | SchemaDefinitionNode)
            or (isinstance(node, DirectiveNode) and name not in _STANDARD)
            or (node.kind.endswith("_definition") and _NAMESPACE in name)
        )
        hidden = any(directive.name.value == INACCESSIBLE for directive in directives)
        return REMOVE if machinery or hidden else None


def api_schema(supergraph: str) -> GraphQLSchema:
    """The API schema of a supergraph SDL whose root types have their default names.

    Raises:
        GraphQLError, TypeError: `supergraph` is not a valid schema definition.
    """
    stripped = visit(parse(supergraph), _Strip())
    if not isinstance(stripped, DocumentNode):
        raise TypeError("a supergraph is a document")
    return build_ast_schema(stripped)
