"""Builds a schema that is not a supergraph from its syntax tree, and reports where it is wrong."""

from __future__ import annotations

from dataclasses import dataclass
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
    from collections.abc import Iterable, Iterator

    from graphql import DocumentNode, GraphQLSchema

# Nearly every subgraph has one of these directives: Federation 2 needs `@link`, and entities need `@key`.
_OF_SUBGRAPHS: Final = frozenset(("link", "key"))
_WITH_DIRECTIVES: Final = (SchemaDefinitionNode, SchemaExtensionNode, TypeDefinitionNode, TypeExtensionNode)


@dataclass(frozen=True, slots=True)
class SchemaProblem:
    """Something in a schema that the GraphQL specification forbids, although the schema can be compared.

    Attributes:
        message: What is wrong. It has no line, so it is the same in both versions of a schema.
        place: The name of the schema and, if it is known, the line.
    """

    message: str
    place: str

    def __str__(self) -> str:
        return f"{self.place}: {self.message}"


def build_plain_schema(label: str, document: DocumentNode) -> tuple[GraphQLSchema, tuple[SchemaProblem, ...]]:
    """Return the schema, and its problems. `label` is its name for messages.

    Raises:
        UnreadableSchema: The schema cannot be built, or is the schema of a subgraph. The message has a line for each
            problem.
    """
    in_sdl = validate_sdl(document)
    if in_sdl and not _OF_SUBGRAPHS.isdisjoint(_undefined_directives(document)):
        raise UnreadableSchema(
            f"{label}: is the schema of a subgraph, but clients see only the composed schema. Name the list of all "
            f"subgraphs (supergraph.yaml), or give this one as --subgraph NAME={label} with the --registry that has "
            "the others"
        )
    try:
        schema = build_ast_schema(document, assume_valid_sdl=True)
        problems = _problems(label, [*in_sdl, *validate_schema(schema)])
        # A schema that counts as valid can be compared, and operations can be validated with it.
        valid = build_ast_schema(document, assume_valid=True, assume_valid_sdl=True) if problems else schema
    except (GraphQLError, TypeError) as error:
        raise UnreadableSchema("\n".join(map(str, _problems(label, in_sdl))) or f"{label}: {error}") from error
    if valid.query_type is None:
        raise UnreadableSchema("\n".join(map(str, problems)))
    return valid, problems


def _problems(label: str, errors: Iterable[GraphQLError]) -> tuple[SchemaProblem, ...]:
    return tuple(
        SchemaProblem(error.message, f"{label}:{error.locations[0].line}" if error.locations else label)
        for error in errors
    )


def _undefined_directives(document: DocumentNode) -> Iterator[str]:
    defined = {node.name.value for node in document.definitions if isinstance(node, DirectiveDefinitionNode)}
    for node in document.definitions:
        if isinstance(node, _WITH_DIRECTIVES):
            yield from (each.name.value for each in node.directives or () if each.name.value not in defined)
