"""REQUIRES_INVALID_FIELDS: the field set of a `@requires` is valid in the subgraph, but not in the supergraph.

For example, the merge dropped an argument that the field set uses.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from router.composition.field_set_problems import field_set_problems

if TYPE_CHECKING:
    from router.composition.merge.merge_state import MergeState


def check(state: MergeState) -> None:
    """Report each `@requires` with a field set that is not valid in the supergraph (composition §4.3)."""
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
