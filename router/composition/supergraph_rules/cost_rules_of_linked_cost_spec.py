"""Check the `@cost` and `@listSize` directives of subgraphs that link the cost specification.

A subgraph can import `@cost` and `@listSize` from the federation specification or from the cost specification. If they
come from the federation specification, `router.composition.rules` checks them early. If they come from the cost
specification, Apollo's composition checks them last, when it reads the finished supergraph. This module does the same.
Each rule in `_RULES` has its own error codes.
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
    """Report invalid `@cost` and `@listSize` directives from the cost specification (composition §4.8)."""
    for subgraph in state.subgraphs:
        for rule in _RULES:
            rule(subgraph, state.report, from_cost_spec=True)
