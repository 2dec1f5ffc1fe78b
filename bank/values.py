"""The bank's values on the wire: ids, money, currencies, time (one spelling each, checked at every edge)."""

from __future__ import annotations

import os
import re
import threading
import time
from datetime import UTC, datetime
from decimal import Decimal
from typing import Final

import uuid_utils
from iso4217 import Currency

_OBJECT_ID = re.compile(r"[0-9a-f]{24}")
_USER_ID = re.compile(r"[0-9a-f]{8}-[0-9a-f]{4}-7[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}")
_ACCOUNT_NUMBER = re.compile(r"[0-9]{10}")
# Plain decimal notation, no sign, no leading zeros, no exponent, ASCII digits.
_AMOUNT = re.compile(r"(0|[1-9][0-9]*)(\.[0-9]+)?")
_TIMESTAMP = re.compile(r"\d{4}-\d\d-\d\d[Tt]([01]\d|2[0-3]):\d\d:\d\d(\.\d{1,9})?([Zz]|[+-]\d\d:\d\d)", re.ASCII)

# 15 digits before the point and 4 after it fit Decimal128's 34 digits with room for any sum of them.
MAX_INTEGER_DIGITS: Final = 15

# Code -> exponent of ISO 4217's list; precious metals, test codes and units of account have none and are left out.
EXPONENTS: Final[dict[str, int]] = {c.code: c.exponent for c in Currency if c.exponent is not None}


class InvalidValue(ValueError):
    """The text is not a value of its kind; `str(error)` is safe for clients and never repeats the input."""


class _ObjectIds:
    """Makes ids in the layout of MongoDB's ObjectId: 4 bytes of seconds, 5 random ones per process, 3 of a counter."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._process = os.urandom(5)
        self._pid = os.getpid()
        self._counter = int.from_bytes(os.urandom(3))

    def next(self) -> str:
        with self._lock:
            if self._pid != os.getpid():
                self._process, self._pid = os.urandom(5), os.getpid()
            self._counter = (self._counter + 1) % 0x1000000
            counter = self._counter
        return (int(time.time()).to_bytes(4) + self._process + counter.to_bytes(3)).hex()


_object_ids = _ObjectIds()


def new_object_id() -> str:
    """A fresh account or transaction id: 24 hex digits, ascending by time of creation."""
    return _object_ids.next()


def is_object_id(text: str) -> bool:
    return _OBJECT_ID.fullmatch(text) is not None


def new_user_id() -> str:
    """A fresh user id: the text of a UUIDv7."""
    return str(uuid_utils.uuid7())


def is_user_id(text: str) -> bool:
    return _USER_ID.fullmatch(text) is not None


def is_account_number_shaped(text: str) -> bool:
    """Whether `text` is 10 digits; the check digit is judged by the account service."""
    return _ACCOUNT_NUMBER.fullmatch(text) is not None


def exponent(currency: str) -> int:
    """How many decimals amounts of `currency` have.

    Raises:
        InvalidValue: not an upper-case ISO 4217 code of a currency with a minor unit.
    """
    try:
        return EXPONENTS[currency]
    except KeyError:
        raise InvalidValue("not an ISO 4217 currency code") from None


def parse_amount(text: str) -> Decimal:
    """A positive amount in plain decimal notation, its number of decimals kept (`"100.00"` has two).

    Raises:
        InvalidValue: sign, exponent, NaN, underscores, too many digits, zero.
    """
    match = _AMOUNT.fullmatch(text)
    if match is None:
        raise InvalidValue("not a decimal amount such as 100.00")
    if len(match[1]) > MAX_INTEGER_DIGITS or len(match[2] or "") > 5:  # noqa: PLR2004 - ISO 4217 knows at most 4 decimals
        raise InvalidValue("too many digits")
    amount = Decimal(text)
    if amount == 0:
        raise InvalidValue("must be more than zero")
    return amount


def check_precision(amount: Decimal, currency: str) -> Decimal:
    """`amount`, when it has exactly as many decimals as `currency`.

    Raises:
        InvalidValue: too few or too many decimals, or an unknown currency.
    """
    decimals = exponent(currency)
    if -_exponent_of(amount) != decimals:
        raise InvalidValue(f"an amount in {currency} has exactly {decimals} decimals")
    return amount


def format_amount(amount: Decimal, currency: str) -> str:
    """`amount` with exactly the currency's decimals; amounts are exact, so nothing is ever rounded here.

    Raises:
        InvalidValue: the amount has more decimals than the currency.
    """
    decimals = exponent(currency)
    quantised = amount.quantize(Decimal(1).scaleb(-decimals))
    if quantised != amount:
        raise InvalidValue(f"an amount in {currency} has exactly {decimals} decimals")
    return f"{quantised:f}"


def _exponent_of(amount: Decimal) -> int:
    power = amount.as_tuple().exponent
    if not isinstance(power, int):
        raise InvalidValue("not a finite amount")
    return power


def to_minor_units(amount: Decimal, currency: str) -> int:
    """`Decimal("1.05")` USD -> 105. Raises InvalidValue when the amount has more decimals than the currency."""
    scaled = amount.scaleb(exponent(currency))
    if scaled != scaled.to_integral_value():
        raise InvalidValue(f"an amount in {currency} has exactly {exponent(currency)} decimals")
    return int(scaled)


def from_minor_units(units: int, currency: str) -> Decimal:
    """105 USD -> `Decimal("1.05")`."""
    return Decimal(units).scaleb(-exponent(currency))


def now() -> datetime:
    """The present in UTC, cut to the milliseconds that the wire carries."""
    return cut_to_milliseconds(datetime.now(UTC))


def cut_to_milliseconds(moment: datetime) -> datetime:
    return moment.replace(microsecond=moment.microsecond // 1000 * 1000)


def format_timestamp(moment: datetime) -> str:
    """RFC 3339 in UTC with milliseconds and `Z`."""
    return moment.astimezone(UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")


def parse_timestamp(text: str) -> datetime:
    """An RFC 3339 time with any offset, as UTC, cut to milliseconds.

    Raises:
        InvalidValue: another form, or no such time.
    """
    if not _TIMESTAMP.fullmatch(text):
        raise InvalidValue("not an RFC 3339 time such as 2026-01-31T09:30:00Z")
    try:
        return cut_to_milliseconds(datetime.fromisoformat(text.upper()).astimezone(UTC))
    except (ValueError, OverflowError):
        raise InvalidValue("no such time") from None
