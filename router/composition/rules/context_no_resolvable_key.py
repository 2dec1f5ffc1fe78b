"""CONTEXT_NO_RESOLVABLE_KEY: what takes a value from a context is fetched again with it, by a key."""

from __future__ import annotations

from typing import TYPE_CHECKING

from router.composition.rules.contextual_arguments import contextual_arguments, tell
from router.composition.rules.key_identity import resolvable

if TYPE_CHECKING:
    from router.composition.report import Report
    from router.composition.subgraph_metadata import SubgraphMetadata


def check(subgraph: SubgraphMetadata, report: Report) -> None:
    for each in contextual_arguments(subgraph):
        if not any(resolvable(key) for key in each.definition.keys):
            problem = f"{each.definition.name} has no resolvable @key to fetch it again with the value"
            tell(subgraph, report, "CONTEXT_NO_RESOLVABLE_KEY", each, problem)
