"""LIST_SIZE_INVALID_ASSUMED_SIZE: the `assumedSize` of a `@listSize` is negative."""

from __future__ import annotations

from typing import TYPE_CHECKING

from router.composition.const_value_nodes import python_value
from router.composition.rules.find_fields_with_list_size import fields_with_list_size

if TYPE_CHECKING:
    from router.composition.external_provided_and_shareable_fields import SubgraphMetadata
    from router.composition.report import Report


def check(subgraph: SubgraphMetadata, report: Report, *, from_cost_spec: bool = False) -> None:
    """Report each `@listSize` with a negative `assumedSize` (composition §4.8)."""
    for member, applied in fields_with_list_size(subgraph, from_cost_spec=from_cost_spec):
        assumed = python_value(applied.arguments.get("assumedSize"))
        if isinstance(assumed, int) and assumed < 0:
            report.error(
                "LIST_SIZE_INVALID_ASSUMED_SIZE",
                f"[{subgraph.name}] {member.coordinate}: the assumed size {assumed} is negative.",
                [(subgraph.name, applied.node)],
            )
