"""The examples of RFC 9421, appendix B.2: the same keys make and verify the same signatures.

Covers `servicekit/http_signatures/signature_base.py`.
"""

from __future__ import annotations

import base64

import pytest

from servicekit.http_signatures.ed25519_keys import Ed25519SigningKey, Ed25519VerificationKey
from servicekit.http_signatures.keys import HmacKey
from servicekit.http_signatures.signature_base import (
    ComponentMissing,
    NotAscii,
    SignedRequest,
    normal_authority,
    signature_base,
)
from servicekit.http_signatures.signature_fields import read_signature

# RFC 9421 §B.2: the request of all examples.
REQUEST = SignedRequest(
    "POST",
    "example.com",
    "/foo",
    "param=Value&Pet=dog",
    {
        "host": "example.com",
        "date": "Tue, 20 Apr 2021 02:07:55 GMT",
        "content-type": "application/json",
        "content-digest": (
            "sha-512=:WZDPaVn/7XgHaAy8pmojAkGWoRx2UFChF41A2svX+TaPm+AbwAgBWnrIiYllu7BNNyealdVLvRwEmTHWXvJwew==:"
        ),
        "content-length": "18",
    },
)

# RFC 9421 §B.1.5 and RFC 9421 §B.2.5
SHARED_SECRET = base64.b64decode(
    "uzvJfB4u3N0Jy4T7NZ75MDVcr8zSTInedJtkgcu46YW4XByzNJjxBdtjUkdJPBtbmHhIDi6pcl8jsasjlTMtDQ=="
)
HMAC_INPUT = 'sig-b25=("date" "@authority" "content-type");created=1618884473;keyid="test-shared-secret"'
HMAC_SIGNATURE = "sig-b25=:pxcQw6G3AjtMBQjwo8XzkZf/bws5LelbaMk5rGIGtE8=:"

# RFC 9421 §B.1.4 and RFC 9421 §B.2.6
PRIVATE_KEY = b"""-----BEGIN PRIVATE KEY-----
MC4CAQAwBQYDK2VwBCIEIJ+DYvh6SEqVTm50DFtMDoQikTmiCqirVv9mWG9qfSnF
-----END PRIVATE KEY-----
"""
PUBLIC_KEY = b"""-----BEGIN PUBLIC KEY-----
MCowBQYDK2VwAyEAJrQLj5P/89iXES9+vFgrIy29clF9CC/oPPsw3c5D0bs=
-----END PUBLIC KEY-----
"""
ED25519_INPUT = (
    'sig-b26=("date" "@method" "@path" "@authority" "content-type" "content-length")'
    ';created=1618884473;keyid="test-key-ed25519"'
)
ED25519_SIGNATURE = "sig-b26=:wqcAqbmYJ2ji2glfAMaRy4gruYYnx2nEFN2HN6jrnDnQCK1u02Gb04v9EDgwUPiu4A0w6vuQv5lIp5WPpBKRCw==:"

# RFC 9421 §B.2.5: the signature base as the RFC prints it.
HMAC_BASE = b"""\
"date": Tue, 20 Apr 2021 02:07:55 GMT
"@authority": example.com
"content-type": application/json
"@signature-params": ("date" "@authority" "content-type");created=1618884473;keyid="test-shared-secret\""""


def test_hmac_sha256_of_appendix_b_2_5() -> None:
    received = read_signature(HMAC_INPUT, HMAC_SIGNATURE)
    base = signature_base(received.components, received.text, REQUEST)
    assert base == HMAC_BASE
    key = HmacKey(SHARED_SECRET)
    assert key.sign(base) == received.signature
    assert key.is_signature(received.signature, base)
    assert not key.is_signature(received.signature, base + b" ")


def test_ed25519_of_appendix_b_2_6() -> None:
    received = read_signature(ED25519_INPUT, ED25519_SIGNATURE)
    base = signature_base(received.components, received.text, REQUEST)
    assert Ed25519SigningKey(PRIVATE_KEY).sign(base) == received.signature
    key = Ed25519VerificationKey(PUBLIC_KEY)
    assert key.is_signature(received.signature, base)
    assert not key.is_signature(received.signature, base + b" ")


@pytest.mark.parametrize(
    ("authority", "expected"),
    [
        ("Example.COM", "example.com"),
        ("example.com:80", "example.com"),
        ("example.com:443", "example.com"),
        ("example.com:8080", "example.com:8080"),
        ("[::1]", "[::1]"),
        ("[::1]:80", "[::1]"),
        ("", ""),
    ],
)
def test_an_authority_has_one_form(authority: str, expected: str) -> None:
    assert normal_authority(authority) == expected


def test_an_empty_path_and_query_have_a_value() -> None:
    empty = REQUEST._replace(path="", query="")
    assert signature_base(("@path", "@query"), "()", empty) == b'"@path": /\n"@query": ?\n"@signature-params": ()'


@pytest.mark.parametrize("name", ["@status", "@target-uri", "@signature-params", "@query-param", "x-absent", "Date"])
def test_a_component_that_the_request_does_not_have(name: str) -> None:
    with pytest.raises(ComponentMissing):
        signature_base((name,), "()", REQUEST)


def test_a_component_is_ascii() -> None:
    with pytest.raises(NotAscii):
        signature_base(("x-name",), "()", REQUEST._replace(headers={"x-name": "Zoë"}))
