"""IDS: an identifier does not have the type `ID`, or can be null."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from graphql import FieldDefinitionNode, InputValueDefinitionNode, NonNullTypeNode, print_ast

from router.federation.find_type_name_in_reference import named_type
from router.schema_check.lint.elements_of_schema_text import ElementKind
from router.schema_check.lint.rule import Problem
from router.schema_check.step_findings import Level

if TYPE_CHECKING:
    from collections.abc import Iterator

    from router.schema_check.lint.rule import LintedSchema

LEVEL: Final = Level.WARNING

_TEXTS: Final = frozenset({"String", "Int", "Float"})


def check(schema: LintedSchema) -> Iterator[Problem]:
    """Report identifiers with the type `String`, `Int` or `Float`, and fields `id` that can be null.

    An identifier has the name `id`, or a name that ends with `Id`.
    """
    for element in schema.elements(ElementKind.FIELD, ElementKind.ARGUMENT, ElementKind.INPUT_FIELD):
        node = element.node
        if not isinstance(node, FieldDefinitionNode | InputValueDefinitionNode):
            continue
        if element.name != "id" and not element.name.endswith("Id"):
            continue
        if named_type(node.type) in _TEXTS:
            yield Problem(
                element,
                f"The {element.kind} {element.coordinate} is an identifier, but has the type {print_ast(node.type)}.",
                "Give it the type ID, so that clients do not compute with it.",
                node.type,
            )
        elif element.name == "id" and element.kind is ElementKind.FIELD and not isinstance(node.type, NonNullTypeNode):
            yield Problem(
                element,
                f"The field {element.coordinate} can be null, but identifies its object.",
                "Give it the type ID!.",
                node.type,
            )
