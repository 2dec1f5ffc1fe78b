"""Parse SDL, even if an argument, an input object field or an enum value is repeated.

The GraphQL specification forbids such repetitions. Other federation tools accept them, so composition accepts them too:

- If a directive's argument or an input object field has two values, as in `@d(x: 1, x: 2)`, the last value counts.
- If an enum value, or an argument of a field, is defined twice, the two definitions become one. The merged definition
  has the last type and description, and the directives of both definitions.
"""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Protocol, TypeVar

from graphql.language.parser import Parser

if TYPE_CHECKING:
    from collections.abc import Sequence

    from graphql.language import (
        ArgumentNode,
        DocumentNode,
        EnumValueDefinitionNode,
        FieldDefinitionNode,
        InputValueDefinitionNode,
        NameNode,
        ObjectFieldNode,
        ObjectValueNode,
        Source,
    )


class _Named(Protocol):
    @property
    def name(self) -> NameNode: ...


N = TypeVar("N", bound=_Named)


def parse_schema(source: Source, replaced: list[InputValueDefinitionNode] | None = None) -> DocumentNode:
    """Parse the SDL of one schema.

    If a field's argument is defined more than once, its earlier definitions are added to `replaced`.

    Raises:
        GraphQLSyntaxError: The text is not a GraphQL document.
    """
    parser = _SchemaParser(source)
    document = parser.parse_document()
    if replaced is not None:
        replaced += parser.replaced
    return document


def merged_values(nodes: Sequence[EnumValueDefinitionNode]) -> tuple[EnumValueDefinitionNode, ...]:
    """Merge the definitions of the same enum value into one definition.

    The merged definition has the last description, and the directives of all definitions.
    """
    merged: dict[str, EnumValueDefinitionNode] = {}
    for node in nodes:
        first = merged.get(node.name.value)
        if first is not None:
            directives = (*(first.directives or ()), *(node.directives or ()))
            merged[node.name.value] = replace(
                first, description=node.description or first.description, directives=directives
            )
        else:
            merged[node.name.value] = node
    return tuple(merged.values())


class _SchemaParser(Parser):
    def __init__(self, source: Source) -> None:
        super().__init__(source)
        self.replaced: list[InputValueDefinitionNode] = []

    def parse_arguments(self, is_const: bool) -> tuple[ArgumentNode, ...] | None:  # noqa: FBT001 - graphql-core's
        arguments = super().parse_arguments(is_const)
        return _last_of_each(arguments) if arguments else arguments

    def parse_object(self, is_const: bool) -> ObjectValueNode:  # noqa: FBT001 - graphql-core's
        node = super().parse_object(is_const)
        fields: tuple[ObjectFieldNode, ...] = _last_of_each(node.fields)
        return node if len(fields) == len(node.fields) else replace(node, fields=fields)

    def parse_field_definition(self) -> FieldDefinitionNode:
        node = super().parse_field_definition()
        if not node.arguments or _all_differ(node.arguments):
            return node
        merged = _merged_arguments(node.arguments)
        last = {id(argument.type) for argument in merged}
        self.replaced += [argument for argument in node.arguments if id(argument.type) not in last]
        return replace(node, arguments=merged)

    def parse_enum_values_definition(self) -> tuple[EnumValueDefinitionNode, ...] | None:
        values = super().parse_enum_values_definition()
        return merged_values(values) if values and not _all_differ(values) else values


def _all_differ(nodes: Sequence[_Named]) -> bool:
    return len(nodes) == 1 or len({node.name.value for node in nodes}) == len(nodes)


def _last_of_each(nodes: tuple[N, ...]) -> tuple[N, ...]:
    return nodes if _all_differ(nodes) else tuple({node.name.value: node for node in nodes}.values())


def _merged_arguments(nodes: Sequence[InputValueDefinitionNode]) -> tuple[InputValueDefinitionNode, ...]:
    merged: dict[str, InputValueDefinitionNode] = {}
    for node in nodes:
        first = merged.get(node.name.value)
        earlier = (first.directives or ()) if first else ()
        merged[node.name.value] = replace(node, directives=(*earlier, *(node.directives or ())))
    return tuple(merged.values())
