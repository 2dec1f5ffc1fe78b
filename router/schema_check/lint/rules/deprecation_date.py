"""DEPRECATION_DATE: a deprecated element does not say when it will be removed."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from router.schema_check.lint.find_deprecated_elements import day_in, deprecations
from router.schema_check.lint.rule import Problem
from router.schema_check.step_findings import Level

if TYPE_CHECKING:
    from collections.abc import Iterator

    from router.schema_check.lint.rule import LintedSchema

LEVEL: Final = Level.INFO


def check(schema: LintedSchema) -> Iterator[Problem]:
    """Report reasons that contain no day in the form 2027-01-31. DEPRECATION_REASON reports empty reasons."""
    for element, directive, reason in deprecations(schema):
        if reason.strip() and day_in(reason) is None:
            yield Problem(
                element,
                f"{element.coordinate} is deprecated without a day of its removal.",
                "Add the day to the reason, such as 2027-01-31.",
                directive,
            )
