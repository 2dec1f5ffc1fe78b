"""COST_APPLIED_TO_INTERFACE_FIELD: the cost of an interface field is that of its implementations."""

from __future__ import annotations

from typing import TYPE_CHECKING

from router.composition.model import Kind

if TYPE_CHECKING:
    from router.composition.facts import Facts
    from router.composition.report import Report


def check(facts: Facts, report: Report, *, linked_by_itself: bool = False) -> None:
    """Check federation's directives, or those that come with a link to the cost specification itself."""
    for definition, member in facts.schema.fields():
        costs = [
            applied
            for applied in member.applied("cost")
            if facts.schema.is_federations(applied) is not linked_by_itself
        ]
        if definition.kind is Kind.INTERFACE and costs:
            report.error(
                "COST_APPLIED_TO_INTERFACE_FIELD",
                f"[{facts.name}] The interface field {member.coordinate} cannot have a @cost; "
                "put it on the fields of the implementations.",
                [(facts.name, applied.node) for applied in costs],
            )
