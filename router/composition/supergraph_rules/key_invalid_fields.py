"""KEY_INVALID_FIELDS: under a type condition that never applies, a key selects a field that the key's type lacks.

The condition itself is not an error: `impossible_type_conditions` drops the condition, but not the field.
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
