"""The bank's scalars: amounts, currencies, times and metadata, with strict input (bank §1.1).

Strawberry's own `Decimal` and `DateTime` are not used, because they accept floats, exponents and times without an
offset, and write `+00:00` instead of `Z`. `SCALAR_MAP` binds the scalars to the plain Python types (`Decimal`,
`datetime`).
"""

from __future__ import annotations

from datetime import datetime
from decimal import Decimal
from typing import TYPE_CHECKING, Any, Final, NewType

import strawberry
from graphql import GraphQLError, ObjectValueNode, ValueNode, VariableNode, value_from_ast_untyped

from bank import values

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from strawberry.types.scalar import ScalarDefinition

Currency = NewType("Currency", str)
Metadata = NewType("Metadata", dict[str, str])

MAX_METADATA_ENTRIES: Final = 20
MAX_METADATA_BYTES: Final = 2048


def _refusal(scalar: str, problem: str) -> GraphQLError:
    return GraphQLError(f"{scalar}: {problem}", extensions={"code": "BAD_USER_INPUT"})


def _from_text(scalar: str, parse: Callable[[str], Any]) -> Callable[[object], Any]:
    """Return a parser that accepts only strings. It reports an invalid value as an error of the client."""

    def parse_value(value: object) -> Any:
        if not isinstance(value, str):
            raise _refusal(scalar, "must be a string")
        try:
            return parse(value)
        except values.InvalidValue as error:
            raise _refusal(scalar, str(error)) from None

    return parse_value


def _parse_currency(text: str) -> Currency:
    values.exponent(text)
    return Currency(text)


def _parse_metadata(value: object) -> Metadata:
    if not isinstance(value, dict) or not all(isinstance(entry, str) for entry in value.values()):
        raise _refusal("Metadata", "must be an object of string values")
    if len(value) > MAX_METADATA_ENTRIES:
        raise _refusal("Metadata", f"at most {MAX_METADATA_ENTRIES} entries")
    if sum(len(key.encode()) + len(entry.encode()) for key, entry in value.items()) > MAX_METADATA_BYTES:
        raise _refusal("Metadata", f"at most {MAX_METADATA_BYTES} bytes together")
    return Metadata(value)


def _parse_metadata_literal(node: ValueNode, variables: Mapping[str, Any] | None = None) -> Metadata:
    if variables is None and isinstance(node, ObjectValueNode):
        # Validation parses literals before the values of variables are known. So entries that contain variables are
        # checked only at the execution.
        known = tuple(entry for entry in node.fields if not isinstance(entry.value, VariableNode))
        node = ObjectValueNode(fields=known)
    return _parse_metadata(value_from_ast_untyped(node, None if variables is None else dict(variables)))


DECIMAL: Final = strawberry.scalar(
    name="Decimal",
    description="An amount as a decimal string with exactly the decimals of its currency, such as `100.00`.",
    serialize=lambda value: f"{value:f}",
    parse_value=_from_text("Decimal", values.parse_amount),
)
CURRENCY: Final = strawberry.scalar(
    name="Currency",
    description="An alphabetic currency code of ISO 4217 in upper case, such as `EUR`.",
    specified_by_url="https://www.iso.org/iso-4217-currency-codes.html",
    serialize=str,
    parse_value=_from_text("Currency", _parse_currency),
)
DATE_TIME: Final = strawberry.scalar(
    name="DateTime",
    description="A time in UTC with milliseconds (RFC 3339), such as `2026-01-31T09:30:00.000Z`.",
    specified_by_url="https://www.rfc-editor.org/rfc/rfc3339",
    serialize=values.format_timestamp,
    parse_value=_from_text("DateTime", values.parse_timestamp),
)
METADATA: Final = strawberry.scalar(
    name="Metadata",
    description="An object of at most 20 string values, 2 KB together; stored and returned unchanged.",
    serialize=dict,
    parse_value=_parse_metadata,
    parse_literal=_parse_metadata_literal,
)

SCALAR_MAP: Final[Mapping[object, ScalarDefinition]] = {
    Decimal: DECIMAL,
    Currency: CURRENCY,
    datetime: DATE_TIME,
    Metadata: METADATA,
}
