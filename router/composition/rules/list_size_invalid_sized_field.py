"""LIST_SIZE_INVALID_SIZED_FIELD: a sized field of `@listSize` must be a field of what is returned."""

from __future__ import annotations

from typing import TYPE_CHECKING

from router.composition.rules.list_sizes import list_sizes, names
from router.composition.type_refs import base_name

if TYPE_CHECKING:
    from collections.abc import Iterator

    from router.composition.facts import Facts
    from router.composition.model import Applied, FieldDef
    from router.composition.report import Report


def check(facts: Facts, report: Report, *, linked_by_itself: bool = False) -> None:
    for member, applied in list_sizes(facts, linked_by_itself=linked_by_itself):
        for problem in _problems(facts, member, applied):
            report.error(
                "LIST_SIZE_INVALID_SIZED_FIELD",
                f"[{facts.name}] {member.coordinate}: {problem}.",
                [(facts.name, applied.node)],
            )


def _problems(facts: Facts, member: FieldDef, applied: Applied) -> Iterator[str]:
    target = facts.schema.types.get(base_name(member.type))
    for name in names(applied, "sizedFields"):
        if target is None or not target.fields:
            yield f'{member.type} has no fields, so "{name}" cannot be a sized one'
        elif name not in target.fields:
            yield f'{target.name} has no field "{name}"'
