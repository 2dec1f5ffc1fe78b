"""DESCRIPTIONS: an element has no description."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from router.schema_check.lint.elements_of_schema_text import TYPES, ElementKind
from router.schema_check.lint.rule import Problem
from router.schema_check.step_findings import Level

if TYPE_CHECKING:
    from collections.abc import Iterator

    from router.schema_check.lint.rule import LintedSchema

LEVEL: Final = Level.WARNING

_KINDS: Final = TYPES | {ElementKind.FIELD, ElementKind.INPUT_FIELD, ElementKind.ENUM_VALUE, ElementKind.DIRECTIVE}


def check(schema: LintedSchema) -> Iterator[Problem]:
    """Report types, fields, input fields, enum values and directives without a description.

    If several texts declare the same element, one description is enough.
    """
    described = {each.coordinate for each in schema.elements(*_KINDS) if each.description}
    reported = set()
    for element in schema.elements(*_KINDS):
        if element.coordinate in described or element.coordinate in reported:
            continue
        if element.name in element.source.root_types and element.kind is ElementKind.OBJECT:
            continue
        reported.add(element.coordinate)
        yield Problem(
            element,
            f"The {element.kind} {element.coordinate} has no description.",
            "Say what it is in one sentence above it, in triple quotes.",
        )
