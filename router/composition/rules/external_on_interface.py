"""EXTERNAL_ON_INTERFACE: an interface field has no resolver that could be elsewhere."""

from __future__ import annotations

from typing import TYPE_CHECKING

from router.composition.model import Kind

if TYPE_CHECKING:
    from router.composition.facts import Facts
    from router.composition.report import Report


def check(facts: Facts, report: Report) -> None:
    for definition, member in facts.schema.fields():
        if definition.kind is Kind.INTERFACE and facts.is_external(member):
            report.error(
                "EXTERNAL_ON_INTERFACE",
                f"[{facts.name}] The interface field {member.coordinate} cannot be external; "
                "mark the fields of the implementations.",
                [(facts.name, member.node)],
            )
