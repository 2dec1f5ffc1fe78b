from __future__ import annotations

import pytest

from router.json_codec import decode, encode


@pytest.mark.parametrize(
    "text",
    [
        b"123456789012345678901234567890",
        b"-9223372036854775809",
        b"0.1234567890123456789012345",
        b"1.10",
        b'{"a":[1,null,true,"\xc3\xa9"]}',
    ],
)
def test_a_decoded_value_is_encoded_unchanged(text: bytes) -> None:
    assert encode(decode(text)) == text


@pytest.mark.parametrize("text", [b"", b"{", b"NaN", b'"\xff"'])
def test_invalid_json_is_a_value_error(text: bytes) -> None:
    with pytest.raises(ValueError, match=r"malformed|truncated|utf-8"):
        decode(text)


def test_a_byte_order_mark_before_the_text_is_ignored() -> None:
    """Was: a malformed response. Elsewhere it is malformed."""
    assert decode(b'\xef\xbb\xbf{"data": null}') == {"data": None}
    with pytest.raises(ValueError, match="malformed"):
        decode(b'{"data": \xef\xbb\xbfnull}')
