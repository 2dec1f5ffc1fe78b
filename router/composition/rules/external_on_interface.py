"""EXTERNAL_ON_INTERFACE: an interface field is external. Only fields of object types can be external."""

from __future__ import annotations

from typing import TYPE_CHECKING

from router.composition.model import Kind

if TYPE_CHECKING:
    from router.composition.external_provided_and_shareable_fields import SubgraphMetadata
    from router.composition.report import Report


def check(subgraph: SubgraphMetadata, report: Report) -> None:
    """Report external interface fields (composition §4.4)."""
    for definition, member in subgraph.schema.fields():
        if definition.kind is Kind.INTERFACE and subgraph.is_external(member):
            report.error(
                "EXTERNAL_ON_INTERFACE",
                f"[{subgraph.name}] The interface field {member.coordinate} cannot be external; "
                "mark the fields of the implementations.",
                [(subgraph.name, member.node)],
            )
