"""INTERFACE_FIELD_NO_IMPLEM: an interface has a field that an implementation does not have in any subgraph."""

from __future__ import annotations

from typing import TYPE_CHECKING

from router.composition.model import Kind

if TYPE_CHECKING:
    from router.composition.merge.merge_state import MergeState


def check(state: MergeState) -> None:
    """Report each interface field that a type implementing the interface does not have (composition §5.8)."""
    supergraph = state.supergraph
    for definition in supergraph.of_kind(Kind.OBJECT, Kind.INTERFACE):
        for name in definition.interfaces:
            for member in supergraph.types[name].fields.values():
                if member.name in definition.fields:
                    continue
                declaring = [
                    index
                    for index, subgraph in enumerate(state.subgraphs)
                    if name in subgraph.schema.types and member.name in subgraph.schema.types[name].fields
                ]
                state.report.error(
                    "INTERFACE_FIELD_NO_IMPLEM",
                    f"{member.coordinate} is declared in {state.names(declaring)}, but {definition.name}, which "
                    f"implements {name}, has no such field in any subgraph.",
                    state.places(state.type_sources(definition.name)),
                )
