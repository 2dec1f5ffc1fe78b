"""KEY_INVALID_FIELDS: a key with a type condition that never applies selects a field that the type does not have.

Example: `type User @key(fields: "... on Book { isbn }")`. The type condition itself is not an error.
`drop_impossible_type_conditions` changes the key to `... { isbn }`. This rule reports that `User` has no field `isbn`.
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
