"""Finds the deprecated elements of a schema and their reasons."""

from __future__ import annotations

import re
from datetime import date
from typing import TYPE_CHECKING, Final

from graphql import StringValueNode

from router.schema_check.lint.elements_of_schema_text import ElementKind

if TYPE_CHECKING:
    from collections.abc import Iterator

    from graphql import ConstDirectiveNode

    from router.schema_check.lint.elements_of_schema_text import Element
    from router.schema_check.lint.rule import LintedSchema

_DAY: Final = re.compile(r"\b(\d{4})-(\d{2})-(\d{2})\b")
_DEPRECATABLE: Final = (
    ElementKind.FIELD,
    ElementKind.ARGUMENT,
    ElementKind.INPUT_FIELD,
    ElementKind.ENUM_VALUE,
    ElementKind.DIRECTIVE_ARGUMENT,
)


def deprecations(schema: LintedSchema) -> Iterator[tuple[Element, ConstDirectiveNode, str]]:
    """Yield each deprecated element, its `@deprecated`, and the reason (empty if there is none)."""
    for element in schema.elements(*_DEPRECATABLE):
        for directive in element.applied("deprecated"):
            reasons = [each.value for each in directive.arguments or () if each.name.value == "reason"]
            yield element, directive, reasons[0].value if reasons and isinstance(reasons[0], StringValueNode) else ""


def day_in(reason: str) -> date | None:
    """Return the latest day of the form 2027-01-31 in a reason, or None.

    The latest day is the day of the removal. A reason can also name the day of the deprecation, which is earlier.
    """
    return max((day for match in _DAY.finditer(reason) if (day := _day(match)) is not None), default=None)


def _day(match: re.Match[str]) -> date | None:
    try:
        return date(int(match[1]), int(match[2]), int(match[3]))
    except ValueError:  # the day does not exist, such as 2027-02-30
        return None
