"""INPUT_SUFFIX: an input type has no suffix such as `Input`, or another type has the suffix `Input`."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from router.schema_check.lint.elements_of_schema_text import ElementKind
from router.schema_check.lint.rule import Problem
from router.schema_check.step_findings import Level

if TYPE_CHECKING:
    from collections.abc import Iterator

    from router.schema_check.lint.rule import LintedSchema

LEVEL: Final = Level.WARNING

_OF_INPUTS: Final = ("Input", "Filter", "Order", "OrderBy", "Sort", "Where")


def check(schema: LintedSchema) -> Iterator[Problem]:
    """Report input types without a suffix such as `Input` or `Filter`, and other types with the suffix `Input`."""
    for text in schema.texts:
        for name, (element, *_) in text.types.items():
            if element.kind is ElementKind.INPUT and not name.endswith(_OF_INPUTS):
                yield Problem(
                    element, f"The name of the input type {name} does not end in Input.", f"Name it {name}Input."
                )
            elif element.kind is not ElementKind.INPUT and name.endswith("Input"):
                yield Problem(
                    element,
                    f"The {element.kind} {name} has the suffix of input types.",
                    "Remove Input from its name.",
                )
