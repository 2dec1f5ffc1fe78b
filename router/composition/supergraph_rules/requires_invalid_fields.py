"""REQUIRES_INVALID_FIELDS on the supergraph: the merged schema lacks something that a `@requires` selects.

The field set is valid in the subgraph. But the merge may have dropped an argument that the field set uses.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from router.composition.field_sets import field_set_problems

if TYPE_CHECKING:
    from router.composition.merge.merge_state import MergeState


def check(state: MergeState) -> None:
    """Report `@requires` whose field set is not valid in the supergraph (composition §4.3)."""
    for subgraph in state.subgraphs:
        for _, member in subgraph.schema.fields():
            for applied in member.applied("requires"):
                selections = applied.field_set
                if selections is None:
                    continue
                for problem in field_set_problems(state.supergraph, member.parent, selections):
                    state.report.error(
                        "REQUIRES_INVALID_FIELDS",
                        f"[{subgraph.name}] On {member.coordinate}, for @{applied.name}: in the supergraph, {problem}.",
                        [(subgraph.name, applied.node)],
                    )
