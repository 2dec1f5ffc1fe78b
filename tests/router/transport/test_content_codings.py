from __future__ import annotations

import gzip
import sys
from typing import TYPE_CHECKING, get_args

import pytest
from hypothesis import given
from hypothesis import strategies as st

from router.settings.types import ContentCoding
from router.transport.content_codings import CodingError, decode, encode
from servicekit.accept import preferred_coding

if sys.version_info >= (3, 14):
    from compression import zstd
else:
    from backports import zstd

if TYPE_CHECKING:
    from collections.abc import Sequence

CODINGS: Sequence[ContentCoding] = get_args(ContentCoding)
TEXT = b'{"data":{"name":"Ada"}}' * 1_000


@pytest.mark.parametrize("coding", CODINGS)
def test_an_encoded_body_is_smaller_and_decodes_to_the_original(coding: ContentCoding) -> None:
    encoded = encode(coding, TEXT)
    assert len(encoded) < len(TEXT) / 10
    assert decode(coding, encoded, len(TEXT)) == TEXT


@pytest.mark.parametrize("coding", CODINGS)
@given(body=st.binary(max_size=2_000))
def test_any_bytes_decode_to_the_original(coding: ContentCoding, body: bytes) -> None:
    assert decode(coding, encode(coding, body), 2_000) == body


@pytest.mark.parametrize("coding", CODINGS)
def test_decoding_stops_at_the_maximum_size(coding: ContentCoding) -> None:
    bomb = encode(coding, bytes(50_000_000))
    assert len(bomb) < 100_000
    with pytest.raises(CodingError, match="more than 1000000 bytes"):
        decode(coding, bomb, 1_000_000)
    with pytest.raises(CodingError):
        decode(coding, encode(coding, TEXT), len(TEXT) - 1)


@pytest.mark.parametrize("coding", CODINGS)
@pytest.mark.parametrize("damage", ["half", "empty", "other", "garbage"])
def test_bytes_that_are_not_in_the_coding_are_refused(coding: ContentCoding, damage: str) -> None:
    encoded = encode(coding, TEXT)
    body = {"half": encoded[: len(encoded) // 2], "empty": b"", "other": b"<html>", "garbage": b"\xff" * 100}[damage]
    with pytest.raises(CodingError):
        decode(coding, body, 10_000_000)


def test_consecutive_members_and_frames_are_one_body() -> None:
    assert decode("gzip", gzip.compress(b"a") + gzip.compress(b"b"), 10) == b"ab"
    assert decode("zstd", zstd.compress(b"a") + zstd.compress(b"b"), 10) == b"ab"
    with pytest.raises(CodingError):
        decode("gzip", gzip.compress(b"a" * 8) + gzip.compress(b"b" * 8), 10)


def test_a_window_that_is_too_large_is_refused() -> None:
    options: dict[int, int] = {zstd.CompressionParameter.window_log: 27}
    compressor = zstd.ZstdCompressor(options=options)
    frame = compressor.compress(b"a") + compressor.flush()
    with pytest.raises(CodingError):
        decode("zstd", frame, 1_000_000_000)


@pytest.mark.parametrize(
    ("accept", "expected"),
    [
        (None, None),
        ("", None),
        ("gzip", "gzip"),
        ("GZIP", "gzip"),
        ("deflate", None),
        ("gzip, deflate, br, zstd", "zstd"),
        ("gzip;q=1.0, zstd;q=0.5", "gzip"),
        ("gzip; q=0.2, br ;q=0.8", "br"),
        ("*", "zstd"),
        ("*, zstd;q=0", "br"),
        ("zstd;q=0", None),
        ("identity, gzip;q=0.5", None),
        ("identity;q=0.5, gzip", "gzip"),
        ("gzip;q=x", None),
        ("gzip;x=1", "gzip"),
        (",,;q=1,gzip", "gzip"),
    ],
)
def test_the_clients_preference_counts_before_the_order_of_the_offer(accept: str | None, expected: str | None) -> None:
    assert preferred_coding(accept, CODINGS) == expected


def test_only_an_offered_coding_is_chosen() -> None:
    assert preferred_coding("zstd, br", ("gzip",)) is None
    assert preferred_coding("gzip, br", ("gzip", "br")) == "gzip"
    assert preferred_coding("gzip", ()) is None
