"""The bank's verifier of access tokens against the forged tokens that the router's verifier refuses, and some more.

Covers `bank/identity.py`.
"""

from __future__ import annotations

import contextlib
import json
import time
from typing import TYPE_CHECKING, Any

import jwt
import pytest

from bank.identity import AUDIENCE, MAX_TOKEN_LENGTH, RemoteKeys, TokenVerifier
from bank.revocation import SqliteRevocationList
from bank.service_credential import ACCOUNT_INTERNAL, ServiceCredential
from servicekit.errors import Unauthenticated
from tests.forged_tokens import forged_tokens
from tests.router.policies.authentication.issuer import ISSUER, jwk_set, token

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

EXPECTED: dict[str, Any] = {"aud": AUDIENCE, "sid": "s1"}


@pytest.fixture
def fetched() -> list[str]:
    """The addresses from which keys were fetched."""
    return []


@pytest.fixture
def verifier(tmp_path: Path, fetched: list[str]) -> Iterator[TokenVerifier]:
    async def fetch() -> Any:
        fetched.append("the key set")
        return json.loads(jwk_set("ec", "rsa", "ed"))

    with contextlib.closing(SqliteRevocationList(tmp_path)) as revocations:
        yield TokenVerifier(issuer=ISSUER, keys=RemoteKeys(fetch, clock=lambda: 0.0), revocations=revocations)


def more_forged_tokens() -> dict[str, str]:
    """Attacks on what is special about the bank's tokens."""
    good = token(**EXPECTED)
    _, body, signature = good.split(".")
    now = int(time.time())
    encode = jwt.utils.base64url_encode
    twice = encode(b'{"alg":"none","kid":"ec","typ":"at+jwt","alg":"ES256"}').decode()
    return {
        "an algorithm that other services use": token("rsa", "RS256", **EXPECTED),
        "an elliptic key for a signature of Edwards": token("ed", "EdDSA", {"kid": "ec"}, **EXPECTED),
        "an ID token": token(headers={"typ": "JWT"}, **EXPECTED),
        "no type": token(headers={"typ": None}, **EXPECTED),
        "no session": token(aud=AUDIENCE),
        "a session that is a number": token(aud=AUDIENCE, sid=7),
        "no subject": token(**EXPECTED, sub=None),
        "no time of issue": token(**EXPECTED, iat=None),
        "roles that are text": token(**EXPECTED, roles="ADMIN"),
        "roles in a nested list": token(**EXPECTED, roles=[["ADMIN"]]),
        "a key id with a NUL": token("other", headers={"kid": "ec\x00"}, **EXPECTED),
        "a key id of 8 KB": token("other", headers={"kid": "e" * 8_000}, **EXPECTED),
        "a header with the algorithm twice": f"{twice}.{body}.{signature}",
        "a header that is nested deeply": f"{encode(b'[' * 9_000).decode()}.{body}.{signature}",
        "a right signature in a token that is too long": token(**EXPECTED, padding="x" * MAX_TOKEN_LENGTH),
        "a year ahead": token(**EXPECTED, iat=now + 31_536_000, nbf=now + 31_536_000, exp=now + 31_540_000),
        "a token between services": ServiceCredential("s" * 32)
        .authorization(service="transaction", audience=ACCOUNT_INTERNAL)
        .removeprefix("Bearer "),
    }


async def test_no_attack_from_published_lists_is_accepted(verifier: TokenVerifier, fetched: list[str]) -> None:
    assert (await verifier.verify(token(**EXPECTED))).user_id == "ada"
    found = forged_tokens(longest=MAX_TOKEN_LENGTH, **EXPECTED)
    more = more_forged_tokens()
    assert not found.keys() & more.keys() - {"an ID token"}
    accepted = []
    for name, text in [*found.items(), *more.items()]:
        try:
            await verifier.verify(text)
        except Unauthenticated:
            continue
        accepted.append(name)
    assert accepted == []
    # A token with an unknown key id may lead to one more fetch of the issuer's own keys, and to no other address.
    assert fetched == ["the key set"]


async def test_a_token_of_the_issuer_has_three_headers(verifier: TokenVerifier) -> None:
    """With a right signature, too: nothing else in the header could be believed."""
    for name, value in (("jku", "http://127.0.0.1:9"), ("x5t", "x"), ("cty", "JWT"), ("crit", ["exp"])):
        with pytest.raises(Unauthenticated):
            await verifier.verify(token(headers={name: value}, **EXPECTED))


async def test_an_edwards_token_of_the_issuer_is_accepted(verifier: TokenVerifier) -> None:
    assert (await verifier.verify(token("ed", "EdDSA", **EXPECTED))).session_id == "s1"
