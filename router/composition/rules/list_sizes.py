"""What the rules on `@listSize` share: where it stands, and the names in its arguments."""

from __future__ import annotations

from typing import TYPE_CHECKING

from router.composition.values import python_value

if TYPE_CHECKING:
    from collections.abc import Iterator

    from router.composition.facts import Facts
    from router.composition.model import Applied, FieldDef


def list_sizes(facts: Facts, *, linked_by_itself: bool) -> Iterator[tuple[FieldDef, Applied]]:
    """Fields with federation's `@listSize`, or with the one that a link to the cost specification itself brings."""
    for _, member in facts.schema.fields():
        for applied in member.applied("listSize"):
            if facts.schema.is_federations(applied) is not linked_by_itself:
                yield member, applied


def names(applied: Applied, argument: str) -> list[str]:
    value = python_value(applied.arguments.get(argument))
    return [str(item) for item in value] if isinstance(value, list) else []
