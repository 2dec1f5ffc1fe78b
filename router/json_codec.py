"""Encode and decode JSON so that numbers keep all their digits.

So clients get the numbers of custom scalars as subgraphs sent them. Integers can have any size. Other numbers become
`decimal.Decimal`, because a Python float would change 0.1000000000000000055 to 0.1.
"""

from __future__ import annotations

from decimal import Decimal

import msgspec

_decoder = msgspec.json.Decoder(float_hook=Decimal)
_encoder = msgspec.json.Encoder(decimal_format="number")
_canonical_encoder = msgspec.json.Encoder(decimal_format="number", order="sorted")


# Some servers write this byte-order mark before the text. RFC 8259, section 8.1, allows a reader to ignore it.
BYTE_ORDER_MARK = b"\xef\xbb\xbf"


def decode(data: bytes) -> object:
    """Decode JSON from UTF-8 bytes. If a byte-order mark precedes the text, ignore it.

    Raises:
        ValueError: `data` is not JSON, is nested too deeply, or contains a number whose exponent `Decimal` rejects.
    """
    try:
        return _decoder.decode(data.removeprefix(BYTE_ORDER_MARK))
    except (msgspec.DecodeError, ArithmeticError, RecursionError) as error:
        raise ValueError(str(error)) from error


def encode(value: object) -> bytes:
    """Encode a value as JSON. A `Decimal` becomes a JSON number."""
    return _encoder.encode(value)


def canonical(value: object) -> bytes:
    """Encode a value as JSON with sorted keys, so that the results for equal values are equal bytes."""
    return _canonical_encoder.encode(value)
