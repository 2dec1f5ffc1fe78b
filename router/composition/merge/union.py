"""Merge union types: the merged union has every member that at least one subgraph declares (composition §5.1).

Reports the hint INCONSISTENT_UNION_MEMBER.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from router.composition.merge.join_directives import join_union_member

if TYPE_CHECKING:
    from router.composition.merge.merge_state import MergeState, Sources
    from router.composition.model import TypeDef


def merge_union(state: MergeState, sources: Sources[TypeDef], dest: TypeDef) -> None:
    """Add the `@join__unionMember`s of all subgraphs to `dest`.

    If a subgraph has the union but lacks a member, a hint is reported.
    """
    for member in dest.members:
        for index, source in sources.items():
            if member in source.members:
                dest.directives.append(join_union_member(state, index, member))
        lacking = [index for index, source in sources.items() if member not in source.members]
        if lacking:
            state.report.hint(
                "INCONSISTENT_UNION_MEMBER",
                f"{member} is a member of {dest.name}, but not in {state.names(lacking)}.",
                state.places(sources),
            )
