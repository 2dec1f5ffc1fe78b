"""Encoding and decoding JSON without loss: the router passes on numbers of custom scalars exactly as it got them.

Integers have any size, other numbers are `decimal.Decimal` (a float would turn 0.1000000000000000055 into 0.1).
"""

from __future__ import annotations

from decimal import Decimal

import msgspec

_decoder = msgspec.json.Decoder(float_hook=Decimal)
_encoder = msgspec.json.Encoder(decimal_format="number")
_canonical_encoder = msgspec.json.Encoder(decimal_format="number", order="sorted")


def decode(data: bytes) -> object:
    """Decode UTF-8 JSON.

    Raises:
        ValueError: `data` is not JSON, or holds a number or a nesting beyond every bound.
    """
    try:
        return _decoder.decode(data)
    except (msgspec.DecodeError, ArithmeticError, RecursionError) as error:  # the latter two: exponent, nesting
        raise ValueError(str(error)) from error


def encode(value: object) -> bytes:
    """Encode a JSON value, `Decimal` as a number."""
    return _encoder.encode(value)


def canonical(value: object) -> bytes:
    """Encode a JSON value with sorted keys: equal values give equal bytes."""
    return _canonical_encoder.encode(value)
