"""The rules on `@cost` and `@listSize` for subgraphs that link the cost specification itself.

Apollo's composition does not know these for federation's until a supergraph is read back, and fails there. So they are
checked after the merge, when nothing else is wrong; the codes are those of the rules.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from router.composition.rules import cost_applied_to_interface_field, list_size

if TYPE_CHECKING:
    from router.composition.merge.state import MergeState


def check(state: MergeState) -> None:
    for facts in state.subgraphs:
        cost_applied_to_interface_field.check(facts, state.report, linked_by_itself=True)
        list_size.check(facts, state.report, linked_by_itself=True)
