"""KEY_INVALID_FIELDS: a key selects an unknown field inside a type condition that never applies.

Example: `type User @key(fields: "... on Book { isbn }")`. A `User` is never a `Book`, but the type condition is not an
error: `drop_impossible_type_conditions` changes the field set to `... { isbn }`. Then this rule reports that `User` has
no field `isbn`.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from router.composition.field_set_problems import field_set_problems
from router.composition.model import Kind

if TYPE_CHECKING:
    from router.composition.merge.merge_state import MergeState


def check(state: MergeState) -> None:
    """Report the unknown fields in keys that have a type condition (composition §4.2)."""
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
