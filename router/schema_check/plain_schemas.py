"""Builds a schema that is no supergraph from its syntax tree, and says where it is wrong."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from graphql import (
    DirectiveDefinitionNode,
    GraphQLError,
    SchemaDefinitionNode,
    SchemaExtensionNode,
    TypeDefinitionNode,
    TypeExtensionNode,
    build_ast_schema,
    validate_schema,
)
from graphql.validation.validate import validate_sdl

from router.schema_check.schema_sources import UnreadableSchema

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from graphql import DocumentNode, GraphQLSchema

# Nearly every subgraph has one of these directives: Federation 2 needs `@link`, and entities need `@key`.
_OF_SUBGRAPHS: Final = frozenset(("link", "key"))
_WITH_DIRECTIVES: Final = (SchemaDefinitionNode, SchemaExtensionNode, TypeDefinitionNode, TypeExtensionNode)


def build_plain_schema(label: str, document: DocumentNode) -> GraphQLSchema:
    """Return the schema. `label` is its name for messages.

    Raises:
        UnreadableSchema: The schema is not valid, or is the schema of a subgraph. The message has a line for each
            problem, and the line in the text.
    """
    problems: Sequence[GraphQLError] = validate_sdl(document)
    if problems and not _OF_SUBGRAPHS.isdisjoint(_undefined_directives(document)):
        raise UnreadableSchema(
            f"{label}: is the schema of a subgraph, but clients see only the composed schema. Name the list of all "
            f"subgraphs (supergraph.yaml), or give this one as --subgraph NAME={label} with the --registry that has "
            "the others"
        )
    try:
        schema = None if problems else build_ast_schema(document, assume_valid_sdl=True)
    except (GraphQLError, TypeError) as error:
        raise UnreadableSchema(f"{label}: {error}") from error
    if schema is not None:
        problems = validate_schema(schema)
    if schema is None or problems:
        raise UnreadableSchema("\n".join(_line(label, problem) for problem in problems))
    return schema


def _undefined_directives(document: DocumentNode) -> Iterator[str]:
    defined = {node.name.value for node in document.definitions if isinstance(node, DirectiveDefinitionNode)}
    for node in document.definitions:
        if isinstance(node, _WITH_DIRECTIVES):
            yield from (each.name.value for each in node.directives or () if each.name.value not in defined)


def _line(label: str, problem: GraphQLError) -> str:
    place = f"{label}:{problem.locations[0].line}" if problem.locations else label
    return f"{place}: {problem.message}"
