"""Encode and decode JSON so that numbers keep all their digits.

So clients get the numbers of custom scalars as subgraphs sent them. Integers can have any size. Other numbers become
`decimal.Decimal`, because a Python float would change 0.1000000000000000055 to 0.1.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from decimal import Decimal
from typing import Final

import msgspec


class EncodedObject(Mapping[str, object]):
    """A JSON object as bytes. `encode` writes the bytes as they are. The first access to a member decodes the bytes."""

    __slots__ = ("_members", "encoded")

    def __init__(self, encoded: bytes) -> None:
        self.encoded = encoded
        self._members: dict[str, object] | None = None

    def members(self) -> dict[str, object]:
        """Return the object as a dict."""
        if self._members is None:
            decoded = decode(self.encoded)
            if not isinstance(decoded, dict):
                raise TypeError("the bytes must be a JSON object")
            self._members = decoded
        return self._members

    def __getitem__(self, name: str) -> object:
        return self.members()[name]

    def __iter__(self) -> Iterator[str]:
        return iter(self.members())

    def __len__(self) -> int:
        return len(self.members())

    def __eq__(self, other: object) -> bool:
        return self.members() == (other.members() if isinstance(other, EncodedObject) else other)

    __hash__ = None  # type: ignore[assignment]  # as for every mapping whose value counts


def _encodable(value: object) -> object:
    """Convert a value of a type that msgspec does not know to a value that msgspec can encode."""
    if isinstance(value, EncodedObject):
        return msgspec.Raw(value.encoded)
    if isinstance(value, Mapping):
        return dict(value)
    raise TypeError(f"a {type(value).__name__} cannot be encoded as JSON")


_decoder = msgspec.json.Decoder(float_hook=Decimal)
_encoder = msgspec.json.Encoder(decimal_format="number", enc_hook=_encodable)
_canonical_encoder = msgspec.json.Encoder(decimal_format="number", order="sorted", enc_hook=_encodable)


# Some servers send this byte-order mark before the JSON text. RFC 8259, section 8.1, allows a reader to ignore it.
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


encode: Final[Callable[[object], bytes]] = _encoder.encode
"""Encode a value as JSON. A `Decimal` becomes a JSON number."""

canonical: Final[Callable[[object], bytes]] = _canonical_encoder.encode
"""Encode a value as JSON with sorted keys, so that the results for equal values are equal bytes."""
