"""Run all merge steps in order.

1. Create all types of the supergraph.
2. Merge the types kind by kind, then the executable directives, and enum types last.
3. Merge the schema definitions.
4. Copy the fields of `@interfaceObject` types, then the authorization requirements.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from router.composition.merge.applied_directives import connect_links, merge_applied
from router.composition.merge.auth_propagation import propagate_requirements
from router.composition.merge.copy_interface_object_fields import copy_interface_object_fields
from router.composition.merge.descriptions import merge_description
from router.composition.merge.enum import merge_enum
from router.composition.merge.executable_directives import merge_directive_definitions, note_directive_enums
from router.composition.merge.input_object import merge_input
from router.composition.merge.interface import merge_interface
from router.composition.merge.join_directives import join_implements, join_type
from router.composition.merge.merge_state import MergeState, Sources
from router.composition.merge.object import merge_object
from router.composition.merge.supergraph_directives_and_links import resolve_features
from router.composition.merge.union import merge_union
from router.composition.model import BUILT_IN_SCALARS, ROOTS, Applied, Element, Kind, TypeDef

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from router.composition.external_provided_and_shareable_fields import SubgraphMetadata
    from router.composition.report import Report


def _nothing(_state: MergeState, _sources: Sources[TypeDef], _dest: TypeDef) -> None:
    """Do nothing: a scalar type has no fields, members or values to merge."""


# Enum types come last: how to merge an enum type depends on whether merged fields and arguments use it.
_BY_KIND: tuple[tuple[Kind, Callable[[MergeState, Sources[TypeDef], TypeDef], None]], ...] = (
    (Kind.UNION, merge_union),
    (Kind.SCALAR, _nothing),
    (Kind.INPUT, merge_input),
    (Kind.INTERFACE, merge_interface),
    (Kind.OBJECT, merge_object),
    (Kind.ENUM, merge_enum),
)


def merge(subgraphs: Sequence[SubgraphMetadata], report: Report) -> MergeState:
    """Merge subgraphs into one schema (composition §5).

    Args:
        subgraphs: The subgraphs, sorted by name.
        report: Collects errors and hints.

    Returns:
        The state of the merge. `MergeState.supergraph` is complete only if no error was reported.
    """
    state = MergeState(list(subgraphs), resolve_features(subgraphs, report), report)
    if report.failed():
        # `state.features` may be incomplete after an error. Stop here, because further steps would then report errors
        # that are only consequences of the first error.
        return state
    _create_types(state)
    for kind, merge_kind in _BY_KIND:
        if kind is Kind.ENUM:
            merge_directive_definitions(state)
            note_directive_enums(state)
        for definition in list(state.supergraph.of_kind(kind)):
            sources = _of_kind(kind, state.type_sources(definition.name))
            merge_description(state, sources, definition, definition.name)
            join_type(state, sources, definition)
            merge_kind(state, sources, definition)
            merge_applied(state, sources, definition, definition.name)
    _schema_element(state)
    copy_interface_object_fields(state)
    propagate_requirements(state)
    if "Query" in state.supergraph.types and not state.supergraph.types["Query"].fields:
        report.error("NO_QUERIES", "No subgraph has a query: a supergraph needs at least one field on Query.")
    return state


def _create_types(state: MergeState) -> None:
    """Create all types of the supergraph, with the names of their interfaces and union members.

    If subgraphs define a type as different kinds (such as object and enum), an error is reported, and the type gets the
    kind that the first subgraph defines.
    """
    for name in state.subgraphs_with:
        every = state.type_sources(name)
        kinds = list(dict.fromkeys(_kind(source) for source in every.values()))
        if len(kinds) > 1:
            each = ", ".join(f"{_kind(source)} in {state.names([index])}" for index, source in every.items())
            state.report.error(
                "TYPE_KIND_MISMATCH", f"{name} is defined as different kinds: {each}.", state.places(every)
            )
        elif name in BUILT_IN_SCALARS:
            state.report.error(
                "TYPE_KIND_MISMATCH",
                f"{name} is a built-in scalar and cannot be defined as another type.",
                state.places(every),
            )
            continue
        elif all(source.is_interface_object for source in every.values()):
            state.report.error(
                "INTERFACE_OBJECT_USAGE_ERROR",
                f"{name} is an interface object in all its subgraphs, but no subgraph defines the interface.",
                state.places(every),
            )
        sources = _of_kind(kinds[0], every)
        if name not in ROOTS.values() and not any(source.has_definition for source in sources.values()):
            state.report.error(
                "EXTENSION_WITH_NO_BASE",
                f"{name} is extended, but no subgraph defines it.",
                state.places(sources),
            )
        state.supergraph.types[name] = _with_parts(state, TypeDef(name, kind=kinds[0]), sources)


def _of_kind(kind: Kind, sources: Sources[TypeDef]) -> Sources[TypeDef]:
    return {index: source for index, source in sources.items() if _kind(source) is kind}


def _kind(source: TypeDef) -> Kind:
    return Kind.INTERFACE if source.is_interface_object else source.kind


def _with_parts(state: MergeState, dest: TypeDef, sources: Sources[TypeDef]) -> TypeDef:
    for index, source in sources.items():
        for interface in source.interfaces:
            dest.interfaces.setdefault(interface)
            dest.directives.append(join_implements(state, index, interface))
        for member in source.members:
            dest.members.setdefault(member)
    return dest


def _schema_element(state: MergeState) -> None:
    """Merge the descriptions of the subgraphs' `schema` definitions, and the directives on these definitions."""
    described = {
        index: Element(
            "schema", subgraph.schema.description, [a for a in subgraph.schema.applied if a.element != "link"]
        )
        for index, subgraph in enumerate(state.subgraphs)
    }
    merged = Element("schema")
    merge_description(state, described, merged, "The schema")
    merge_applied(state, described, merged, "the schema")
    state.supergraph.description = merged.description
    state.supergraph.applied += connect_links(state)
    state.supergraph.applied += [Applied(each.name, each.arguments, each.element) for each in merged.directives]
