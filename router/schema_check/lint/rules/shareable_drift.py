"""SHAREABLE_DRIFT: subgraphs define a value type with different fields."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from graphql import FieldDefinitionNode, print_ast

from router.schema_check.lint.elements_of_schema_text import ElementKind
from router.schema_check.lint.rule import Problem
from router.schema_check.step_findings import Level

if TYPE_CHECKING:
    from collections.abc import Iterator

    from router.schema_check.lint.elements_of_schema_text import Element
    from router.schema_check.lint.rule import LintedSchema

LEVEL: Final = Level.WARNING


def check(schema: LintedSchema) -> Iterator[Problem]:
    """Report fields of value types that some subgraphs lack, and fields whose types or descriptions differ.

    A value type is an object type that has no key, and that several subgraphs define.
    """
    defined: dict[str, list[Element]] = {}
    for text in schema.texts:
        for name, declarations in text.types.items():
            is_root = name in text.root_types
            if declarations[0].kind is ElementKind.OBJECT and not is_root and not any(text.keys(name)):
                defined.setdefault(name, []).append(declarations[0])
    for name, declared in defined.items():
        if len(declared) > 1:
            yield from _drift(name, declared)


def _drift(name: str, declared: list[Element]) -> Iterator[Problem]:
    members: dict[str, list[Element]] = {}
    for definition in declared:
        for coordinate, member in definition.source.fields.items():
            if coordinate.startswith(f"{name}."):
                members.setdefault(coordinate, []).append(member)
    for coordinate, found in members.items():
        lacking = [each.source.name for each in declared if all(each.source is not member.source for member in found)]
        if lacking:
            yield Problem(
                found[0],
                f"The field {coordinate} of a value type is in {_names(found)}, but not in {', '.join(lacking)}.",
                "Add the field to all subgraphs, or move it to a separate type.",
                detail="lacking",
            )
        forms = {_form(member): member for member in reversed(found)}
        if len(forms) > 1:
            written = ", ".join(f"{form} in {member.source.name}" for form, member in reversed(forms.items()))
            yield Problem(
                found[0],
                f"The field {coordinate} of a value type has several types: {written}.",
                "Give it one type in all subgraphs.",
                detail="type",
            )
        if len({member.description for member in found}) > 1:
            yield Problem(
                found[0],
                f"The field {coordinate} of a value type has several descriptions, in {_names(found)}.",
                "Use one description in all subgraphs.",
                detail="description",
            )


def _names(members: list[Element]) -> str:
    return ", ".join(member.source.name for member in members)


def _form(member: Element) -> str:
    return print_ast(member.node.type) if isinstance(member.node, FieldDefinitionNode) else ""
