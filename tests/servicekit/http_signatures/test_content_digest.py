"""Digests of bodies (RFC 9530)."""

from __future__ import annotations

import base64
import hashlib

import pytest

from servicekit.http_signatures.content_digest import MAX_LENGTH, content_digest, is_digest_of

BODY = b'{"hello": "world"}'
# RFC 9421 §B.2 has the second digest of this body.
SHA_256 = "sha-256=:X48E9qOokqqrvdts8nOJRJN3OWDUoyWxBf7kbu9DBPE=:"
SHA_512 = "sha-512=:WZDPaVn/7XgHaAy8pmojAkGWoRx2UFChF41A2svX+TaPm+AbwAgBWnrIiYllu7BNNyealdVLvRwEmTHWXvJwew==:"
OF_NOTHING = f"sha-256=:{base64.b64encode(hashlib.sha256(b'').digest()).decode()}:"


def test_the_digest_is_that_of_the_rfc() -> None:
    assert content_digest(BODY) == SHA_256
    assert content_digest(b"") == OF_NOTHING


@pytest.mark.parametrize(
    "value", [SHA_256, SHA_512, f"{SHA_256}, {SHA_512}", f"md5=:AAAA:,{SHA_512}", f"{SHA_256}\t,\tunixsum=:AAAA:"]
)
def test_every_digest_of_a_known_algorithm_counts(value: str) -> None:
    assert is_digest_of(value, BODY)
    assert not is_digest_of(value, BODY + b" ")


@pytest.mark.parametrize(
    "value",
    [
        "",
        "sha-256",
        "sha-256=::",
        "sha-256=:X48E9qOokqqrvdts8nOJRJN3OWDUoyWxBf7kbu9DBPE:",
        SHA_256.upper(),
        SHA_256.removesuffix(":"),
        f"{SHA_256},",
        f"{SHA_256};q=1",
        f"{SHA_256} {SHA_512}",
        f"{OF_NOTHING}, {SHA_512}",
        "md5=:X48E9qOokqqrvdts8nOJRA==:",
        f"{SHA_256}{' ' * MAX_LENGTH},{SHA_512}",
    ],
)
def test_anything_else_is_no_digest_of_the_body(value: str) -> None:
    assert not is_digest_of(value, BODY)
