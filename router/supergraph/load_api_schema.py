"""Load only the API schema of a supergraph, not its subgraphs.

This is much faster than `loading.load`, which loads both.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from graphql import DocumentNode, GraphQLError, build_ast_schema

from router.errors import InvalidSupergraph
from router.federation.link_directives import LinkError, directives_on_schema, read_links
from router.federation.rewrite_definitions import without_null_reasons
from router.federation.spec_versions import APOLLO
from router.supergraph.merged_and_api_schema import merged_definitions, published_definitions

if TYPE_CHECKING:
    from collections.abc import Mapping

    from graphql import GraphQLSchema

_NAMED: Final = (
    ("authenticated", "authenticated"),
    ("requiresScopes", "requiresScopes"),
    ("policy", "policy"),
    ("cost", "cost"),
    ("cost", "listSize"),
    ("tag", "tag"),
)


@dataclass(frozen=True, slots=True)
class ApiSchema:
    """The API schema of a supergraph.

    Attributes:
        schema: The schema that clients see.
        directive_names: Maps the name of a directive in the schema to its name in Apollo's specification.
    """

    schema: GraphQLSchema
    directive_names: Mapping[str, str]


def load_api_schema(document: DocumentNode) -> ApiSchema:
    """Load the API schema from the document of a supergraph (composition §8.6).

    Raises:
        InvalidSupergraph: The document is not a supergraph.
    """
    try:
        links = read_links(directives_on_schema(document))
        if links.get(f"{APOLLO}/join") is None:
            raise InvalidSupergraph(f"The schema does not link {APOLLO}/join: it is not a supergraph.")
        merged = list(without_null_reasons(merged_definitions(document, links)))
        visible = DocumentNode(definitions=tuple(published_definitions(merged, links)))
        schema = build_ast_schema(visible, assume_valid=True, assume_valid_sdl=True)
    except LinkError as error:
        raise InvalidSupergraph(f"A link of the supergraph is not valid: {error.message}") from None
    except (TypeError, GraphQLError) as error:
        raise InvalidSupergraph(f"The supergraph is not a valid schema: {error}") from None
    if schema.query_type is None:
        raise InvalidSupergraph("The supergraph has no query type.")
    names = {}
    for specification, element in _NAMED:
        link = links.get(f"{APOLLO}/{specification}")
        if link is not None:
            names[link.directive_name(element)] = element
    return ApiSchema(schema, names)
