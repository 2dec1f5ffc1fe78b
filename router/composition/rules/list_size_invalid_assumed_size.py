"""LIST_SIZE_INVALID_ASSUMED_SIZE: the assumed size of `@listSize` cannot be negative."""

from __future__ import annotations

from typing import TYPE_CHECKING

from router.composition.rules.list_sizes import list_sizes
from router.composition.values import python_value

if TYPE_CHECKING:
    from router.composition.facts import Facts
    from router.composition.report import Report


def check(facts: Facts, report: Report, *, linked_by_itself: bool = False) -> None:
    for member, applied in list_sizes(facts, linked_by_itself=linked_by_itself):
        assumed = python_value(applied.arguments.get("assumedSize"))
        if isinstance(assumed, int) and assumed < 0:
            report.error(
                "LIST_SIZE_INVALID_ASSUMED_SIZE",
                f"[{facts.name}] {member.coordinate}: the assumed size {assumed} is negative.",
                [(facts.name, applied.node)],
            )
