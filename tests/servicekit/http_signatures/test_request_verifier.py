"""The verifier: each way in which a signature can be wrong, and the rotation of keys."""

from __future__ import annotations

import importlib
from datetime import UTC, datetime, timedelta
from types import SimpleNamespace
from typing import TYPE_CHECKING, Any

import pytest

from servicekit.http_signatures.content_digest import content_digest
from servicekit.http_signatures.ed25519_keys import Ed25519SigningKey, Ed25519VerificationKey
from servicekit.http_signatures.keys import HmacKey
from servicekit.http_signatures.request_verifier import (
    RequestVerifier,
    SignatureRefused,
    VerificationPolicy,
)
from servicekit.http_signatures.signature_base import signature_base
from servicekit.http_signatures.signature_fields import signature_headers
from tests.servicekit.http_signatures.signed_requests import (
    BODY,
    CREDENTIAL,
    KEY,
    NOW,
    OTHER_KEY,
    TARGET,
    Clock,
    Pair,
    arrived,
    verifier,
)
from tests.servicekit.http_signatures.test_rfc_9421_vectors import PRIVATE_KEY, PUBLIC_KEY
from tests.work import counted

if TYPE_CHECKING:
    from collections.abc import Callable

    from servicekit.http_signatures.keys import SigningKey
    from servicekit.http_signatures.signature_base import SignedRequest

# Most functions of this package have no annotations, so mypy could not check calls of them.
peer: Any = importlib.import_module("http_message_signatures")

MAX_CALLS = 10_000

COVERED = ("@method", "@authority", "@path", "@query", "content-type", "content-digest", "authorization")
PARAMETERS = {
    "created": str(NOW),
    "expires": str(NOW + 60),
    "nonce": '"0123456789abcdef"',
    "keyid": '"first"',
    "alg": '"hmac-sha256"',
    "tag": '"account"',
}


def refusal(request: SignedRequest, by: RequestVerifier | None = None) -> str:
    with pytest.raises(SignatureRefused) as refused:
        (by or verifier()).verify(request)
    return refused.value.reason


def signed_with(components: tuple[str, ...] = COVERED, key: SigningKey = KEY, **changes: str | None) -> SignedRequest:
    """A request whose signature is correct, but has other components or parameters."""
    parameters = {name: value for name, value in {**PARAMETERS, **changes}.items() if value is not None}
    names = " ".join(f'"{name}"' for name in components)
    text = f"({names})" + "".join(f";{name}={value}" for name, value in parameters.items())
    request = arrived({**CREDENTIAL, "content-digest": content_digest(BODY)})
    signature = key.sign(signature_base(components, text, request))
    return arrived({**request.headers, **signature_headers(text, signature)})


def changed(request: SignedRequest, **headers: str) -> SignedRequest:
    names = {name.replace("_", "-"): value for name, value in headers.items()}
    return request._replace(headers={**request.headers, **names})


def test_a_signed_request_is_accepted() -> None:
    head = verifier().verify(Pair().request())
    assert (head.key_id, head.digest) == ("first", content_digest(BODY))
    assert (head.created, head.ends) == (NOW, NOW + 60 + 5)
    assert verifier().verify(signed_with()).nonce == "0123456789abcdef"


@pytest.mark.parametrize(
    "change",
    [
        lambda request: request._replace(method="GET"),
        lambda request: request._replace(path="/internal/postings"),
        lambda request: request._replace(path="/graphql/"),
        lambda request: request._replace(path="/%67raphql"),
        lambda request: request._replace(query="v=2"),
        lambda request: request._replace(query=""),
        lambda request: request._replace(authority="127.0.0.1:3003"),
        lambda request: changed(request, authorization="Bearer other"),
        lambda request: changed(request, authorization="Bearer token, Bearer other"),
        lambda request: changed(request, content_type="text/plain"),
        lambda request: changed(request, content_digest=content_digest(BODY + b" ")),
        lambda request: changed(request, signature="sig=:AAAA:"),
        lambda request: changed(request, signature=f"sig=:{'A' * 43}=:"),
    ],
)
def test_a_changed_request_has_a_wrong_signature(change: Callable[[SignedRequest], SignedRequest]) -> None:
    assert refusal(change(Pair().request())) == "wrong signature"


@pytest.mark.parametrize("parameter", ["created", "expires", "nonce", "keyid", "alg", "tag"])
def test_the_parameters_are_signed_too(parameter: str) -> None:
    request = Pair().request()
    fields = request.headers["signature-input"]
    others = {"created": NOW - 1, "expires": NOW + 61}
    others_text = {"nonce": '"fedcba9876543210"', "keyid": '"second"', "tag": '"auth"', "alg": None}
    parts = [each for each in fields.split(";") if not each.startswith(f"{parameter}=")]
    value = others.get(parameter) or others_text.get(parameter)
    forged = ";".join([*parts, f"{parameter}={value}"] if value is not None else parts)
    by = verifier(KEY, OTHER_KEY, policy=VerificationPolicy(tag="auth" if parameter == "tag" else "account"))
    assert refusal(changed(request, signature_input=forged), by) == "wrong signature"


@pytest.mark.parametrize("missing", ["@method", "@authority", "@path", "@query", "content-digest"])
def test_what_makes_up_a_request_must_be_covered(missing: str) -> None:
    assert refusal(signed_with(tuple(name for name in COVERED if name != missing))) == "component not covered"


@pytest.mark.parametrize("header", ["authorization", "cookie", "content-type", "content-encoding"])
def test_a_header_that_is_added_on_the_way_must_be_covered(header: str) -> None:
    request = Pair().request(headers={})
    bare = request._replace(headers={name: value for name, value in request.headers.items() if name != header})
    assert refusal(changed(bare, **{header.replace("-", "_"): "x"})) in {"component not covered", "wrong signature"}
    if header != "content-type":
        assert refusal(changed(request, **{header.replace("-", "_"): "x"})) == "component not covered"


def test_a_covered_header_that_is_removed_on_the_way_is_missing() -> None:
    request = Pair().request()
    bare = {name: value for name, value in request.headers.items() if name != "authorization"}
    assert refusal(request._replace(headers=bare)) == "component missing"


def test_headers_of_the_policy_must_be_covered() -> None:
    policy = VerificationPolicy(tag="account", headers=frozenset({"x-user-id"}))
    by = verifier(policy=policy)
    signed = Pair(covered=("x-user-id", "authorization")).request(headers={"x-user-id": "1"})
    assert by.verify(signed)
    assert refusal(changed(signed, x_user_id="2"), by) == "wrong signature"
    assert refusal(changed(Pair().request(), x_user_id="2"), by) == "component not covered"


@pytest.mark.parametrize("header", ["signature", "signature-input"])
def test_a_request_without_a_signature_is_refused(header: str) -> None:
    request = Pair().request()
    rest = {name: value for name, value in request.headers.items() if name != header}
    assert refusal(request._replace(headers=rest)) == "missing"
    assert refusal(arrived({})) == "missing"


def test_two_signatures_are_refused_even_if_both_are_right() -> None:
    one, two = Pair().request(), Pair().request()
    joined = {
        name: f"{one.headers[name]}, {two.headers[name].replace('sig=', 'b=')}"
        for name in ("signature-input", "signature")
    }
    assert refusal(changed(one, **{name.replace("-", "_"): value for name, value in joined.items()})) == (
        "several signatures"
    )


@pytest.mark.parametrize("parameter", ["created", "expires", "nonce"])
def test_times_and_nonce_are_required(parameter: str) -> None:
    assert refusal(signed_with(COVERED, KEY, **{parameter: None})) == "malformed"
    assert refusal(signed_with(COVERED, KEY, **{parameter: '""'})) == "malformed"


@pytest.mark.parametrize("nonce", ['"short"', f'"{"x" * 65}"', '"0123456789 abcdef"', "1234567890123456"[:15]])
def test_a_nonce_has_16_to_64_visible_characters(nonce: str) -> None:
    assert refusal(signed_with(nonce=nonce)) == "malformed"


def test_unknown_parameters_are_refused() -> None:
    assert refusal(signed_with(extension='"x"')) == "malformed"


@pytest.mark.parametrize("tag", [None, '"auth"', '"Account"', "1"])
def test_a_request_to_another_receiver_is_refused(tag: str | None) -> None:
    assert refusal(signed_with(tag=tag)) == "wrong receiver"


@pytest.mark.parametrize("key_id", [None, '"third"', '""', "1"])
def test_an_unknown_key_is_refused(key_id: str | None) -> None:
    assert refusal(signed_with(keyid=key_id)) == "unknown key"
    assert refusal(Pair(key=OTHER_KEY).request()) == "unknown key"


def test_a_key_with_a_known_id_and_another_secret_is_refused() -> None:
    assert refusal(Pair(key=HmacKey(b"x" * 32, "first")).request()) == "wrong signature"


@pytest.mark.parametrize("algorithm", ['"ed25519"', '"none"', '""', '"HMAC-SHA256"', '"rsa-pss-sha512"', "1"])
def test_a_signature_cannot_choose_its_algorithm(algorithm: str) -> None:
    assert refusal(signed_with(alg=algorithm)) == "wrong algorithm"


def test_the_algorithm_need_not_be_named() -> None:
    assert verifier().verify(signed_with(alg=None)).key_id == "first"


def test_a_public_key_is_no_shared_secret() -> None:
    """The classic confusion: a signature by HMAC whose secret is the public key that everybody knows."""
    by = RequestVerifier([Ed25519VerificationKey(PUBLIC_KEY, "first")], VerificationPolicy("account"), clock=Clock())
    for secret in (PUBLIC_KEY, PUBLIC_KEY.strip()):
        forger = HmacKey(secret, "first")
        assert refusal(signed_with(key=forger), by) == "wrong algorithm"
        assert refusal(signed_with(key=forger, alg=None), by) == "wrong signature"
        assert refusal(signed_with(key=forger, alg='"ed25519"'), by) == "wrong signature"


def test_ed25519_is_verified() -> None:
    by = RequestVerifier([Ed25519VerificationKey(PUBLIC_KEY)], VerificationPolicy("account"), clock=Clock())
    request = Pair(key=Ed25519SigningKey(PRIVATE_KEY)).request()
    assert by.verify(request).key_id == Ed25519SigningKey(PRIVATE_KEY).id
    assert refusal(request._replace(path="/other"), by) == "wrong signature"


@pytest.mark.parametrize(
    ("offset", "expected"),
    [(0, None), (64, None), (65, None), (66, "expired"), (3600, "expired"), (-5, None), (-6, "created in the future")],
)
def test_the_clocks_may_differ_a_little(offset: float, expected: str | None) -> None:
    by = verifier(clock=Clock(NOW + offset))
    if expected is None:
        assert by.verify(Pair().request())
    else:
        assert refusal(Pair().request(), by) == expected


@pytest.mark.parametrize("expires", [str(NOW + 301), "999999999999999", str(NOW - 1), "-1"])
def test_a_signature_is_not_valid_for_long(expires: str) -> None:
    assert refusal(signed_with(expires=expires)) == "lifetime too long"


def test_keys_are_replaced_without_a_refused_request() -> None:
    """First the verifier gets the new key, then the signer changes to it, then the old key is removed."""
    old, new = Pair(key=KEY).request, Pair(key=OTHER_KEY).request
    for keys, accepted, refused in [
        ((KEY,), old, new),
        ((KEY, OTHER_KEY), old, None),
        ((KEY, OTHER_KEY), new, None),
        ((OTHER_KEY,), new, old),
    ]:
        by = verifier(*keys)
        assert by.verify(accepted())
        if refused is not None:
            assert refusal(refused(), by) == "unknown key"


def test_a_verifier_has_keys_with_different_ids() -> None:
    with pytest.raises(ValueError, match="at least one key"):
        RequestVerifier([], VerificationPolicy("account"))
    with pytest.raises(ValueError, match="different ids"):
        RequestVerifier([KEY, HmacKey(b"x" * 32, "first")], VerificationPolicy("account"))


def test_oversized_headers_are_refused_at_once() -> None:
    request = Pair().request()
    flood = {
        "signature_input": 'sig=("' + "\\\\" * 30_000 + '")',
        "signature": f"sig=:{'A' * 60_000}:",
    }
    with counted(MAX_CALLS):
        for name, value in flood.items():
            assert refusal(changed(request, **{name: value})) == "malformed"


def test_a_component_outside_ascii_is_malformed() -> None:
    assert refusal(changed(Pair().request(), authorization="Bearer é")) == "malformed"


def test_the_signature_of_another_implementation_is_accepted() -> None:
    message = SimpleNamespace(
        method="POST",
        url=f"http://{TARGET.authority}{TARGET.target}",
        headers={"content-type": TARGET.content_type, **CREDENTIAL},
    )
    resolver = peer.MappingKeyResolver(public_keys={}, private_keys={"first": b"k" * 32})
    peer.HTTPMessageSigner(signature_algorithm=peer.algorithms.HMAC_SHA256, key_resolver=resolver).sign(
        message,
        key_id="first",
        created=datetime.fromtimestamp(NOW, UTC),
        expires=datetime.fromtimestamp(NOW, UTC) + timedelta(seconds=60),
        nonce="0123456789abcdef",
        tag="account",
        covered_component_ids=("@method", "@authority", "@path", "@query", "content-type", "authorization"),
        body=BODY,
    )
    received = arrived({name.lower(): value for name, value in message.headers.items()})
    assert verifier().verify(received).digest == content_digest(BODY)
