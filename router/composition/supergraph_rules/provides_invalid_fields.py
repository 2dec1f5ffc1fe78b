"""PROVIDES_INVALID_FIELDS for a type condition that the object provided never meets: nothing is provided then.

Asked last, as other problems hide this one in other federation tooling too.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from router.composition.impossible_type_conditions import impossible_conditions
from router.composition.type_refs import base_name

if TYPE_CHECKING:
    from router.composition.merge.merge_state import MergeState


def check(state: MergeState) -> None:
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
