"""COST_APPLIED_TO_INTERFACE_FIELD: the cost of an interface field is that of its implementations."""

from __future__ import annotations

from typing import TYPE_CHECKING

from router.composition.model import Kind

if TYPE_CHECKING:
    from router.composition.report import Report
    from router.composition.subgraph_metadata import SubgraphMetadata


def check(subgraph: SubgraphMetadata, report: Report, *, linked_by_itself: bool = False) -> None:
    """Check federation's directives, or those that come with a link to the cost specification itself."""
    for definition, member in subgraph.schema.fields():
        costs = [
            applied
            for applied in member.applied("cost")
            if subgraph.schema.is_federations(applied) is not linked_by_itself
        ]
        if definition.kind is Kind.INTERFACE and costs:
            report.error(
                "COST_APPLIED_TO_INTERFACE_FIELD",
                f"[{subgraph.name}] The interface field {member.coordinate} cannot have a @cost; "
                "put it on the fields of the implementations.",
                [(subgraph.name, applied.node) for applied in costs],
            )
