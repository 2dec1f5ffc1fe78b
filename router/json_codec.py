"""Encode and decode JSON without loss: clients get the numbers of custom scalars exactly as subgraphs sent them.

Integers can have any size. Other numbers become `decimal.Decimal`: a float would turn 0.1000000000000000055 into 0.1.
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
        ValueError: `data` is not JSON, is nested too deeply, or has a number with an exponent that `Decimal` rejects.
    """
    try:
        return _decoder.decode(data)
    except (msgspec.DecodeError, ArithmeticError, RecursionError) as error:
        raise ValueError(str(error)) from error


def encode(value: object) -> bytes:
    """Encode a JSON value; a `Decimal` becomes a number."""
    return _encoder.encode(value)


def canonical(value: object) -> bytes:
    """Encode a JSON value with sorted keys, so that equal values have equal bytes."""
    return _canonical_encoder.encode(value)
