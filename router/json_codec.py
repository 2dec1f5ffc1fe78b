"""JSON in and out without loss: a number a custom scalar carries leaves the router as it came.

Integers keep any size, other numbers are `decimal.Decimal` (a float would turn 0.1000000000000000055 into 0.1).
"""

from __future__ import annotations

from decimal import Decimal

import msgspec

_decoder = msgspec.json.Decoder(float_hook=Decimal)
_encoder = msgspec.json.Encoder(decimal_format="number")
_canonical_encoder = msgspec.json.Encoder(decimal_format="number", order="sorted")


def decode(data: bytes) -> object:
    """Decode UTF-8 JSON; raises `ValueError` when it is none, or is one that nothing can hold.

    The latter are a number whose exponent is out of any range (`ArithmeticError`) and nesting deeper than the
    interpreter's stack (`RecursionError`): both are hostile input, not a fault of ours.
    """
    try:
        return _decoder.decode(data)
    except (msgspec.DecodeError, ArithmeticError, RecursionError) as error:
        raise ValueError(str(error)) from error


def encode(value: object) -> bytes:
    """Encode a JSON value, `Decimal` as a number."""
    return _encoder.encode(value)


def canonical(value: object) -> bytes:
    """The same bytes for equal JSON values, whatever the order of their keys."""
    return _canonical_encoder.encode(value)
