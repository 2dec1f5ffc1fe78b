"""KEY_INVALID_FIELDS for a field under a type condition that never applies: the type with the key must have it too.

This rule runs last: the condition alone is not an error, because `impossible_type_conditions` drops it.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from router.composition.field_sets import field_set_problems
from router.composition.model import Kind

if TYPE_CHECKING:
    from router.composition.merge.merge_state import MergeState


def check(state: MergeState) -> None:
    """Report fields under type conditions that the type with the key lacks (composition §4.2)."""
    for subgraph in state.subgraphs:
        for definition in subgraph.schema.of_kind(Kind.OBJECT, Kind.INTERFACE):
            for key in definition.keys:
                selections = key.field_set if "..." in (key.text("fields") or "") else None
                if selections is None:
                    continue
                for problem in field_set_problems(subgraph.schema, definition.name, selections):
                    state.report.error(
                        "KEY_INVALID_FIELDS",
                        f"[{subgraph.name}] On {definition.name}, for @{key.name}: {problem}, and the type condition "
                        "around it never applies.",
                        [(subgraph.name, key.node)],
                    )
