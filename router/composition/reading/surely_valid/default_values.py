"""Checks whether a default value surely fits its argument or input field (see the docstring of the package)."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from graphql.language import (
    BooleanValueNode,
    EnumValueNode,
    FloatValueNode,
    IntValueNode,
    ListTypeNode,
    ListValueNode,
    NamedTypeNode,
    NonNullTypeNode,
    NullValueNode,
    StringValueNode,
)

if TYPE_CHECKING:
    from collections.abc import Collection, Mapping

    from graphql.language import TypeNode, ValueNode

_LITERALS: Final[dict[str, tuple[type[ValueNode], ...]]] = {
    "Int": (IntValueNode,),
    "Float": (IntValueNode, FloatValueNode),
    "String": (StringValueNode,),
    "Boolean": (BooleanValueNode,),
    "ID": (StringValueNode, IntValueNode),
}
# A number with more characters can be out of the range of `Int`, so graphql-core must check it.
_SHORT_NUMBER: Final = 9


def surely_fits(value: ValueNode, type_: TypeNode, enums: Mapping[str, Collection[str]]) -> bool:
    """Return whether a literal surely fits a type.

    Args:
        value: The literal.
        type_: The type.
        enums: The values of each enum.
    """
    if isinstance(type_, NonNullTypeNode):
        return not isinstance(value, NullValueNode) and surely_fits(value, type_.type, enums)
    if isinstance(value, NullValueNode):
        return True
    if isinstance(type_, ListTypeNode):
        items = value.values if isinstance(value, ListValueNode) else (value,)
        return all(surely_fits(item, type_.type, enums) for item in items)
    return isinstance(type_, NamedTypeNode) and _fits_named(value, type_.name.value, enums)


def _fits_named(value: ValueNode, name: str, enums: Mapping[str, Collection[str]]) -> bool:
    if isinstance(value, EnumValueNode):
        return value.value in enums.get(name, ())
    if isinstance(value, IntValueNode | FloatValueNode) and len(value.value) > _SHORT_NUMBER:
        return False
    return isinstance(value, _LITERALS.get(name, ()))
