"""DIRECTIVE_NAMES: the name of a directive is not in camelCase."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from router.schema_check.lint.elements_of_schema_text import ElementKind
from router.schema_check.lint.name_forms import camel_case
from router.schema_check.lint.rule import Problem
from router.schema_check.step_findings import Level

if TYPE_CHECKING:
    from collections.abc import Iterator

    from router.schema_check.lint.rule import LintedSchema

LEVEL: Final = Level.WARNING


def check(schema: LintedSchema) -> Iterator[Problem]:
    """Report names of directives that are not in camelCase."""
    for element in schema.elements(ElementKind.DIRECTIVE):
        better = camel_case(element.name)
        if better != element.name:
            yield Problem(
                element,
                f"The {element.kind} {element.coordinate} is not named in camelCase.",
                f"Name it {better}.",
            )
