"""Coerce the leaf values that subgraphs return (execution §5; GraphQL specification, "Scalars" and "Enums").

Values of built-in scalars and of enums are checked. A number that is an integer, such as 1.0, is valid for `Int` and
`ID`; for `ID` it becomes a string. Values of custom scalars are neither checked nor changed.
"""

from __future__ import annotations

from decimal import Decimal
from math import isfinite
from typing import TYPE_CHECKING

from graphql import GraphQLEnumType

if TYPE_CHECKING:
    from collections.abc import Callable

    from graphql import GraphQLScalarType

# The GraphQL specification defines Int as a signed 32-bit integer.
MAX_INT = 2**31 - 1
MIN_INT = -(2**31)
# The largest number with an exponent that is accepted as an `ID`. For example, 1e3 becomes the `ID` "1000". Without
# this limit, 1e999999 would become a string of a million digits.
_MAX_ID = 10**40


class LeafCoercionError(ValueError):
    """A value is not valid for its scalar or enum type."""


def _int(value: object) -> object:
    if isinstance(value, int) and not isinstance(value, bool) and MIN_INT <= value <= MAX_INT:
        return value
    if isinstance(value, (Decimal, float)) and MIN_INT <= value <= MAX_INT and _is_integral(value):
        return int(value)
    raise LeafCoercionError


def _is_integral(value: Decimal | float) -> bool:
    """Return whether a finite number with a fraction or an exponent, such as 1.0 or 1e3, is an integer."""
    return value == int(value)


def _float(value: object) -> object:
    if isinstance(value, (int, Decimal)) and not isinstance(value, bool):
        return value
    if isinstance(value, float) and isfinite(value):
        return value
    raise LeafCoercionError


def _string(value: object) -> object:
    if isinstance(value, str):
        return value
    raise LeafCoercionError


def _boolean(value: object) -> object:
    if isinstance(value, bool):
        return value
    raise LeafCoercionError


def _id(value: object) -> object:
    if isinstance(value, str):
        return value
    if isinstance(value, int) and not isinstance(value, bool):
        return str(value)
    if isinstance(value, (Decimal, float)) and -_MAX_ID < value < _MAX_ID and _is_integral(value):
        return str(int(value))
    raise LeafCoercionError


_BUILT_IN: dict[str, Callable[[object], object]] = {
    "Int": _int,
    "Float": _float,
    "String": _string,
    "Boolean": _boolean,
    "ID": _id,
}


def coerce_leaf(type_: GraphQLScalarType | GraphQLEnumType, value: object) -> object:
    """Return the value that the client gets for the leaf value `value` of a subgraph (execution §5).

    Raises:
        LeafCoercionError: `value` is not valid for the built-in scalar or enum `type_`.
    """
    if isinstance(type_, GraphQLEnumType):
        if isinstance(value, str) and value in type_.values:
            return value
        raise LeafCoercionError
    coerce = _BUILT_IN.get(type_.name)
    return value if coerce is None else coerce(value)
