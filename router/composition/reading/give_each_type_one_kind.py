"""Give the definition and the extensions of a type the same kind, as other federation tools do.

A *block* is one definition or extension of a type. The first block of a type in the SDL decides the kind. For example,
after `type T { a: Int }`, the block `extend interface T { b: Int }` becomes `extend type T { b: Int }`. Some blocks
cannot be converted: for example, an enum with values cannot become an object type. `check_graphql_rules` reports them.

If two blocks of an enum type define the same value, only the first of these blocks keeps the value.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from graphql.language import (
    DefinitionNode,
    EnumTypeDefinitionNode,
    EnumTypeExtensionNode,
    EnumValueDefinitionNode,
    FieldDefinitionNode,
    InputObjectTypeDefinitionNode,
    InputObjectTypeExtensionNode,
    InputValueDefinitionNode,
    InterfaceTypeDefinitionNode,
    InterfaceTypeExtensionNode,
    ObjectTypeDefinitionNode,
    ObjectTypeExtensionNode,
    ScalarTypeDefinitionNode,
    ScalarTypeExtensionNode,
    TypeDefinitionNode,
    TypeExtensionNode,
    UnionTypeDefinitionNode,
    UnionTypeExtensionNode,
)

from router.composition.reading.parse_sdl_with_repetitions import merged_values

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence


@dataclass(frozen=True, slots=True)
class _Kind:
    """The syntax node classes for one kind of type.

    Attributes:
        definition: The class of a definition, such as `ObjectTypeDefinitionNode`.
        extension: The class of an extension, such as `ObjectTypeExtensionNode`.
        parts: The attributes of these nodes that have the content of the type, such as `fields` or `values`.
    """

    definition: type[TypeDefinitionNode]
    extension: type[TypeExtensionNode]
    parts: tuple[str, ...]


_OBJECT = _Kind(ObjectTypeDefinitionNode, ObjectTypeExtensionNode, ("fields", "interfaces"))
_INTERFACE = _Kind(InterfaceTypeDefinitionNode, InterfaceTypeExtensionNode, ("fields", "interfaces"))
_INPUT = _Kind(InputObjectTypeDefinitionNode, InputObjectTypeExtensionNode, ("fields",))
_KINDS = (
    _OBJECT,
    _INTERFACE,
    _INPUT,
    _Kind(UnionTypeDefinitionNode, UnionTypeExtensionNode, ("types",)),
    _Kind(EnumTypeDefinitionNode, EnumTypeExtensionNode, ("values",)),
    _Kind(ScalarTypeDefinitionNode, ScalarTypeExtensionNode, ()),
)
_KIND_OF: dict[type, _Kind] = {block: kind for kind in _KINDS for block in (kind.definition, kind.extension)}


def with_one_kind_per_type(definitions: Sequence[DefinitionNode]) -> tuple[DefinitionNode, ...]:
    """Convert each block (see above) to the kind of its type's first block, if possible.

    The order of the definitions does not change.
    """
    kinds: dict[str, _Kind] = {}
    found = [_of_kind(node, kinds) for node in definitions]
    extended = {node.name.value for node in found if isinstance(node, EnumTypeExtensionNode)}
    return tuple(_with_values_once(found, extended) if extended else found)


def _of_kind(node: DefinitionNode, kinds: dict[str, _Kind]) -> DefinitionNode:
    if not isinstance(node, TypeDefinitionNode | TypeExtensionNode):
        return node
    own = _KIND_OF[type(node)]
    wanted = kinds.setdefault(node.name.value, own)
    parts = None if own is wanted else _parts(node, own, wanted)
    if parts is None:
        return node
    if isinstance(node, TypeExtensionNode):
        return wanted.extension(name=node.name, directives=node.directives, loc=node.loc, **parts)
    return wanted.definition(
        name=node.name, description=node.description, directives=node.directives, loc=node.loc, **parts
    )


def _parts(
    node: TypeDefinitionNode | TypeExtensionNode, own: _Kind, wanted: _Kind
) -> dict[str, tuple[object, ...]] | None:
    """Convert the content of the block `node`, such as its fields, from the kind `own` to the kind `wanted`.

    Returns None if a block of kind `wanted` cannot have this content. For example, an object type cannot have values.
    """
    held = {key: tuple(parts) for key in own.parts if (parts := getattr(node, key, None))}
    if not held.keys() <= set(wanted.parts):
        return None
    fields = held.get("fields", ())
    if own is _INPUT:
        fields = tuple(_as_field(each) for each in fields if isinstance(each, InputValueDefinitionNode))
    elif wanted is _INPUT:
        if any(isinstance(each, FieldDefinitionNode) and each.arguments for each in fields):
            return None
        fields = tuple(_as_input(each) for each in fields if isinstance(each, FieldDefinitionNode))
    return {**held, "fields": fields} if fields else held


def _as_field(node: InputValueDefinitionNode) -> FieldDefinitionNode:
    return FieldDefinitionNode(
        name=node.name, description=node.description, type=node.type, directives=node.directives, loc=node.loc
    )


def _as_input(node: FieldDefinitionNode) -> InputValueDefinitionNode:
    return InputValueDefinitionNode(
        name=node.name, description=node.description, type=node.type, directives=node.directives, loc=node.loc
    )


def _with_values_once(definitions: Sequence[DefinitionNode], names: set[str]) -> Iterator[DefinitionNode]:
    """Yield the definitions. Remove repeated values from the enum types in `names`.

    If several blocks define the same value, only the first block keeps the value. The value gets the directives from
    all blocks.
    """
    left: dict[str, dict[str, EnumValueDefinitionNode]] = {}
    for node in definitions:
        if isinstance(node, EnumTypeDefinitionNode | EnumTypeExtensionNode) and node.name.value in names:
            values = (*left.get(node.name.value, {}).values(), *(node.values or ()))
            left[node.name.value] = {value.name.value: value for value in merged_values(values)}
    for node in definitions:
        if not isinstance(node, EnumTypeDefinitionNode | EnumTypeExtensionNode) or node.name.value not in names:
            yield node
            continue
        of_type = left[node.name.value]
        taken = {value.name.value: None for value in node.values or ()}
        yield replace(node, values=tuple(of_type.pop(name) for name in taken if name in of_type))
