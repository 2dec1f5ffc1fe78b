"""CONNECTION_ARGUMENTS: a field that returns a connection has no arguments for paging."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from graphql import FieldDefinitionNode

from router.federation.find_type_name_in_reference import named_type
from router.schema_check.lint.elements_of_schema_text import ElementKind
from router.schema_check.lint.rule import Problem
from router.schema_check.step_findings import Level

if TYPE_CHECKING:
    from collections.abc import Iterator

    from router.schema_check.lint.rule import LintedSchema

LEVEL: Final = Level.WARNING


def check(schema: LintedSchema) -> Iterator[Problem]:
    """Report connection fields without arguments for paging: `first` and `after`, or `last` and `before`."""
    for element in schema.elements(ElementKind.FIELD):
        node = element.node
        if not isinstance(node, FieldDefinitionNode) or not named_type(node.type).endswith("Connection"):
            continue
        names = {argument.name.value for argument in node.arguments or ()}
        if not names >= {"first", "after"} and not names >= {"last", "before"}:
            yield Problem(
                element,
                f"The field {element.coordinate} returns a connection, but does not take first and after.",
                "Add the arguments first: Int and after: String.",
            )
