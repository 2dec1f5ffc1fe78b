"""CONTEXT_NO_RESOLVABLE_KEY: a type with `@fromContext` has no key by which the router can fetch its objects."""

from __future__ import annotations

from typing import TYPE_CHECKING

from router.composition.key_identity_and_resolvability import resolvable
from router.composition.rules.find_contextual_arguments import contextual_arguments, report_problem

if TYPE_CHECKING:
    from router.composition.external_provided_and_shareable_fields import SubgraphMetadata
    from router.composition.report import Report


def check(subgraph: SubgraphMetadata, report: Report) -> None:
    """Report each `@fromContext` on a type without a resolvable key (composition §4.7)."""
    for each in contextual_arguments(subgraph):
        if not any(resolvable(key) for key in each.definition.keys):
            problem = f"{each.definition.name} has no resolvable @key to fetch it again with the value"
            report_problem(subgraph, report, "CONTEXT_NO_RESOLVABLE_KEY", each, problem)
