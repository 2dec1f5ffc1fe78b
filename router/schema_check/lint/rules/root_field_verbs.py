"""ROOT_FIELD_VERBS: a field of the query type begins with `get`, `list`, `find` or `fetch`."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from router.schema_check.lint.elements_of_schema_text import ElementKind
from router.schema_check.lint.name_forms import words_of
from router.schema_check.lint.rule import Problem
from router.schema_check.step_findings import Level

if TYPE_CHECKING:
    from collections.abc import Iterator

    from router.schema_check.lint.rule import LintedSchema

LEVEL: Final = Level.INFO

_VERBS: Final = ("get", "list", "find", "fetch", "query")


def check(schema: LintedSchema) -> Iterator[Problem]:
    """Report fields of the query type whose names begin with `get`, `list`, `find` or `fetch`."""
    for element in schema.elements(ElementKind.FIELD):
        owner = element.parent
        if owner is None or element.source.root_types.get(owner.name) != "query":
            continue
        words = words_of(element.name)
        if len(words) > 1 and words[0].lower() in _VERBS:
            rest = element.name[len(words[0]) :].lstrip("_")
            yield Problem(
                element,
                f"The field {element.coordinate} begins with the verb {words[0]}, but every query reads.",
                f"Name it {rest[0].lower()}{rest[1:]}.",
            )
