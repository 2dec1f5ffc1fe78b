"""ENTITY_WITHOUT_KEY: an object type has an id, but no key."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from graphql import FieldDefinitionNode, print_ast

from router.schema_check.lint.elements_of_schema_text import ElementKind
from router.schema_check.lint.rule import Problem
from router.schema_check.step_findings import Level

if TYPE_CHECKING:
    from collections.abc import Iterator

    from router.schema_check.lint.rule import LintedSchema

LEVEL: Final = Level.WARNING


def check(schema: LintedSchema) -> Iterator[Problem]:
    """Report object types that have a field `id: ID!`, but no `@key`. A schema with one subgraph is not checked."""
    if not any(text.name for text in schema.texts):
        return
    for text in schema.texts:
        for name, (element, *_) in text.types.items():
            identifier = text.fields.get(f"{name}.id")
            if element.kind is not ElementKind.OBJECT or identifier is None or any(text.keys(name)):
                continue
            node = identifier.node
            if isinstance(node, FieldDefinitionNode) and print_ast(node.type) == "ID!":
                yield Problem(
                    element,
                    f"The type {name} in {text.name} has an id, but no key, so other subgraphs cannot extend it.",
                    'Add @key(fields: "id"), or rename the field if the value identifies nothing.',
                )
