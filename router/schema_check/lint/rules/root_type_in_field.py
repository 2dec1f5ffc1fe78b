"""ROOT_TYPE_IN_FIELD: a field returns a root type, such as the query type."""

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
    """Report fields whose type is a root type."""
    for element in schema.elements(ElementKind.FIELD):
        node = element.node
        if isinstance(node, FieldDefinitionNode):
            named = named_type(node.type)
            operation = element.source.root_types.get(named)
            if operation is not None and named in element.source.types:
                yield Problem(
                    element,
                    f"The field {element.coordinate} returns the {operation} type {named}.",
                    "Return the object that the client needs, and let the client ask for the rest in its operation.",
                    node.type,
                )
