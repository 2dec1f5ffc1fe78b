"""The signer: what it covers, and that an independent implementation accepts its signatures."""

from __future__ import annotations

import datetime as dt
import importlib
from types import SimpleNamespace
from typing import Any

import pytest

from servicekit.http_signatures.ed25519_keys import Ed25519SigningKey
from servicekit.http_signatures.keys import HmacKey
from servicekit.http_signatures.request_signer import RequestSigner, SigningTarget
from servicekit.http_signatures.signature_base import NotAscii
from servicekit.http_signatures.signature_fields import read_signature
from tests.servicekit.http_signatures.signed_requests import BODY, KEY, NOW, TARGET, Clock, Pair
from tests.servicekit.http_signatures.test_rfc_9421_vectors import PRIVATE_KEY, PUBLIC_KEY

# Most functions of this package have no annotations, so mypy could not check calls of them.
peer: Any = importlib.import_module("http_message_signatures")

HEADERS = {"Authorization": " Bearer a ", "cookie": "b=c", "x-other": "d"}


def test_a_signature_covers_the_request_and_its_credentials() -> None:
    found = read_signature(*_fields(Pair().signer(), HEADERS))
    assert found.components == (
        "@method",
        "@authority",
        "@path",
        "@query",
        "content-type",
        "content-digest",
        "authorization",
        "cookie",
    )
    assert (
        found.parameters.items()
        >= {
            "created": NOW,
            "expires": NOW + 60,
            "keyid": "first",
            "alg": "hmac-sha256",
            "tag": "account",
        }.items()
    )


def test_no_nonce_is_used_twice() -> None:
    signers = [Pair().signer() for _ in range(3)]
    nonces = [read_signature(*_fields(each, {})).parameters["nonce"] for each in signers for _ in range(50)]
    assert len(set(nonces)) == len(nonces)


def test_a_fraction_of_a_second_is_not_part_of_a_signature() -> None:
    signer = RequestSigner(KEY, TARGET, covered=(), lifetime=1.9, clock=Clock(NOW + 0.9))
    parameters = read_signature(*_fields(signer, {})).parameters
    assert (parameters["created"], parameters["expires"]) == (NOW, NOW + 1)


def test_only_ascii_is_signed() -> None:
    with pytest.raises(NotAscii):
        Pair().signer().headers(BODY, {"authorization": "Bearer é"})
    assert Pair().signer().headers(BODY, {"x-other": "é"})


@pytest.mark.parametrize("tag", ["", 'a"b', "a\\b", "a\nb", "é"])
def test_the_name_of_a_receiver_needs_no_escapes(tag: str) -> None:
    with pytest.raises(ValueError, match="receiver of a signature"):
        RequestSigner(KEY, TARGET._replace(tag=tag), covered=())


@pytest.mark.parametrize(
    ("target", "url"),
    [
        ("/graphql?v=1", "http://127.0.0.1:3002/graphql?v=1"),
        ("/graphql", "http://127.0.0.1:3002/graphql"),
        ("/a%20b/?", "http://127.0.0.1:3002/a%20b/?"),
        ("?x=y", "http://127.0.0.1:3002/?x=y"),
    ],
)
@pytest.mark.parametrize("algorithm", ["hmac-sha256", "ed25519"])
def test_another_implementation_accepts_the_signature(algorithm: str, target: str, url: str) -> None:
    is_hmac = algorithm == "hmac-sha256"
    key = HmacKey(b"s" * 32, "k") if is_hmac else Ed25519SigningKey(PRIVATE_KEY, "k")
    signer = RequestSigner(
        key, SigningTarget("account", "127.0.0.1:3002", target, "application/json"), covered=("authorization",)
    )
    headers = {"content-type": "application/json", **HEADERS, **signer.headers(BODY, HEADERS)}
    resolver = peer.MappingKeyResolver(public_keys={"k": b"s" * 32 if is_hmac else PUBLIC_KEY}, private_keys={})
    known = peer.algorithms.HMAC_SHA256 if is_hmac else peer.algorithms.ED25519
    verifier = peer.HTTPMessageVerifier(signature_algorithm=known, key_resolver=resolver)
    message = SimpleNamespace(method="POST", url=url, headers=headers)
    (result,) = verifier.verify(message, body=BODY, expect_tag="account", max_age=dt.timedelta(seconds=60))
    assert result.body == BODY
    headers["Authorization"] = "Bearer other"
    with pytest.raises(peer.InvalidSignature):
        verifier.verify(message, body=BODY, expect_tag="account")


def _fields(signer: RequestSigner, headers: dict[str, str]) -> tuple[str, str]:
    made = signer.headers(BODY, headers)
    return made["signature-input"], made["signature"]
