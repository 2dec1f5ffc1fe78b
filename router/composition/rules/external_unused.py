"""EXTERNAL_UNUSED: a field is external, but no field set, `@fromContext` or interface in the subgraph uses it."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from router.composition.external_provided_and_shareable_fields import SubgraphMetadata
    from router.composition.report import Report


def check(subgraph: SubgraphMetadata, report: Report) -> None:
    """Report external fields that nothing in the subgraph uses (composition §4.4)."""
    if not subgraph.external:
        return
    for _, member in subgraph.schema.fields():
        if subgraph.is_external(member) and not subgraph.is_used(member):
            report.error(
                "EXTERNAL_UNUSED",
                f"[{subgraph.name}] {member.coordinate} is external, but no @key, @requires, @provides, @fromContext "
                "or interface here uses it: remove the field.",
                [(subgraph.name, member.node)],
            )
