"""Removes the literals of an operation, so that its text can be stored: `book(id: "x")` becomes `book(id: "")`.

Enum values and the names of input fields stay, because a schema check needs them. Inside the value of a custom scalar,
they are parts of this value, so they are removed too.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from graphql import (
    BooleanValueNode,
    DocumentNode,
    EnumValueNode,
    FloatValueNode,
    GraphQLEnumType,
    GraphQLInputObjectType,
    IntValueNode,
    ListValueNode,
    ObjectValueNode,
    StringValueNode,
    TypeInfo,
    TypeInfoVisitor,
    Visitor,
    get_named_type,
    print_ast,
    visit,
)

from router.get_operation import spread_names

if TYPE_CHECKING:
    from graphql import GraphQLNamedType, GraphQLSchema

    from router.get_operation import PreparedOperation


def document_of(operation: PreparedOperation) -> DocumentNode:
    """Return a document with the operation and the fragments that it uses, directly or in other fragments."""
    used: dict[str, None] = {}
    waiting = spread_names(operation.definition)
    while waiting:
        name = waiting.pop()
        if name not in used and name in operation.fragments:
            used[name] = None
            waiting += spread_names(operation.fragments[name])
    return DocumentNode(definitions=(operation.definition, *(operation.fragments[name] for name in sorted(used))))


def without_literals(schema: GraphQLSchema, document: DocumentNode) -> str:
    """Return the text of a valid document without literals. The text is valid too."""
    info = TypeInfo(schema)
    return print_ast(visit(document, TypeInfoVisitor(info, _LiteralRemoval(info))))


class _LiteralRemoval(Visitor):
    def __init__(self, info: TypeInfo) -> None:
        super().__init__()
        self._info = info

    def enter_string_value(self, _: StringValueNode, *__: Any) -> StringValueNode:
        return StringValueNode(value="")

    def enter_int_value(self, _: IntValueNode, *__: Any) -> IntValueNode:
        return IntValueNode(value="0")

    def enter_float_value(self, _: FloatValueNode, *__: Any) -> FloatValueNode:
        return FloatValueNode(value="0.0")

    def enter_boolean_value(self, _: BooleanValueNode, *__: Any) -> BooleanValueNode:
        return BooleanValueNode(value=False)

    def enter_enum_value(self, _: EnumValueNode, *__: Any) -> StringValueNode | None:
        return None if isinstance(self._type(), GraphQLEnumType) else StringValueNode(value="")

    def enter_object_value(self, _: ObjectValueNode, *__: Any) -> ObjectValueNode | None:
        return None if isinstance(self._type(), GraphQLInputObjectType) else ObjectValueNode(fields=())

    def leave_list_value(self, node: ListValueNode, *_: Any) -> ListValueNode:
        """Keep one of several items that are equal without literals, so that the list's length is not stored."""
        distinct = {print_ast(value): value for value in node.values}
        return ListValueNode(values=tuple(distinct.values()))

    def _type(self) -> GraphQLNamedType | None:
        """Return the type of the value without lists; None for an item of a list in a custom scalar."""
        return get_named_type(self._info.get_input_type())
