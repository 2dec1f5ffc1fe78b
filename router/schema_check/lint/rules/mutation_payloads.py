"""MUTATION_PAYLOADS: a mutation does not return a separate type, such as `CreateBookPayload`."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from graphql import FieldDefinitionNode, print_ast

from router.federation.find_type_name_in_reference import named_type
from router.schema_check.lint.elements_of_schema_text import ElementKind
from router.schema_check.lint.list_and_nullable_types import is_list
from router.schema_check.lint.rule import Problem
from router.schema_check.step_findings import Level

if TYPE_CHECKING:
    from collections.abc import Iterator

    from router.schema_check.lint.rule import LintedSchema

LEVEL: Final = Level.WARNING

_SUFFIXES: Final = ("Payload", "Result", "Response")


def check(schema: LintedSchema) -> Iterator[Problem]:
    """Report mutations whose type is a scalar, an enum, a list, or not named as a payload."""
    for element in schema.elements(ElementKind.FIELD):
        owner, node = element.parent, element.node
        if owner is None or not isinstance(node, FieldDefinitionNode):
            continue
        if element.source.root_types.get(owner.name) != "mutation":
            continue
        if is_list(node.type) or not named_type(node.type).endswith(_SUFFIXES):
            yield Problem(
                element,
                f"The mutation {element.coordinate} returns {print_ast(node.type)}, so it cannot return more later.",
                f"Return a separate type: {element.name[0].upper()}{element.name[1:]}Payload.",
                node.type,
            )
