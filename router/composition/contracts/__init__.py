"""Derive contracts. A contract is a variant of a supergraph that hides some elements from clients.

A filter names the tags (`@tag`) of the elements to show and to hide.

    from router.composition.contracts import ContractFilter, derive

    contract = derive(supergraph_sdl, ContractFilter(include=frozenset({"public"}), hide_unreachable=True))
    contract.supergraph_sdl  # the supergraph, with hidden elements marked @inaccessible; None if impossible
    contract.errors          # why the contract is impossible; locations are in the given supergraph
    contract.unknown_tags    # tags of the filter that no element has

The input is the text of a supergraph, and a filter. The result is the same text with `@inaccessible` on every hidden
element. So a diff of the two texts shows what the contract hides. Clients do not see hidden fields, but the router
still uses hidden fields in its query plans.

Reading order: this file, `hide_elements_by_tags`, `reachable_types`, `write_inaccessible_into_sdl`.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from graphql import parse

from router.composition.contracts.hide_elements_by_tags import ContractFilter, apply, tags_in_use
from router.composition.contracts.write_inaccessible_into_sdl import mark
from router.composition.model import SubgraphSchema
from router.composition.reading.schema_builder import SchemaBuilder
from router.composition.reading.spec_directive_names import element_resolver
from router.composition.report import Report
from router.composition.supergraph_rules.inaccessible import directive_problems, type_problems
from router.federation.link_directives import directives_on_schema, read_links
from router.supergraph import load
from router.supergraph.merged_and_api_schema import merged_definitions

if TYPE_CHECKING:
    from graphql import DocumentNode

    from router.composition.model import Schema
    from router.composition.report import CompositionError
    from router.federation.linked_specs import Links

__all__ = ["SUPERGRAPH", "Contract", "ContractFilter", "derive"]

SUPERGRAPH = "supergraph"
"""The value of `Location.subgraph` in the errors of a contract. These locations are in the SDL of the supergraph."""


@dataclass(frozen=True, slots=True)
class Contract:
    """The result of `derive`: either a supergraph or errors.

    Attributes:
        supergraph_sdl: The supergraph; None if there are errors.
        errors: The reasons why the contract is impossible; empty if there is a supergraph.
        known_tags: All tags of the supergraph, sorted.
        unknown_tags: All tags of the filter that the supergraph does not have, sorted. They are probably misspelled.
    """

    supergraph_sdl: str | None
    errors: tuple[CompositionError, ...]
    known_tags: tuple[str, ...]
    unknown_tags: tuple[str, ...]


def derive(supergraph_sdl: str, wanted: ContractFilter) -> Contract:
    """Derive a contract from a supergraph that this router or Apollo's tools composed.

    Raises:
        router.errors.InvalidSupergraph: The text is not a supergraph.
    """
    load(supergraph_sdl)
    document = parse(supergraph_sdl)
    links = read_links(directives_on_schema(document))
    schema = _read(document, links)
    known = tags_in_use(schema)
    tags = tuple(sorted(known)), tuple(sorted((wanted.include | wanted.exclude) - known))
    hidden = apply(wanted, schema)
    report = _check(schema)
    if report.failed():
        return Contract(None, tuple(report.errors), *tags)
    return Contract(mark(supergraph_sdl, document, links, hidden) if hidden else supergraph_sdl, (), *tags)


def _read(document: DocumentNode, links: Links) -> SubgraphSchema:
    """Read the schema from the document of a supergraph. The definitions for `@link` and `@join__*` are left out.

    Each element of the result has its syntax node, so that `mark` can find the element in the text.
    """
    schema = SubgraphSchema(name=SUPERGRAPH, links=links)
    SchemaBuilder(schema, element_resolver(links, federation_2=True)).build(merged_definitions(document, links))
    return schema


def _check(schema: Schema) -> Report:
    report = Report()
    for definition in schema.types.values():
        for code, message, element in type_problems(schema, definition):
            report.error(code, message, [(SUPERGRAPH, element.node)])
    for code, message, element in directive_problems(schema):
        report.error(code, message, [(SUPERGRAPH, element.node)])
    return report
