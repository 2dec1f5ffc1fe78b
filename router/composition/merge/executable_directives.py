"""Merge the definitions of executable directives: directives that clients can use in operations (composition §5.1).

The supergraph has an executable directive if every subgraph defines the directive, and if at least one location is in
all definitions. The merged definition has only the locations that are in all definitions.

Reports the hints INCONSISTENT_EXECUTABLE_DIRECTIVE_PRESENCE, INCONSISTENT_EXECUTABLE_DIRECTIVE_REPEATABLE,
INCONSISTENT_EXECUTABLE_DIRECTIVE_LOCATIONS and NO_EXECUTABLE_DIRECTIVE_INTERSECTION.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from router.composition.merge.arguments import merge_arguments
from router.composition.merge.descriptions import merge_description
from router.composition.merge.type_references import note_enum_usage
from router.composition.model import DirectiveDef
from router.composition.reading.spec_directive_names import GRAPHQL_DIRECTIVES, element_resolver

if TYPE_CHECKING:
    from router.composition.external_provided_and_shareable_fields import SubgraphMetadata
    from router.composition.merge.merge_state import MergeState, Sources

# If a subgraph defines these directives itself, the definitions are not merged. Apollo's composition does the same.
_INCREMENTAL = frozenset({"defer", "stream"})
_EXECUTABLE = frozenset(
    {
        "QUERY",
        "MUTATION",
        "SUBSCRIPTION",
        "FIELD",
        "FRAGMENT_DEFINITION",
        "FRAGMENT_SPREAD",
        "INLINE_FRAGMENT",
        "VARIABLE_DEFINITION",
    }
)


def merge_directive_definitions(state: MergeState) -> None:
    """Merge the definitions of executable directives and add them to the supergraph (composition §5.1)."""
    composed = {directive.name for directive in state.features.composed}
    names = dict.fromkeys(name for subgraph in state.subgraphs for name in _executable_names(subgraph))
    for name in names:
        if name not in composed:
            found = enumerate(_executable(subgraph, name) for subgraph in state.subgraphs)
            _merge_executable(state, name, {index: each for index, each in found if each is not None})


def _executable_names(subgraph: SubgraphMetadata) -> list[str]:
    return [name for name in subgraph.schema.directives if _executable(subgraph, name) is not None]


def _executable(subgraph: SubgraphMetadata, name: str) -> DirectiveDef | None:
    definition = subgraph.schema.directives.get(name)
    if definition is None or name in GRAPHQL_DIRECTIVES | _INCREMENTAL or not _EXECUTABLE & set(definition.locations):
        return None
    resolve = element_resolver(subgraph.schema.links, federation_2=subgraph.schema.is_federation_2)
    return definition if resolve(name) is None else None


def _merge_executable(state: MergeState, name: str, sources: Sources[DirectiveDef]) -> None:
    lacking = [index for index in range(len(state.subgraphs)) if index not in sources]
    if lacking:
        state.report.hint(
            "INCONSISTENT_EXECUTABLE_DIRECTIVE_PRESENCE",
            f"The executable directive @{name} is missing in {state.names(lacking)}; the supergraph does not have it.",
            state.places(sources),
        )
        return
    definitions = [source for _, source in sources.items()]
    each = [[location for location in source.locations if location in _EXECUTABLE] for source in definitions]
    locations = [*dict.fromkeys(location for location in each[0] if all(location in own for own in each))]
    if not locations:
        state.report.hint(
            "NO_EXECUTABLE_DIRECTIVE_INTERSECTION",
            f"No location of @{name} is common to all subgraphs; the supergraph does not have it.",
            state.places(sources),
        )
        return
    merged = DirectiveDef(name, locations=tuple(locations), repeatable=all(source.repeatable for source in definitions))
    state.supergraph.directives[name] = merged
    merge_description(state, sources, merged, f"@{name}")
    if len({source.repeatable for source in definitions}) > 1:
        state.report.hint(
            "INCONSISTENT_EXECUTABLE_DIRECTIVE_REPEATABLE",
            f"@{name} is repeatable in some subgraphs only; it is not repeatable in the supergraph.",
            state.places(sources),
        )
    if len({frozenset(own) for own in each}) > 1:
        state.report.hint(
            "INCONSISTENT_EXECUTABLE_DIRECTIVE_LOCATIONS",
            f"@{name} has different locations in the subgraphs; the supergraph has the locations that all share.",
            state.places(sources),
        )
    merge_arguments(state, sources, merged, f"@{name}")


def note_directive_enums(state: MergeState) -> None:
    """If an argument of a custom directive has an enum type, record that the enum type is used as input."""
    for composed in state.features.composed:
        for argument in composed.definition.arguments.values():
            note_enum_usage(state, argument.type, is_input=True)
