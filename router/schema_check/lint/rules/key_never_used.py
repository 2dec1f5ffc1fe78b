"""KEY_NEVER_USED: no other subgraph can use a key of an entity."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from graphql import FieldNode

from router.federation.field_sets import parse_field_set_or_none
from router.schema_check.lint.rule import Problem
from router.schema_check.step_findings import Level

if TYPE_CHECKING:
    from collections.abc import Iterator

    from router.schema_check.lint.elements_of_schema_text import LintedText
    from router.schema_check.lint.rule import LintedSchema

LEVEL: Final = Level.INFO


def check(schema: LintedSchema) -> Iterator[Problem]:
    """Report a resolvable key if no other subgraph has its outermost fields."""
    for text in schema.texts:
        for name, (element, *_) in text.types.items():
            others = [other for other in schema.texts if other is not text and name in other.types]
            for directive, fields, resolvable in text.keys(name):
                if resolvable and not any(_has_all(other, name, fields) for other in others):
                    yield Problem(
                        element,
                        f'No other subgraph can use the key "{fields}" of {name} in {text.name}: none has its fields.',
                        "Remove the key if no subgraph will refer to this entity by it.",
                        directive,
                        fields,
                    )


def _has_all(text: LintedText, type_name: str, fields: str) -> bool:
    """Return whether a subgraph has each of the outermost fields of a key."""
    selection = parse_field_set_or_none(fields)
    names = [each.name.value for each in selection.selections if isinstance(each, FieldNode)] if selection else []
    return all(f"{type_name}.{name}" in text.fields for name in names)
