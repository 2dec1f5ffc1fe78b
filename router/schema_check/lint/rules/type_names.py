"""TYPE_NAMES: the name of a type is not in PascalCase."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from router.schema_check.lint.name_forms import pascal_case
from router.schema_check.lint.rule import Problem
from router.schema_check.step_findings import Level

if TYPE_CHECKING:
    from collections.abc import Iterator

    from router.schema_check.lint.rule import LintedSchema

LEVEL: Final = Level.WARNING


def check(schema: LintedSchema) -> Iterator[Problem]:
    """Report names of types that are not in PascalCase, once for each text that declares the type."""
    for text in schema.texts:
        for name, (element, *_) in text.types.items():
            better = pascal_case(name)
            if better != name:
                yield Problem(element, f"The {element.kind} {name} is not named in PascalCase.", f"Name it {better}.")
