"""KEY_INVALID_FIELDS for a field under a type condition that is never met: the type with the key must have it too.

Asked last, as the condition alone is no error: `impossible_conditions` says what such a key is taken for.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from router.composition.field_set_targets import field_set_problems
from router.composition.model import Kind

if TYPE_CHECKING:
    from router.composition.merge.state import MergeState


def check(state: MergeState) -> None:
    for facts in state.subgraphs:
        for definition in facts.schema.of_kind(Kind.OBJECT, Kind.INTERFACE):
            for key in definition.keys:
                selections = key.field_set if "..." in (key.text("fields") or "") else None
                if selections is None:
                    continue
                for problem in field_set_problems(facts.schema, definition.name, selections):
                    state.report.error(
                        "KEY_INVALID_FIELDS",
                        f"[{facts.name}] On {definition.name}, for @{key.name}: {problem}, and its type condition is "
                        "never met.",
                        [(facts.name, key.node)],
                    )
