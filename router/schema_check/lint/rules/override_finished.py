"""OVERRIDE_FINISHED: an `@override`, or its label, is no longer needed."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from router.schema_check.lint.rule import Problem
from router.schema_check.step_findings import Level

if TYPE_CHECKING:
    from collections.abc import Iterator

    from router.schema_check.lint.rule import LintedSchema

LEVEL: Final = Level.WARNING

_ALWAYS: Final = "percent(100)"


def check(schema: LintedSchema) -> Iterator[Problem]:
    """Report overrides from subgraphs that no longer have the field, and labels that are always active."""
    by_name = {text.name: text for text in schema.texts if text.name}
    for text in by_name.values():
        for element in text.fields.values():
            for directive in element.applied("override"):
                arguments = {each.name.value: each.value for each in directive.arguments or ()}
                origin = getattr(arguments.get("from"), "value", "")
                other = by_name.get(origin)
                if other is None or element.coordinate not in other.fields:
                    yield Problem(
                        element,
                        f"{element.coordinate} in {text.name} overrides {origin}, which does not have the field.",
                        "Remove @override.",
                        directive,
                        "from",
                    )
                elif getattr(arguments.get("label"), "value", None) == _ALWAYS:
                    yield Problem(
                        element,
                        f"{element.coordinate} in {text.name} overrides {origin} for all requests.",
                        f"Remove the field from {origin}, and then @override.",
                        directive,
                        "label",
                    )
