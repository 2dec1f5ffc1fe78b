"""The scalar types of inputs. Each type has a strict conversion and a JSON Schema.

The conversion and the schema must agree: the conversion refuses a value if and only if the schema refuses the value.
Fuzz tests with the OpenAPI document check this.
"""

from __future__ import annotations

import re
from collections import defaultdict
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from typing import Any, Final

from bank import values

JsonSchema = Mapping[str, Any]

DEFAULT_LIMIT: Final = 20
MAX_LIMIT: Final = 100
MAX_METADATA_ENTRIES: Final = 20
MAX_METADATA_BYTES: Final = 2048
# The largest number of digits of an amount in minor units. The transaction service stores such an amount in 64 bits.
MAX_STORED_DIGITS: Final = 18
# The largest number of decimals in ISO 4217.
MAX_DECIMALS: Final = max(values.EXPONENTS.values())


class InvalidInput(ValueError):
    """An input is not a valid value of its scalar type.

    The message may be shown to clients and never repeats the input.

    Attributes:
        code: the reason, in upper snake case.
        within: the path to the invalid value if the input is an object: `("note",)` for an entry of metadata.
    """

    def __init__(self, code: str, message: str, within: tuple[str, ...] = ()) -> None:
        super().__init__(message)
        self.code = code
        self.message = message
        self.within = within


@dataclass(frozen=True, slots=True)
class Scalar:
    """A scalar type: its conversion and its JSON Schema.

    Attributes:
        parse: a function that converts a JSON value or the text in a query string, or raises InvalidInput.
    """

    parse: Callable[[object], Any]
    schema: JsonSchema
    example: Any


def _string(value: object) -> str:
    if not isinstance(value, str):
        raise InvalidInput("TYPE", "must be a string")
    return value


def _check_length(given: str, min_length: int, max_length: int) -> None:
    if len(given) < min_length:
        raise InvalidInput(*(("TOO_SHORT", f"at least {min_length} characters") if given else ("REQUIRED", "is empty")))
    if len(given) > max_length:
        raise InvalidInput("TOO_LONG", f"at most {max_length} characters")


def text(
    *, min_length: int = 1, max_length: int, pattern: str | None = None, format_: str | None = None, example: str
) -> Scalar:
    """Return a text scalar of `min_length` to `max_length` characters.

    `pattern` must match the whole text, in both Python and ECMA 262.
    """
    compiled = re.compile(pattern) if pattern else None

    def parse(value: object) -> str:
        given = _string(value)
        _check_length(given, min_length, max_length)
        if compiled and not compiled.fullmatch(given):
            raise InvalidInput("INVALID_FORMAT", "is not well-formed")
        return given

    schema: dict[str, Any] = {"type": "string", "minLength": min_length, "maxLength": max_length}
    schema |= {"pattern": pattern} if pattern else {}
    schema |= {"format": format_} if format_ else {}
    return Scalar(parse, schema, example)


def line(*, max_length: int, example: str) -> Scalar:
    """Return a scalar for one line of printable text with at least one visible character.

    White space at the start and the end is accepted. The services remove it.
    """

    def parse(value: object) -> str:
        given = _string(value)
        _check_length(given if given.strip() else "", 1, max_length)
        if not values.is_line(given):
            raise InvalidInput("INVALID_FORMAT", "must be printable text")
        return given

    return Scalar(
        parse, {"type": "string", "minLength": 1, "maxLength": max_length, "pattern": values.LINE_PATTERN}, example
    )


def choice(*allowed: str) -> Scalar:
    """Return a scalar whose value is one of these words."""

    def parse(value: object) -> str:
        given = _string(value)
        if given not in allowed:
            raise InvalidInput("NOT_ALLOWED", f"must be one of {', '.join(allowed)}")
        return given

    return Scalar(parse, {"type": "string", "enum": list(allowed)}, allowed[0])


def explained_choice(allowed: Mapping[str, str]) -> Scalar:
    """Return a scalar whose value is one of the keys. The documentation has the explanation of each."""
    schema = {"oneOf": [{"type": "string", "const": word, "description": why} for word, why in allowed.items()]}
    return replace(choice(*allowed), schema=schema)


def _checked(accepts: Callable[[str], bool], problem: str) -> Callable[[object], str]:
    def parse(value: object) -> str:
        given = _string(value)
        if not accepts(given):
            raise InvalidInput("INVALID_FORMAT", problem)
        return given

    return parse


def _as_sent(parse: Callable[[str], object], code: str) -> Callable[[object], str]:
    """Return a function that checks the text with `parse` and returns it unchanged.

    The text is not converted here, because the GraphQL scalar has the same text format, and the service parses it.
    """

    def check(value: object) -> str:
        given = _string(value)
        try:
            parse(given)
        except values.InvalidValue as error:
            raise InvalidInput(code, str(error)) from None
        return given

    return check


def amount_pattern(decimals: int | None = None) -> str:
    """Return the pattern of positive amounts with exactly `decimals` decimals.

    If `decimals` is None, the pattern allows any number of decimals up to the largest number in ISO 4217. If `decimals`
    is given, the bank can store every amount that matches the pattern.
    """
    whole = f"[1-9][0-9]{{0,{min(values.MAX_INTEGER_DIGITS, MAX_STORED_DIGITS - (decimals or 0)) - 1}}}"
    if decimals == 0:
        return f"^{whole}$"
    low, high = (1, MAX_DECIMALS) if decimals is None else (decimals, decimals)
    fractions = "|".join(
        f"0{{{zeros}}}[1-9][0-9]{{{max(0, low - zeros - 1)},{high - zeros - 1}}}" for zeros in range(high)
    )
    optional = "?" if decimals is None else ""
    return rf"^({whole}(\.[0-9]{{{low},{high}}}){optional}|0\.({fractions}))$"


def _parse_amount(given: str) -> None:
    amount = values.parse_amount(given)
    if -int(amount.as_tuple().exponent) > MAX_DECIMALS:
        raise values.InvalidValue(f"at most {MAX_DECIMALS} decimals")


def _limit(value: object) -> int:
    given = _string(value)
    # As in JSON, leading zeros are not allowed. Numbers with more than nine digits are out of range. They are refused
    # before the conversion, because int() is slow for very long texts.
    if not re.fullmatch(r"0|-?[1-9][0-9]{0,8}", given):
        raise InvalidInput("TYPE", "must be a whole number")
    if not 1 <= int(given) <= MAX_LIMIT:
        raise InvalidInput("OUT_OF_RANGE", f"must be between 1 and {MAX_LIMIT}")
    return int(given)


def _metadata(value: object) -> dict[str, str]:
    if not isinstance(value, dict):
        raise InvalidInput("TYPE", "must be an object")
    for key, entry in value.items():
        if not isinstance(entry, str):
            raise InvalidInput("TYPE", "must be a string", within=(key,))
    if len(value) > MAX_METADATA_ENTRIES:
        raise InvalidInput("TOO_MANY", f"at most {MAX_METADATA_ENTRIES} entries")
    if sum(len(key.encode()) + len(entry.encode()) for key, entry in value.items()) > MAX_METADATA_BYTES:
        raise InvalidInput("TOO_LONG", f"at most {MAX_METADATA_BYTES} bytes together")
    return value


def currencies_by_decimals() -> dict[int, list[str]]:
    """Return a mapping: number of decimals → codes of the currencies that have it, for example `0` → `["BIF", ...]`.

    Numbers and codes are in ascending order.
    """
    groups: defaultdict[int, list[str]] = defaultdict(list)
    for code, decimals in sorted(values.EXPONENTS.items()):
        groups[decimals].append(code)
    return dict(sorted(groups.items()))


OBJECT_ID: Final = Scalar(
    _checked(values.is_object_id, "must be 24 hexadecimal digits, lower case"),
    {"type": "string", "pattern": "^[0-9a-f]{24}$"},
    "6560d1b2c3d4e5f601234567",
)
# A second example, for bodies with two ids. Otherwise, an example would name the same account twice.
OTHER_OBJECT_ID: Final = replace(OBJECT_ID, example="6560d1b2c3d4e5f601234568")
ACCOUNT_NUMBER: Final = Scalar(
    _checked(values.is_account_number_shaped, "must be 10 digits"),
    {"type": "string", "pattern": "^[0-9]{10}$"},
    "1234567896",
)
AMOUNT: Final = Scalar(
    _as_sent(_parse_amount, "INVALID_AMOUNT"),
    {"type": "string", "pattern": amount_pattern()},
    "100.00",
)
CURRENCY: Final = Scalar(
    _as_sent(values.exponent, "INVALID_CURRENCY"),
    {"type": "string", "enum": sorted(values.EXPONENTS)},
    "EUR",
)
TIMESTAMP: Final = Scalar(
    _as_sent(values.parse_timestamp, "INVALID_FORMAT"),
    {"type": "string", "format": "date-time", "pattern": values.TIMESTAMP_PATTERN},
    "2026-01-31T09:30:00.000Z",
)
METADATA: Final = Scalar(
    _metadata,
    {
        "type": "object",
        "maxProperties": MAX_METADATA_ENTRIES,
        "additionalProperties": {"type": "string"},
        "description": f"At most {MAX_METADATA_ENTRIES} string values, {MAX_METADATA_BYTES} bytes together.",
    },
    {"invoice": "2026-0042"},
)
LIMIT: Final = Scalar(
    _limit,
    {"type": "integer", "minimum": 1, "maximum": MAX_LIMIT, "default": DEFAULT_LIMIT},
    DEFAULT_LIMIT,
)
# A cursor is a signature of 22 characters and a sort key. Only the services can check whether the signature is right.
CURSOR: Final = text(
    min_length=40,
    max_length=512,
    pattern="^[A-Za-z0-9_-]+$",
    example="Zk3v9QmTn0x7Yh2sR8dLqVsiMTc5NTkzOTg3NTAwMCIsIjY1NjBkMWIyYzNkNGU1ZjYwMTIzNDU2NyJd",
)
# The pattern of e-mail addresses: ASCII characters without quoting. RFC 5321 limits the local part to 64 characters,
# and RFC 1035 limits each label of the domain to 63. This pattern is stricter: a local part or a label with many dots
# or hyphens may have at most 32 other characters. With an exact pattern, generators of test data would take minutes.
# GraphQL clients can send addresses that do not match this pattern; the auth service checks them.
_ATOM: Final = "[A-Za-z0-9_+-]"
_LOCAL: Final = (
    rf"({_ATOM}{{1,64}}|{_ATOM}{{1,31}}\.{_ATOM}{{1,32}}|{_ATOM}{{1,20}}(\.{_ATOM}{{1,20}}){{2}}"
    rf"|{_ATOM}(\.?{_ATOM}){{0,31}})"
)
_LABEL: Final = "[A-Za-z0-9](-?[A-Za-z0-9]){0,31}"
EMAIL: Final = text(
    min_length=6,
    max_length=254,
    pattern=rf"^{_LOCAL}@({_LABEL}\.)+[A-Za-z]{{2,63}}$",
    format_="email",
    example="ada@example.org",
)
PASSWORD: Final = text(max_length=256, format_="password", example="correct horse battery staple")
NAME: Final = line(max_length=100, example="Ada Lovelace")
PAYEE: Final = line(max_length=140, example="City Water Works")
PAYMENT_INSTRUMENT: Final = text(max_length=69, pattern=r"^[a-z]{1,8}_[A-Za-z0-9_]{1,60}$", example="pi_approve")
OPAQUE_TOKEN: Final = text(max_length=1024, format_="password", example="b3BhcXVl")
# The pattern of idempotency keys (bank §2.5): 1 to 255 visible ASCII characters.
IDEMPOTENCY_KEY: Final = text(max_length=255, pattern=r"^[\x21-\x7e]+$", example="7f0c9d1e-transfer-42")
