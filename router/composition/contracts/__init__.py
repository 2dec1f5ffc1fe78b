"""Contracts: variants of a supergraph whose API schema is filtered by `@tag`.

    from router.composition.contracts import ContractFilter, derive

    contract = derive(supergraph_sdl, ContractFilter(include=frozenset({"public"}), hide_unreachable=True))
    contract.supergraph_sdl  # the supergraph again, what is filtered out marked @inaccessible; None if impossible
    contract.errors          # why it is impossible; locations are in the supergraph that was given
    contract.unknown_tags    # tags of the filter that nothing carries

The variant is a whole supergraph: subgraphs keep all their fields, the router plans with them, clients do not see them.
The text of the given supergraph is kept, byte for byte, but for what is added; so a diff shows what a contract hides.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from graphql import DirectiveNode, parse
from graphql.language import SchemaDefinitionNode, SchemaExtensionNode

from router.composition.contracts.filtering import ContractFilter, apply, tags_in_use
from router.composition.contracts.marking import mark
from router.composition.model import SubgraphSchema
from router.composition.reading.directive_elements import element_resolver
from router.composition.reading.schema_builder import Builder
from router.composition.report import Report
from router.composition.supergraph_rules.inaccessible import directive_problems, type_problems
from router.federation.link_directives import read_links
from router.supergraph import load
from router.supergraph.api_schema import merged_definitions

if TYPE_CHECKING:
    from graphql import DocumentNode

    from router.composition.model import Schema
    from router.composition.report import CompositionError
    from router.federation.links import Links

__all__ = ["SUPERGRAPH", "Contract", "ContractFilter", "derive"]

SUPERGRAPH = "supergraph"
"""What errors call the text that was given, where those of a composition name a subgraph."""


@dataclass(frozen=True, slots=True)
class Contract:
    """The outcome: a supergraph or errors, never both.

    `known_tags` are all tags of the supergraph, sorted; `unknown_tags` those of the filter that are not among them:
    most likely misspelt.
    """

    supergraph_sdl: str | None
    errors: tuple[CompositionError, ...]
    known_tags: tuple[str, ...]
    unknown_tags: tuple[str, ...]


def derive(supergraph_sdl: str, wanted: ContractFilter) -> Contract:
    """Derive a contract from a supergraph composed by us or by Apollo's tools.

    Raises:
        router.errors.InvalidSupergraph: the text is no supergraph.
    """
    load(supergraph_sdl)
    document = parse(supergraph_sdl)
    links = read_links(_schema_directives(document))
    schema = _read(document, links)
    known = tags_in_use(schema)
    tags = tuple(sorted(known)), tuple(sorted((wanted.include | wanted.exclude) - known))
    hidden = apply(wanted, schema)
    report = _check(schema)
    if report.failed():
        return Contract(None, tuple(report.errors), *tags)
    return Contract(mark(supergraph_sdl, document, links, hidden) if hidden else supergraph_sdl, (), *tags)


def _schema_directives(document: DocumentNode) -> list[DirectiveNode]:
    return [
        directive
        for definition in document.definitions
        if isinstance(definition, SchemaDefinitionNode | SchemaExtensionNode)
        for directive in definition.directives or ()
    ]


def _read(document: DocumentNode, links: Links) -> SubgraphSchema:
    """The merged schema, free of the machinery of `@link` and `@join__*`, its elements with their syntax nodes."""
    schema = SubgraphSchema(name=SUPERGRAPH, links=links)
    Builder(schema, element_resolver(links, federation_2=True)).build(merged_definitions(document, links))
    return schema


def _check(schema: Schema) -> Report:
    report = Report()
    for definition in schema.types.values():
        for code, message, element in type_problems(schema, definition):
            report.error(code, message, [(SUPERGRAPH, element.node)])
    for code, message, element in directive_problems(schema):
        report.error(code, message, [(SUPERGRAPH, element.node)])
    return report
