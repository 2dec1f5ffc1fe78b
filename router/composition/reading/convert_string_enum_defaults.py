"""Convert strings in default values of enum types to enum values: `= "ASC"` becomes `= ASC`.

Some servers print the default values of enum types as strings.
"""

from __future__ import annotations

import re
from dataclasses import replace
from typing import TYPE_CHECKING

from graphql.language import (
    ConstListValueNode,
    ConstValueNode,
    DefinitionNode,
    DocumentNode,
    EnumTypeDefinitionNode,
    EnumValueNode,
    InputValueDefinitionNode,
    StringValueNode,
    Visitor,
    visit,
)

from router.composition.type_refs import base_name, from_node

if TYPE_CHECKING:
    from collections.abc import Sequence
    from collections.abc import Set as AbstractSet

# If the SDL does not match, it has no string as a default value. Then the definitions are not visited, to save time.
_STRING_DEFAULT = re.compile(r"=[\s\[]*\"")


def with_enum_defaults(sdl: str, definitions: Sequence[DefinitionNode]) -> tuple[DefinitionNode, ...]:
    """Convert strings in the default values of enum types to enum values, and return all definitions."""
    enums = {node.name.value for node in definitions if isinstance(node, EnumTypeDefinitionNode)}
    if not enums or not _STRING_DEFAULT.search(sdl):
        return tuple(definitions)
    document = visit(DocumentNode(definitions=tuple(definitions)), _Defaults(enums))
    return tuple(document.definitions)


class _Defaults(Visitor):
    def __init__(self, enums: AbstractSet[str]) -> None:
        super().__init__()
        self.enums = enums

    def enter_input_value_definition(self, node: InputValueDefinitionNode, *_: object) -> object:
        if node.default_value is None or base_name(from_node(node.type)) not in self.enums:
            return None
        return replace(node, default_value=_as_enum(node.default_value))


def _as_enum(value: ConstValueNode) -> ConstValueNode:
    match value:
        case StringValueNode():
            return EnumValueNode(value=value.value, loc=value.loc)
        case ConstListValueNode():
            return replace(value, values=tuple(_as_enum(item) for item in value.values))
        case _:
            return value
