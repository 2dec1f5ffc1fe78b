"""Read the SDL of one subgraph into its `SubgraphSchema`, step by step. Reading stops at a step that reports errors."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from graphql.language import (
    DirectiveDefinitionNode,
    ObjectTypeExtensionNode,
    TypeDefinitionNode,
    TypeExtensionNode,
)

from router.composition.find_surrogates import has_surrogates
from router.composition.model import FEDERATION_1_VERSION, ROOTS, SubgraphSchema, all_applied
from router.composition.reading.check_and_add_spec_definitions import complete_definitions
from router.composition.reading.check_graphql_rules import base_of_surely_valid, check_argument_values, check_graphql
from router.composition.reading.check_own_graphql_directives import check_own_graphql_directives
from router.composition.reading.check_own_spec_types import check_field_set_type, check_spec_types
from router.composition.reading.check_types_of_replaced_arguments import check_types_of_replaced_arguments
from router.composition.reading.convert_lenient_literals import with_exact_literals
from router.composition.reading.drop_unknown_type_conditions import drop_unknown_type_conditions
from router.composition.reading.report_unknown_references import report_unknown_references
from router.composition.reading.schema_builder import SchemaBuilder
from router.composition.reading.spec_directive_names import element_resolver
from router.composition.reading.subgraph_document import SubgraphDocument, read_document
from router.composition.report import Report
from router.federation.link_directives import LinkError, read_links
from router.federation.linked_specs import FEDERATION_IDENTITY, Links

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from graphql import GraphQLSchema
    from graphql.language import DefinitionNode

    from router.composition.error_codes import ErrorCode

_ROOT_USED: dict[str, ErrorCode] = {
    "query": "ROOT_QUERY_USED",
    "mutation": "ROOT_MUTATION_USED",
    "subscription": "ROOT_SUBSCRIPTION_USED",
}


@dataclass(frozen=True, slots=True)
class Subgraph:
    """The input of composition: a name, the URL of the service, and its schema as SDL text."""

    name: str
    url: str
    sdl: str


def read_subgraph(subgraph: Subgraph, report: Report) -> SubgraphSchema | None:
    """Read one subgraph (composition §4.1). Returns None if errors were reported."""
    before = len(report.errors)
    document = read_document(subgraph.name, subgraph.sdl, report) if _can_be_named(subgraph, report) else None
    if document is None:
        return None
    links = _links(subgraph.name, document, report)
    if links is None:
        return None
    completed = _completed(subgraph.name, document, links, report)
    if completed is None:
        return None
    own, added = completed
    federation = links.get(FEDERATION_IDENTITY)
    resolver = element_resolver(links, federation_2=federation is not None)
    own = with_exact_literals(own, added, resolver)
    check_own_graphql_directives(subgraph.name, document.graphql_directives, (*own, *added), report)
    check_types_of_replaced_arguments(subgraph.name, document.replaced_arguments, own, report)
    valid = _surely_valid(document, own, added) or check_graphql(subgraph.name, own, added, links, report)
    if valid is None:
        return None
    check_spec_types(subgraph.name, document.spec_types, valid, report)
    renamed = _renamed_roots(subgraph.name, document, report)
    if len(report.errors) > before:
        return None
    schema = SubgraphSchema(
        name=subgraph.name,
        url=subgraph.url,
        links=links,
        version=federation.url.version if federation else FEDERATION_1_VERSION,
    )
    SchemaBuilder(schema, resolver, renamed).build(
        [*_without_spec_types(own, links), *(node for node in added if isinstance(node, DirectiveDefinitionNode))]
    )
    check_argument_values(subgraph.name, valid, all_applied(schema), report)
    drop_unknown_type_conditions(schema)
    if subgraph.name in ("", "_"):
        report.error("INVALID_SUBGRAPH_NAME", f'"{subgraph.name}" cannot be the name of a subgraph.')
    return schema if len(report.errors) == before else None


def _can_be_named(subgraph: Subgraph, report: Report) -> bool:
    """Return whether the subgraph's name and URL can be written into a supergraph. If not, report an error.

    The text of a supergraph cannot contain half of a surrogate pair (GraphQL specification, "Source Text").
    """
    before = len(report.errors)
    name = (
        subgraph.name.encode("ascii", "backslashreplace").decode() if has_surrogates(subgraph.name) else subgraph.name
    )
    if has_surrogates(subgraph.name):
        report.error(
            "INVALID_SUBGRAPH_NAME", f'"{name}" cannot be the name of a subgraph: it contains half of a surrogate pair.'
        )
    if has_surrogates(subgraph.url):
        report.error("INVALID_GRAPHQL", f"[{name}] The URL of the subgraph contains half of a surrogate pair.")
    return len(report.errors) == before


def _links(name: str, document: SubgraphDocument, report: Report) -> Links | None:
    try:
        links = read_links(document.schema_directives)
    except LinkError as error:
        own, added = complete_definitions(name, document, error.others or Links(), Report())
        federation = error.others and error.others.get(FEDERATION_IDENTITY)
        excused = Links({FEDERATION_IDENTITY: federation}) if federation and error.is_unknown_federation else None
        if error.others is None or not report_unknown_references(
            name, document, (*own, *added), report, of_unknown_version=excused
        ):
            report.error(error.code, f"[{name}] {error.message}", [(name, error.node)])
        return None
    return links


def _completed(
    name: str, document: SubgraphDocument, links: Links, report: Report
) -> tuple[Sequence[DefinitionNode], Sequence[DefinitionNode]] | None:
    """Return the subgraph's own definitions and the added definitions. Returns None if errors were reported."""
    found = Report()
    own, added = complete_definitions(name, document, links, found)
    check_field_set_type(name, document.spec_types, found)
    if not found.errors:
        return own, added
    # If a directive definition uses an unknown type, the definition cannot be compared with its specification. In this
    # case, only the unknown types are reported.
    unreadable = [error for error in found.errors if error.code == "INVALID_GRAPHQL"]
    if unreadable or not report_unknown_references(name, document, (*own, *added), report):
        report.errors += unreadable or found.errors
    return None


def _surely_valid(
    document: SubgraphDocument, own: Sequence[DefinitionNode], added: Sequence[DefinitionNode]
) -> GraphQLSchema | None:
    # The types of the subgraph specification, such as `_Any`, are checked against the whole schema. Only
    # `check_graphql` builds the whole schema.
    return None if document.spec_types else base_of_surely_valid(own, added)


def _without_spec_types(own: Sequence[DefinitionNode], links: Links) -> Iterator[DefinitionNode]:
    """Yield the definitions in `own`, except the types of specifications and their extensions.

    `print_supergraph` adds the definitions of these types to the supergraph.
    """
    for node in own:
        if isinstance(node, TypeDefinitionNode | TypeExtensionNode):
            source = links.type_source(node.name.value)
            linked = source is not None and source[0].spec is not None
            if linked or node.name.value in ("link__Import", "link__Purpose"):
                continue
        yield node


def _renamed_roots(name: str, document: SubgraphDocument, report: Report) -> dict[str, str]:
    """Map the custom names of root types to their default names, for example `MyQuery` to `Query`.

    If another type already has the default name, an error is reported.
    """
    types = {
        node.name.value: node
        for node in document.definitions
        if isinstance(node, TypeDefinitionNode | ObjectTypeExtensionNode)
    }
    renamed = {}
    for operation, default in ROOTS.items():
        custom = document.root_names.get(operation)
        if custom is None or custom == default or custom not in types:
            continue
        if default in types:
            report.error(
                _ROOT_USED[operation],
                f'[{name}] The {operation} root is "{custom}", and another type is named "{default}". Root types are '
                f"merged as {default}, so no other type may have that name.",
                [(name, types[default])],
            )
        renamed[custom] = default
    return renamed
