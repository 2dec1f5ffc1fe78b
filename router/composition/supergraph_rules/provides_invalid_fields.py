"""PROVIDES_INVALID_FIELDS: a type condition in the field set of a `@provides` never applies.

Example: the field set selects from the object type `User` and contains `... on Book`. Apollo's composition reports this
error only if it finds no other error, so this rule runs last.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from router.composition.drop_impossible_type_conditions import impossible_conditions
from router.composition.type_refs import base_name

if TYPE_CHECKING:
    from router.composition.merge.merge_state import MergeState


def check(state: MergeState) -> None:
    """Report each type condition in a `@provides` that never applies (composition §4.3)."""
    for subgraph in state.subgraphs:
        for _, member in subgraph.schema.fields():
            for applied in member.applied("provides"):
                selections = applied.field_set
                if selections is None:
                    continue
                target = base_name(member.type)
                for condition in impossible_conditions(subgraph.schema, target, selections):
                    state.report.error(
                        "PROVIDES_INVALID_FIELDS",
                        f"[{subgraph.name}] On {member.coordinate}, for @{applied.name}: a {target} can never be a "
                        f"{condition}.",
                        [(subgraph.name, applied.node)],
                    )
