"""COST_APPLIED_TO_INTERFACE_FIELD: an interface field has `@cost`. Only fields of object types can have `@cost`."""

from __future__ import annotations

from typing import TYPE_CHECKING

from router.composition.model import Kind

if TYPE_CHECKING:
    from router.composition.external_provided_and_shareable_fields import SubgraphMetadata
    from router.composition.report import Report


def check(subgraph: SubgraphMetadata, report: Report, *, from_cost_spec: bool = False) -> None:
    """Report `@cost` on interface fields (composition §4.8).

    Args:
        subgraph: The subgraph.
        report: The report to add errors to.
        from_cost_spec: Which `@cost` to check. True: the `@cost` of the linked cost specification. False: the `@cost`
            of the federation specification.
    """
    for definition, member in subgraph.schema.fields():
        costs = [
            applied
            for applied in member.applied("cost")
            if subgraph.schema.is_federations(applied) is not from_cost_spec
        ]
        if definition.kind is Kind.INTERFACE and costs:
            report.error(
                "COST_APPLIED_TO_INTERFACE_FIELD",
                f"[{subgraph.name}] The interface field {member.coordinate} cannot have a @cost; "
                "put it on the fields of the implementations.",
                [(subgraph.name, applied.node) for applied in costs],
            )
