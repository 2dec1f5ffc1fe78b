"""Coerce the client's variables (GraphQL specification, "CoerceVariableValues"; execution §6).

The coerced values are sent to subgraphs, so they are JSON values. An enum value is a string, and a value of a custom
scalar is not changed. A variable without a value gets the default value that the client's operation declares; without
a default, the variable stays absent. An input field does not get the default value of the schema, because each subgraph
adds its own default values.

Error messages name the variable, the path in the variable and the type. They do not contain the value, because a value
may be a password.
"""

from __future__ import annotations

from decimal import Decimal
from typing import TYPE_CHECKING, Final

from graphql import (
    BooleanValueNode,
    EnumValueNode,
    FloatValueNode,
    GraphQLEnumType,
    GraphQLInputObjectType,
    GraphQLList,
    GraphQLNonNull,
    GraphQLScalarType,
    IntValueNode,
    ListValueNode,
    NullValueNode,
    ObjectValueNode,
    StringValueNode,
    is_input_type,
    is_required_input_field,
    type_from_ast,
)

from router.errors import InvalidVariables, ResponseError
from router.executor.graphql.leaf_coercion import MAX_INT, MIN_INT

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from graphql import GraphQLInputType, ValueNode, VariableDefinitionNode

    from router.get_operation import PreparedOperation

# Without this limit, a request with a long list of wrong values could make the router write millions of errors.
MAX_ERRORS: Final = 50

# Stands for a value that does not fit its type. With such a value, the whole request is refused.
_UNFIT: Final = object()


def coerce(operation: PreparedOperation, given: Mapping[str, object]) -> dict[str, object]:
    """Return the variables of `operation`, coerced from the JSON object that the client sent (execution §6).

    Raises:
        InvalidVariables: A value does not fit its type. The exception has one error for each such value, at most
            `MAX_ERRORS`.
    """
    coerced: dict[str, object] = {}
    errors: list[ResponseError] = []
    for definition in operation.definition.variable_definitions or ():
        coercion = _Coercion(definition, errors)
        name = definition.variable.name.value
        type_ = type_from_ast(operation.api_schema, definition.type)
        if not is_input_type(type_):
            coercion.refuse((), "is not of an input type")
            continue
        if name in given:
            coerced[name] = coercion.value(type_, given[name], ())
        elif definition.default_value is not None:
            coerced[name] = coercion.value(type_, json_of_literal(definition.default_value), ())
        elif isinstance(type_, GraphQLNonNull):
            coercion.refuse((), f"of the required type '{type_}' was not provided")
    if errors:
        raise InvalidVariables(errors[0].message, errors=errors[:MAX_ERRORS])
    return coerced


class _Coercion:
    """Coerces one variable. For each value that does not fit its type, an error is added to `errors`."""

    def __init__(self, definition: VariableDefinitionNode, errors: list[ResponseError]) -> None:
        self.definition = definition
        self.errors = errors

    def refuse(self, path: tuple[str | int, ...], reason: str) -> object:
        """Add an error for the value at `path` within the variable, and return `_UNFIT` instead of the value."""
        name = self.definition.variable.name.value
        place = f" at '{'.'.join(map(str, (name, *path)))}'" if path else ""
        location = self.definition.loc
        position = location.start_token if location else None
        self.errors.append(
            ResponseError(
                message=f"Variable '${name}'{place} {reason}.",
                code=InvalidVariables.code,
                locations=((position.line, position.column),) if position else (),
            )
        )
        return _UNFIT

    def value(self, type_: GraphQLInputType, value: object, path: tuple[str | int, ...]) -> object:
        if isinstance(type_, GraphQLNonNull):
            if value is None:
                return self.refuse(path, f"must not be null, its type is '{type_}'")
            return self.value(type_.of_type, value, path)
        if value is None:
            return None
        if isinstance(type_, GraphQLList):
            return self.list(type_.of_type, value, path)
        if isinstance(type_, GraphQLInputObjectType):
            return self.input_object(type_, value, path)
        return self.leaf(type_, value, path)

    def list(self, item_type: GraphQLInputType, value: object, path: tuple[str | int, ...]) -> object:
        """Coerce a list. Any other value becomes the only item of a new list (GraphQL specification, "List")."""
        if not isinstance(value, list):
            return [self.value(item_type, value, path)]
        if _stays_as_it_is(item_type, value):
            return value
        return [self.value(item_type, item, (*path, index)) for index, item in enumerate(value)]

    def leaf(self, type_: GraphQLScalarType | GraphQLEnumType, value: object, path: tuple[str | int, ...]) -> object:
        if isinstance(type_, GraphQLEnumType):
            known = isinstance(value, str) and value in type_.values
            return value if known else self.refuse(path, f"is not a value of the enum '{type_.name}'")
        fit = _BUILT_IN.get(type_.name)
        fitted = value if fit is None else fit(value)
        return self.refuse(path, f"cannot represent a value of the type '{type_.name}'") if fitted is _UNFIT else fitted

    def input_object(self, type_: GraphQLInputObjectType, value: object, path: tuple[str | int, ...]) -> object:
        """Coerce the fields of an input object (GraphQL specification, "Input Objects")."""
        if not isinstance(value, dict):
            return self.refuse(path, f"must be an object, its type is '{type_.name}'")
        for key in value:
            if key not in type_.fields:
                self.refuse(path, f"has a field '{key}' that the type '{type_.name}' does not define")
        coerced: dict[str, object] = {}
        for key, field in type_.fields.items():
            if key in value:
                coerced[key] = self.value(field.type, value[key], (*path, key))
            elif is_required_input_field(field):
                self.refuse((*path, key), f"of the required type '{field.type}' was not provided")
        if type_.is_one_of and (len(coerced) != 1 or None in coerced.values()):
            return self.refuse(path, f"must have exactly one field that is not null, its type is '{type_.name}'")
        return coerced


def _int(value: object) -> object:
    if isinstance(value, Decimal) and value.is_finite() and value == value.to_integral_value():
        value = int(value) if MIN_INT <= value <= MAX_INT else _UNFIT
    fits = isinstance(value, int) and not isinstance(value, bool) and MIN_INT <= value <= MAX_INT
    return value if fits else _UNFIT


def _float(value: object) -> object:
    return value if isinstance(value, (int, float, Decimal)) and not isinstance(value, bool) else _UNFIT


def _string(value: object) -> object:
    return value if isinstance(value, str) else _UNFIT


def _boolean(value: object) -> object:
    return value if isinstance(value, bool) else _UNFIT


def _id(value: object) -> object:
    if isinstance(value, int) and not isinstance(value, bool):
        return str(value)
    return _string(value)


_BUILT_IN: Final[dict[str, Callable[[object], object]]] = {
    "Int": _int,
    "Float": _float,
    "String": _string,
    "Boolean": _boolean,
    "ID": _id,
}


# The types of the Python values that coercion to a built-in type does not change. The values of `Int` have a range too.
_UNCHANGED: Final[dict[str, frozenset[type]]] = {
    "Float": frozenset({int, float, Decimal}),
    "String": frozenset({str}),
    "Boolean": frozenset({bool}),
    "ID": frozenset({str}),
}
_NULL: Final = frozenset({type(None)})


def _stays_as_it_is(item_type: GraphQLInputType, items: list[object]) -> bool:
    """Return whether coercion changes none of the items and refuses none. False also means that this is not known.

    This takes a small part of the time that the coercion of each item takes.
    """
    nullable = item_type.of_type if isinstance(item_type, GraphQLNonNull) else item_type
    unchanged = _UNCHANGED.get(nullable.name) if isinstance(nullable, GraphQLScalarType) else None
    if unchanged is None:
        return False
    return set(map(type, items)) <= (unchanged | _NULL if nullable is item_type else unchanged)


def json_of_literal(node: ValueNode) -> object:
    """Return the JSON value of a literal in a GraphQL document. Numbers keep all their digits."""
    match node:
        case NullValueNode():
            return None
        case IntValueNode(value=digits):
            return int(digits)
        case FloatValueNode(value=digits):
            return Decimal(digits)
        case StringValueNode(value=value) | EnumValueNode(value=value) | BooleanValueNode(value=value):
            return value
        case ListValueNode(values=values):
            return [json_of_literal(item) for item in values]
        case ObjectValueNode(fields=fields):
            return {field.name.value: json_of_literal(field.value) for field in fields}
    raise TypeError("a default value contains no variables")
