"""The formats of the bank's values: ids, amounts, currencies and times.

Every service checks values against these formats.
"""

from __future__ import annotations

import os
import re
import time
from datetime import UTC, datetime
from decimal import Decimal
from itertools import count
from typing import Final

import uuid_utils
from iso4217 import Currency

_OBJECT_ID = re.compile(r"[0-9a-f]{24}")
_USER_ID = re.compile(r"[0-9a-f]{8}-[0-9a-f]{4}-7[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}")
_ACCOUNT_NUMBER = re.compile(r"[0-9]{10}")
# The pattern of an amount: plain decimal notation without sign, leading zeros or exponent, in ASCII digits.
_AMOUNT = re.compile(r"(0|[1-9][0-9]*)(\.[0-9]+)?")
# RFC 3339 allows more times than a `datetime` can store: the year 0000, leap seconds, and times whose offset moves them
# before the year 1 or after the year 9999. The pattern excludes these times.
TIMESTAMP_PATTERN: Final = (
    r"^(?!0000|0001-01-01|9999-12-31.*-[0-9]{2}:)[0-9]{4}-[0-9]{2}-[0-9]{2}"
    r"[Tt]([01][0-9]|2[0-3]):[0-5][0-9]:[0-5][0-9](\.[0-9]{1,9})?"
    r"([Zz]|[+-]([01][0-9]|2[0-3]):[0-5][0-9])$"
)
_TIMESTAMP = re.compile(TIMESTAMP_PATTERN)

# Unicode's categories Cc, Cf, Zl and Zp: control characters, and characters that hide text or change its direction.
_NOT_IN_A_LINE: Final = (
    r"\x00-\x1f\x7f-\x9f\u00ad\u0600-\u0605\u061c\u06dd\u070f\u0890\u0891\u08e2\u180e\u200b-\u200f\u2028-\u202e"
    r"\u2060-\u206f\ufeff\ufff9-\ufffb"
    # Python and ECMA 262 have different escape sequences for characters above U+FFFF. So these characters are written
    # without an escape sequence.
    "\U000110bd\U000110cd\U00013430-\U0001343f\U0001bca0-\U0001bca3\U0001d173-\U0001d17a\U000e0001\U000e0020-\U000e007f"
)
_SPACES: Final = r" \u00a0\u1680\u2000-\u200a\u202f\u205f\u3000"
# The characters that `str.strip` removes.
_EDGES: Final = rf"{_SPACES}\t-\r\x1c-\x1f\x85\u2028\u2029"
# A line of text with at least one visible character, in the syntax of both Python and ECMA 262 (flag `u`).
LINE_PATTERN: Final = (
    rf"^[{_EDGES}]*[^{_NOT_IN_A_LINE}{_SPACES}]([^{_NOT_IN_A_LINE}]*[^{_NOT_IN_A_LINE}{_SPACES}])?[{_EDGES}]*$"
)
_LINE = re.compile(LINE_PATTERN)

# The largest number of digits before the point. An amount has up to 4 more digits after it. So any sum of amounts fits
# into the 34 digits of Decimal128.
MAX_INTEGER_DIGITS: Final = 15

# The minimum of OWASP ASVS 6.2.1. The same rule recommends 15 characters, but clients of the REST routes use shorter
# passwords today.
MIN_PASSWORD_LENGTH: Final = 8

# Maps a currency code to its number of decimals in ISO 4217. Precious metals, test codes and units of account have no
# number of decimals in ISO 4217, so they are not included.
EXPONENTS: Final[dict[str, int]] = {c.code: c.exponent for c in Currency if c.exponent is not None}
# Maps a number of decimals to the smallest amount with these decimals.
_UNITS: Final = {decimals: Decimal(1).scaleb(-decimals) for decimals in EXPONENTS.values()}


class InvalidValue(ValueError):
    """The text does not have the required format; `str(error)` is safe for clients and never repeats the input."""


class _ObjectIds:
    """Generates ids in MongoDB's layout.

    An id has the time in seconds (4 bytes), a random number of the process (5 bytes), and a counter (3 bytes).
    """

    def __init__(self) -> None:
        self._process = os.urandom(5)
        # The counter needs no lock, because `next` of `itertools.count` is atomic.
        self._counter = count(int.from_bytes(os.urandom(3)))
        os.register_at_fork(after_in_child=self._become_another_process)

    def _become_another_process(self) -> None:
        self._process = os.urandom(5)

    def next(self) -> str:
        counter = next(self._counter) % 0x1000000
        return (int(time.time()).to_bytes(4) + self._process + counter.to_bytes(3)).hex()


_object_ids = _ObjectIds()


def new_object_id() -> str:
    """Return a new id of an account or transaction: 24 hex digits. A later id is greater."""
    return _object_ids.next()


def is_object_id(text: str) -> bool:
    return _OBJECT_ID.fullmatch(text) is not None


def new_user_id() -> str:
    """Return a new user id: the text of a UUIDv7."""
    return str(uuid_utils.uuid7())


def is_user_id(text: str) -> bool:
    return _USER_ID.fullmatch(text) is not None


def is_account_number_shaped(text: str) -> bool:
    """Whether `text` has 10 digits. Only the account service verifies the check digit."""
    return _ACCOUNT_NUMBER.fullmatch(text) is not None


def is_line(text: str) -> bool:
    """Whether `text` is one line with at least one visible character. White space at its start and end is ignored.

    The result is False if `text` contains half of a surrogate pair. Such a string can come from an escape sequence in
    JSON.
    """
    return _LINE.fullmatch(text) is not None and not any("\ud800" <= character <= "\udfff" for character in text)


def exponent(currency: str) -> int:
    """Return how many decimals an amount in `currency` has.

    Raises:
        InvalidValue: the code is not an upper-case ISO 4217 code of a currency with a minor unit.
    """
    try:
        return EXPONENTS[currency]
    except KeyError:
        raise InvalidValue("not an ISO 4217 currency code") from None


def parse_amount(text: str) -> Decimal:
    """Return the positive amount in `text`. The number of its decimals is kept: `"100.00"` has two.

    Raises:
        InvalidValue: the text has a sign, an exponent, underscores or too many digits, or is NaN or zero.
    """
    match = _AMOUNT.fullmatch(text)
    if match is None:
        raise InvalidValue("not a decimal amount such as 100.00")
    if len(match[1]) > MAX_INTEGER_DIGITS or len(match[2] or "") > 5:  # noqa: PLR2004 - ISO 4217 has at most 4 decimals
        raise InvalidValue("too many digits")
    amount = Decimal(text)
    if amount == 0:
        raise InvalidValue("must be greater than zero")
    return amount


def check_precision(amount: Decimal, currency: str) -> Decimal:
    """Return `amount` if it has exactly as many decimals as `currency`.

    Raises:
        InvalidValue: the amount has too few or too many decimals, or the currency is unknown.
    """
    decimals = exponent(currency)
    if -_exponent_of(amount) != decimals:
        raise InvalidValue(f"an amount in {currency} has exactly {decimals} decimals")
    return amount


def format_amount(amount: Decimal, currency: str) -> str:
    """Return the text of `amount` with exactly as many decimals as `currency` has. The amount is never rounded.

    Raises:
        InvalidValue: the amount has more decimals than the currency.
    """
    decimals = exponent(currency)
    quantised = amount.quantize(_UNITS[decimals])
    if quantised != amount:
        raise InvalidValue(f"an amount in {currency} has exactly {decimals} decimals")
    return f"{quantised:f}"


def _exponent_of(amount: Decimal) -> int:
    power = amount.as_tuple().exponent
    if not isinstance(power, int):
        raise InvalidValue("not a finite amount")
    return power


def to_minor_units(amount: Decimal, currency: str) -> int:
    """Return the amount in minor units: `Decimal("1.05")` USD is 105.

    Raises:
        InvalidValue: the amount has more decimals than the currency.
    """
    scaled = amount.scaleb(exponent(currency))
    if scaled != scaled.to_integral_value():
        raise InvalidValue(f"an amount in {currency} has exactly {exponent(currency)} decimals")
    return int(scaled)


def from_minor_units(units: int, currency: str) -> Decimal:
    """Return the amount for a number of minor units: 105 USD is `Decimal("1.05")`."""
    return Decimal(units).scaleb(-exponent(currency))


def now() -> datetime:
    """Return the current time in UTC, truncated to milliseconds as in the API."""
    return truncate_to_milliseconds(datetime.now(UTC))


def truncate_to_milliseconds(moment: datetime) -> datetime:
    return moment.replace(microsecond=moment.microsecond // 1000 * 1000)


def format_timestamp(moment: datetime) -> str:
    """Return a time as RFC 3339 text, in UTC with milliseconds and `Z`."""
    return moment.astimezone(UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")


def parse_timestamp(text: str) -> datetime:
    """Parse an RFC 3339 text with any offset. Return the time in UTC, truncated to milliseconds.

    Raises:
        InvalidValue: the text is not in this format, or the time does not exist.
    """
    if not _TIMESTAMP.fullmatch(text):
        raise InvalidValue("not an RFC 3339 time such as 2026-01-31T09:30:00Z")
    try:
        return truncate_to_milliseconds(datetime.fromisoformat(text.upper()).astimezone(UTC))
    except ValueError:
        raise InvalidValue("not an existing time") from None
