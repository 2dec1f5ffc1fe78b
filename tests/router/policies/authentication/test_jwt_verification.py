"""Which tokens are accepted: a table of attacks from published lists (RFC 8725, OWASP), and valid tokens of each kind.

Covers `router/policies/authentication/refusals.py`.
"""

from __future__ import annotations

import time
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from router.policies.authentication.jwt_verification import MAX_CHARACTERS, Issuer, JwtVerifier
from router.policies.authentication.refusals import Challenges, CredentialRefused
from router.policies.authentication.token_sources import FoundToken
from router.settings.sections.authentication import Jwt, JwtIssuer, KeySetSource
from servicekit.key_set import FixedKeys, KeySet
from tests.forged_tokens import forged_tokens
from tests.router.policies.authentication.issuer import AUDIENCE, ISSUER, SECRET, jwk_set, token

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


async def test_no_attack_from_published_lists_is_accepted() -> None:
    by = verifier()
    found = forged_tokens(longest=MAX_CHARACTERS)
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
    assert by.verified.get(FoundToken(text)) is None


async def test_the_number_of_remembered_tokens_is_bounded() -> None:
    by = verifier(jwt_settings={"cached_tokens": 2})
    for each in range(5):
        await identity(token(sub=str(each)), by)
    assert len(by.verified) == 2
