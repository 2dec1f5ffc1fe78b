"""DEPRECATION_OVERDUE: a deprecated element still exists after the day of its removal."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from router.schema_check.lint.find_deprecated_elements import day_in, deprecations
from router.schema_check.lint.rule import Problem
from router.schema_check.step_findings import Level

if TYPE_CHECKING:
    from collections.abc import Iterator

    from router.schema_check.lint.rule import LintedSchema

LEVEL: Final = Level.WARNING


def check(schema: LintedSchema) -> Iterator[Problem]:
    """Report deprecated elements whose reason names a day that has passed."""
    for element, directive, reason in deprecations(schema):
        day = day_in(reason)
        if day is not None and day < schema.today:
            yield Problem(
                element,
                f"{element.coordinate} was to be removed on {day}.",
                "Remove it if no client uses it (router usage operations says who does), or name another day.",
                directive,
            )
