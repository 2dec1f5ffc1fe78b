"""DEPRECATION_REASON: a deprecated element does not say what to use instead."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from graphql import DEFAULT_DEPRECATION_REASON

from router.schema_check.lint.find_deprecated_elements import deprecations
from router.schema_check.lint.rule import Problem
from router.schema_check.step_findings import Level

if TYPE_CHECKING:
    from collections.abc import Iterator

    from router.schema_check.lint.rule import LintedSchema

LEVEL: Final = Level.ERROR


def check(schema: LintedSchema) -> Iterator[Problem]:
    """Report uses of `@deprecated` without a reason."""
    for element, directive, reason in deprecations(schema):
        if not reason.strip() or reason.strip() == DEFAULT_DEPRECATION_REASON:
            yield Problem(
                element,
                f"{element.coordinate} is deprecated without a reason.",
                'Say what to use instead: @deprecated(reason: "Use ...").',
                directive,
            )
