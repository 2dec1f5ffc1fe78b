"""Check whether a literal fits its type, for arguments in field sets and in directives of the supergraph.

GraphQL validation does not check these literals.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from graphql import GRAPHQL_MAX_INT, GRAPHQL_MIN_INT
from graphql.language import (
    BooleanValueNode,
    EnumValueNode,
    FloatValueNode,
    IntValueNode,
    ListValueNode,
    NullValueNode,
    ObjectValueNode,
    StringValueNode,
    VariableNode,
)

from router.composition.model import Kind
from router.composition.type_refs import ListOf, NonNull, base_name

if TYPE_CHECKING:
    from graphql.language import ValueNode

    from router.composition.model import Schema
    from router.composition.type_refs import TypeRef

# The number of characters of the longest Int, including its sign. A literal with more characters is not a valid Int. It
# is not converted to a Python number, because Python raises an error for literals with thousands of digits.
_INT_DIGITS = len(str(GRAPHQL_MIN_INT))
_BUILT_IN: dict[str, tuple[type, ...]] = {
    "Int": (IntValueNode,),
    "Float": (IntValueNode, FloatValueNode),
    "String": (StringValueNode,),
    "Boolean": (BooleanValueNode,),
    "ID": (StringValueNode, IntValueNode),
}


def fits_type(schema: Schema, value: ValueNode, ref: TypeRef) -> bool:
    """Return whether the literal is a valid value of the type.

    As in Apollo's composition, an input object may lack required fields.
    """
    match value, ref:
        case VariableNode(), _:
            return False
        case _, NonNull():
            return not isinstance(value, NullValueNode) and fits_type(schema, value, ref.of)
        case NullValueNode(), _:
            return True
        case ListValueNode(), ListOf():
            return all(fits_type(schema, item, ref.of) for item in value.values)
        case _, ListOf():
            return fits_type(schema, value, ref.of)
        case _:
            return _fits_named(schema, value, base_name(ref))


def _fits_named(schema: Schema, value: ValueNode, name: str) -> bool:
    definition = schema.types.get(name)
    if definition is None:
        if isinstance(value, IntValueNode) and name == "Int":
            return len(value.value) <= _INT_DIGITS and GRAPHQL_MIN_INT <= int(value.value) <= GRAPHQL_MAX_INT
        return isinstance(value, _BUILT_IN.get(name, ()))
    if definition.kind is Kind.ENUM:
        return isinstance(value, EnumValueNode | StringValueNode) and value.value in definition.values
    if definition.kind is Kind.INPUT:
        return isinstance(value, ObjectValueNode) and all(
            item.name.value in definition.inputs
            and fits_type(schema, item.value, definition.inputs[item.name.value].type)
            for item in value.fields
        )
    return True
