"""Report `@provides` on an external field, or on a field whose type has no fields.

The error codes are EXTERNAL_COLLISION_WITH_ANOTHER_DIRECTIVE and PROVIDES_ON_NON_OBJECT_FIELD.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from router.composition.model import COMPOSITE

if TYPE_CHECKING:
    from router.composition.external_provided_and_shareable_fields import SubgraphMetadata
    from router.composition.report import Report


def check(subgraph: SubgraphMetadata, report: Report) -> None:
    """Report the first `@provides` on an external field or on a field whose type has no fields (composition §4.3)."""
    for _, member in subgraph.schema.fields():
        for applied in member.applied("provides"):
            place = [(subgraph.name, applied.node)]
            if subgraph.is_external(member):
                report.error(
                    "EXTERNAL_COLLISION_WITH_ANOTHER_DIRECTIVE",
                    f"[{subgraph.name}] {member.coordinate} is external here, so it cannot also provide fields.",
                    place,
                )
                return
            if subgraph.schema.kind_of(member.type) not in COMPOSITE:
                report.error(
                    "PROVIDES_ON_NON_OBJECT_FIELD",
                    f"[{subgraph.name}] {member.coordinate} has the type {member.type}, which has no fields.",
                    place,
                )
                return
