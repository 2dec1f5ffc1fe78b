"""Check `@cost` and `@listSize` of subgraphs that link the cost specification instead of importing from federation.

Apollo's composition checks these directives last, when it reads the finished supergraph. So they are checked here, if
the merge reports no error. Each rule reports its own code.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from router.composition.rules import (
    cost_applied_to_interface_field,
    list_size_applied_to_non_list,
    list_size_invalid_assumed_size,
    list_size_invalid_sized_field,
    list_size_invalid_slicing_argument,
)

if TYPE_CHECKING:
    from router.composition.merge.merge_state import MergeState


_RULES = (
    cost_applied_to_interface_field.check,
    list_size_applied_to_non_list.check,
    list_size_invalid_assumed_size.check,
    list_size_invalid_slicing_argument.check,
    list_size_invalid_sized_field.check,
)


def check(state: MergeState) -> None:
    """Report wrong `@cost` and `@listSize` directives of the cost specification (composition §4.8)."""
    for subgraph in state.subgraphs:
        for rule in _RULES:
            rule(subgraph, state.report, from_cost_spec=True)
