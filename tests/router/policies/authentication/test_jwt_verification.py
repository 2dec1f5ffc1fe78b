"""Which tokens are accepted: a table of attacks from published lists (RFC 8725, OWASP), and valid tokens of each kind.

Covers `router/policies/authentication/refusals.py`.
"""

from __future__ import annotations

import base64
import hashlib
import hmac
import json
import time
from pathlib import Path
from typing import TYPE_CHECKING, Any

import jwt
import pytest
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat

from router.policies.authentication.jwt_verification import MOST_CHARACTERS, Issuer, JwtVerifier
from router.policies.authentication.key_set import FixedKeys, KeySet
from router.policies.authentication.refusals import Challenges, CredentialRefused
from router.policies.authentication.token_sources import FoundToken
from router.settings.sections.authentication import Jwt, JwtIssuer, KeySetSource
from tests.router.policies.authentication.issuer import AUDIENCE, ISSUER, SECRET, jwk, jwk_set, private_keys, token

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from router.request.identity import Identity

ALL = ("ec", "rsa", "ed", "weak", "secret")


def verifier(text: str | None = None, jwt_settings: Mapping[str, Any] | None = None, **issuer: Any) -> JwtVerifier:
    source = KeySetSource(url="http://issuer.example/keys")
    own = JwtIssuer(**{"issuer": ISSUER, "audiences": [AUDIENCE], "keys": source, **issuer})
    keys = FixedKeys(KeySet.read(text or jwk_set("ec", "rsa", "ed"), own.algorithms))
    return JwtVerifier(Jwt(issuers=(own,), **(jwt_settings or {})), [Issuer(own, keys)])


async def identity(text: str, by: JwtVerifier | None = None) -> Identity:
    by, token = by or verifier(), FoundToken(text)
    return by.known(token) or await by.verify(token)


async def reason(text: str, by: JwtVerifier | None = None) -> str:
    with pytest.raises(CredentialRefused) as refusal:
        await identity(text, by)
    return refusal.value.reason


@pytest.mark.parametrize(("key", "algorithm"), [("ec", "ES256"), ("rsa", "RS256"), ("rsa", "PS256"), ("ed", "EdDSA")])
async def test_a_token_of_each_kind_of_key_says_who_sent_it(key: str, algorithm: str) -> None:
    found = await identity(token(key, algorithm))
    assert (found.claims["sub"], found.scopes, found.method) == ("ada", frozenset({"read", "write"}), "jwt")


def encoded(value: object) -> str:
    return base64.urlsafe_b64encode(json.dumps(value).encode()).rstrip(b"=").decode()


def mac(header: Mapping[str, object], body: str, secret: bytes) -> str:
    text = f"{encoded(header)}.{body}"
    digest = hmac.digest(secret, text.encode(), hashlib.sha256)
    return f"{text}.{base64.urlsafe_b64encode(digest).rstrip(b'=').decode()}"


def attacks() -> dict[str, str]:
    good = token()
    head, body, signature = good.split(".")
    header = jwt.get_unverified_header(good)
    claims = jwt.decode(good, options={"verify_signature": False})
    public = jwk_set("ec", "rsa").encode()
    pem = private_keys()["rsa"].public_key().public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo)
    found = {
        "the key of a stranger": token("other", headers={"kid": "ec"}),
        "an unknown key": token("other"),
        "no key id, several keys": token("other", headers={"kid": ""}),
        "a key id that is a path": token(headers={"kid": "../../etc/passwd"}),
        "a key id that is a query": token(headers={"kid": "' UNION SELECT 'x"}),
        "a key in the token": token("other", headers={"kid": "ec", "jwk": jwk("other")}),
        "a key in the token, without key id": token("other", headers={"kid": "", "jwk": jwk("other")}),
        "the address of keys": token("other", headers={"jku": "http://127.0.0.1:9/keys"}),
        "the address of keys, with a right signature": token(headers={"jku": "http://127.0.0.1:9/keys"}),
        "the address of a certificate": token("other", headers={"kid": "ec", "x5u": "http://127.0.0.1:9/c"}),
        "a certificate in the token": token("other", headers={"kid": "ec", "x5c": ["MIIB"]}),
        "critical extensions": token(headers={"crit": ["exp"], "exp": 1}),
        "an unencoded payload": token(headers={"b64": False}),
        "a compressed payload": token(headers={"zip": "DEF"}),
        "an algorithm that is not on the list": f"{encoded({**header, 'alg': 'ES384'})}.{body}.{signature}",
        "the algorithm of another key": token("rsa", "RS256", headers={"kid": "ec"}),
        "the public keys as a secret": mac({**header, "alg": "HS256"}, body, public),
        "the public key as a secret": mac({**header, "alg": "HS256", "kid": "rsa"}, body, pem),
        "an empty secret": mac({**header, "alg": "HS256"}, body, b""),
        "no signature": f"{head}.{body}.",
        "two parts": f"{head}.{body}",
        "four parts": f"{good}.{signature}",
        "an encrypted token": f"{head}.{body}.{signature}.{body}.{signature}",
        "no text": "",
        "dots": "..",
        "another body": f"{head}.{encoded({**claims, 'sub': 'root'})}.{signature}",
        "a signature of zeros": f"{head}.{body}.{'A' * 86}",
        "a cut signature": good[:-4],
        "a longer signature": good + "AAAA",
        "a signature in another coding": f"{head}.{body}.{signature}==",
        "white space": f"{head}. {body}.{signature}",
        "a line break": f"{good}\n",
        "letters that are not ASCII": f"{head}.{body}.é{signature}",
        "a lone surrogate": "\udcff.a.b",
        "a header that is a list": f"{encoded([1])}.{body}.{signature}",
        "a body that is a list": f"{head}.{encoded([1])}.{signature}",
        "a body that is text": f"{head}.{encoded('x')}.{signature}",
        "a body that is nested deeply": f"{head}.{base64.urlsafe_b64encode(b'[' * 9000).decode()}.{signature}",
        "a token in a token": f"{encoded({**header, 'cty': 'JWT'})}.{encoded(good)}.{signature}",
        "a key id that is a number": f"{encoded({**header, 'kid': 7})}.{body}.{signature}",
        "a type that is a number": f"{encoded({**header, 'typ': 7})}.{body}.{signature}",
        "no algorithm": f"{encoded({'kid': 'ec', 'typ': 'JWT'})}.{body}.{signature}",
        "an algorithm that is a list": f"{encoded({**header, 'alg': ['ES256']})}.{body}.{signature}",
        "too long": f"{head}.{'A' * MOST_CHARACTERS}.{signature}",
        "expired": token(exp=int(time.time()) - 60),
        "not valid yet": token(nbf=int(time.time()) + 60),
        "issued in the future": token(iat=int(time.time()) + 60),
        "no expiry": token(exp=None),
        "an expiry that is text": token(exp="soon"),
        "an expiry that is infinite": token(exp=float("inf")),
        "an expiry that is no number": token(exp=float("nan")),
        "another audience": token(aud="bank"),
        "no audience": token(aud=None),
        "an audience that is an object": token(aud={"shop": 1}),
        "another issuer": token(iss="https://evil.example"),
        "no issuer": token(iss=None),
        "a list of issuers": token(iss=[ISSUER]),
        "an issuer that begins the same": token(iss=ISSUER + ".evil.example"),
        "an ID token": token(headers={"typ": "logout+jwt"}),
        "a DPoP proof": token(headers={"typ": "dpop+jwt"}),
    }
    for name in ("none", "None", "NONE", "nOnE", ""):
        found[f"the algorithm {name!r}"] = f"{encoded({**header, 'alg': name})}.{body}.{signature}"
        found[f"the algorithm {name!r}, unsigned"] = f"{encoded({**header, 'alg': name})}.{body}."
    return found


async def test_no_attack_from_published_lists_is_accepted() -> None:
    by = verifier()
    found = attacks()
    assert len(found) >= 65
    accepted = []
    for name, text in found.items():
        try:
            await identity(text, by)
        except CredentialRefused:
            continue
        accepted.append(name)
    assert accepted == []
    assert len(by.verified) == 0


def test_a_refusal_does_not_say_why() -> None:
    assert Challenges().invalid_credential().message == "The credential is not valid."
    assert Challenges().invalid_credential().headers == (("www-authenticate", 'Bearer error="invalid_token"'),)


@pytest.mark.parametrize(
    ("make", "expected"),
    [
        (lambda: token(exp=1), "expired"),
        (lambda: token(nbf=9_999_999_999), "not valid yet"),
        (lambda: token(aud="x"), "audience"),
        (lambda: token(exp=None), "missing claim"),
        (lambda: token("other", headers={"kid": "ec"}), "signature"),
        (lambda: token("other"), "unknown key"),
        (lambda: token(iss="x"), "issuer"),
        (lambda: token("ed", "EdDSA", {"kid": "ec"}), "unknown key"),
        (lambda: token(headers={"typ": "x"}), "type"),
        (lambda: token(headers={"jku": "x"}), "key in the token"),
        (lambda: "x", "not a token"),
        (lambda: "x.y.z", "malformed"),
    ],
)
async def test_the_log_says_why_without_a_claim(make: Callable[[], str], expected: str) -> None:
    """The tokens are made when the test runs, because they expire."""
    assert await reason(make()) == expected


async def test_each_setting_of_an_issuer_acts() -> None:
    assert await reason(token(), verifier(algorithms=["RS256"])) == "algorithm"
    assert await reason(token(), verifier(types=["JWT"])) == "type"
    assert await reason(token(), verifier(required_claims=["sid"])) == "missing claim"
    assert await reason(token(), verifier(audiences=["a", "b"])) == "audience"
    assert (await identity(token(aud=["x", AUDIENCE]), verifier())).claims["sub"] == "ada"
    assert (await identity(token(aud=None), verifier(audiences=None))).claims["sub"] == "ada"
    assert (await identity(token(headers={"typ": "application/AT+JWT"}))).claims["sub"] == "ada"


async def test_a_token_without_type_counts_as_jwt() -> None:
    assert (await identity(token(headers={"typ": None}))).claims["sub"] == "ada"
    assert await reason(token(headers={"typ": None}), verifier(types=["at+jwt"])) == "type"


async def test_clocks_may_differ_by_the_skew() -> None:
    late = token(exp=int(time.time()) - 30)
    assert await reason(late) == "expired"
    assert (await identity(late, verifier(jwt_settings={"clock_skew": 60}))).claims["sub"] == "ada"


async def test_scopes_are_in_the_claim_of_the_settings() -> None:
    by = verifier(jwt_settings={"scope_claim": "scp"})
    assert (await identity(token(scp=["a", "b c", 7, ""]), by)).scopes == {"a", "b c"}
    assert (await identity(token(scp={"a": 1}), by)).scopes == frozenset()
    assert (await identity(token(scope=" a  b ")),)[0].scopes == {"a", "b"}


async def test_a_shared_secret_serves_only_its_own_algorithms() -> None:
    by = verifier(
        jwk_set("secret", "rsa"),
        algorithms=["HS256", "RS256"],
        keys=KeySetSource.model_construct(file=Path("keys.json")),
    )
    assert (await identity(token("secret", "HS256"), by)).claims["sub"] == "ada"
    assert await reason(token("secret", "HS256", {"kid": "rsa"}), by) == "unknown key"
    assert len(SECRET) >= 32


async def test_a_verified_token_is_remembered_until_it_expires() -> None:
    by = verifier()
    text = token()
    assert await identity(text, by) is await identity(text, by)
    assert len(by.verified) == 1
    by.verified._clock = lambda: time.time() + 10_000  # noqa: SLF001
    assert by.verified.get(text) is None


async def test_the_number_of_remembered_tokens_is_bounded() -> None:
    by = verifier(jwt_settings={"cached_tokens": 2})
    for each in range(5):
        await identity(token(sub=str(each)), by)
    assert len(by.verified) == 2
