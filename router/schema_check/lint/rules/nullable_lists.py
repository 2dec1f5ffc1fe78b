"""NULLABLE_LISTS: a list, or an item of a list, can be null."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from graphql import FieldDefinitionNode, InputValueDefinitionNode, NonNullTypeNode, print_ast

from router.schema_check.lint.elements_of_schema_text import ElementKind
from router.schema_check.lint.list_and_nullable_types import has_nullable_items, is_list
from router.schema_check.lint.rule import Problem
from router.schema_check.step_findings import Level

if TYPE_CHECKING:
    from collections.abc import Iterator

    from router.schema_check.lint.rule import LintedSchema

LEVEL: Final = Level.WARNING


def check(schema: LintedSchema) -> Iterator[Problem]:
    """Report lists whose items can be null, and fields whose list itself can be null."""
    for element in schema.elements(ElementKind.FIELD, ElementKind.ARGUMENT, ElementKind.INPUT_FIELD):
        node = element.node
        if not isinstance(node, FieldDefinitionNode | InputValueDefinitionNode) or not is_list(node.type):
            continue
        form = print_ast(node.type)
        if has_nullable_items(node.type):
            yield Problem(
                element,
                f"The items of the {element.kind} {element.coordinate}: {form} can be null.",
                "Make the items non-null: [T!].",
                node.type,
                "items",
            )
        elif element.kind is ElementKind.FIELD and not isinstance(node.type, NonNullTypeNode):
            yield Problem(
                element,
                f"The field {element.coordinate}: {form} can be null, although an empty list can say the same.",
                "Make the list non-null: [T!]!. Keep it nullable if it comes from another service that may fail.",
                node.type,
                "list",
            )
