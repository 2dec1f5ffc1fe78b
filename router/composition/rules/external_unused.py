"""EXTERNAL_UNUSED: a field another subgraph resolves is declared here, and nothing here needs it."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from router.composition.facts import Facts
    from router.composition.report import Report


def check(facts: Facts, report: Report) -> None:
    for _, member in facts.schema.fields():
        if facts.is_external(member) and not facts.is_used(member):
            report.error(
                "EXTERNAL_UNUSED",
                f"[{facts.name}] {member.coordinate} is external, but no @key, @requires, @provides, @fromContext or "
                "interface here uses it: remove the field.",
                [(facts.name, member.node)],
            )
