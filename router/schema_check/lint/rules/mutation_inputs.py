"""MUTATION_INPUTS: a mutation does not take exactly one input object."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from graphql import FieldDefinitionNode

from router.schema_check.lint.elements_of_schema_text import ElementKind
from router.schema_check.lint.rule import Problem
from router.schema_check.step_findings import Level

if TYPE_CHECKING:
    from collections.abc import Iterator

    from router.schema_check.lint.rule import LintedSchema

LEVEL: Final = Level.INFO


def check(schema: LintedSchema) -> Iterator[Problem]:
    """Report mutations with any arguments other than a single argument `input` of an input type."""
    for element in schema.elements(ElementKind.FIELD):
        owner, node = element.parent, element.node
        if owner is None or not isinstance(node, FieldDefinitionNode) or not node.arguments:
            continue
        if element.source.root_types.get(owner.name) != "mutation":
            continue
        if [argument.name.value for argument in node.arguments] != ["input"]:
            yield Problem(
                element,
                f"The mutation {element.coordinate} takes other arguments than one input object.",
                f"Take one argument: input: {element.name[0].upper()}{element.name[1:]}Input!.",
            )
