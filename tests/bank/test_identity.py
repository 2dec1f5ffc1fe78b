from __future__ import annotations

import asyncio
import base64
import contextlib
import hmac
import json
import time
from datetime import datetime, tzinfo
from typing import TYPE_CHECKING, Any

import httpx
import jwt
import pytest
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import ec, ed25519

from bank.identity import (
    ADMIN,
    CUSTOMER,
    LEEWAY_SECONDS,
    MAX_AGE_SECONDS,
    REFETCH_SECONDS,
    RETRY_SECONDS,
    SUPPORT,
    Caller,
    RemoteKeys,
    TokenVerifier,
)
from bank.revocation import SqliteRevocationList
from servicekit.errors import ServiceError, TimedOut, Unauthenticated, Unavailable
from tests.subgraphs.support import Issuer, serving_json

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

# A fixed id, because it is part of test names, which must be the same in every worker.
ISSUER = Issuer(key_id="k1")


@pytest.fixture
def revocations(tmp_path: Path) -> Iterator[SqliteRevocationList]:
    with contextlib.closing(SqliteRevocationList(tmp_path)) as opened:
        yield opened


@pytest.fixture
def verifier(revocations: SqliteRevocationList) -> TokenVerifier:
    return verifier_of(ISSUER.jwks(), revocations)


def verifier_of(jwks: dict[str, object], revocations: SqliteRevocationList) -> TokenVerifier:
    return TokenVerifier(issuer=ISSUER.url, keys=RemoteKeys(KeyServer(jwks).fetch), revocations=revocations)


class KeyServer:
    """A JWK set that counts its fetches; `failure` makes a fetch fail, `gate` makes it wait."""

    def __init__(self, document: Any) -> None:
        self.document = document
        self.fetches = 0
        self.failure: Exception | None = None
        self.gate: asyncio.Event | None = None

    async def fetch(self) -> Any:
        self.fetches += 1
        if self.gate is not None:
            await self.gate.wait()
        if self.failure is not None:
            raise self.failure
        return self.document


class Clock:
    def __init__(self) -> None:
        self.now = 1000.0

    def __call__(self) -> float:
        return self.now


async def test_a_valid_token_identifies_its_caller(verifier: TokenVerifier) -> None:
    token = ISSUER.token("user-1", CUSTOMER, SUPPORT, claims={"sid": "s1", "scope": "read write"})
    expected = Caller("user-1", "s1", frozenset({CUSTOMER, SUPPORT}), frozenset({"read", "write"}))
    assert await verifier.verify(token) == expected
    assert await verifier.caller(f"bearer  {token}") == expected


async def test_without_a_header_there_is_no_caller(verifier: TokenVerifier) -> None:
    assert await verifier.caller(None) is None


@pytest.mark.parametrize(
    "header",
    [
        "",
        "Bearer",
        "Bearer ",
        "Basic dXNlcjpwYXNz",
        "Bearer x",
        "Bearer a.b.c",
        "é",
        "Bearer \xe9",
        "Bearer a.b.\xff",
        "Bearer a b",
    ],
)
async def test_a_malformed_header_is_refused(verifier: TokenVerifier, header: str) -> None:
    with pytest.raises(Unauthenticated):
        await verifier.caller(header)


NOW = int(time.time())


@pytest.mark.parametrize(
    "claims",
    [
        {"iss": "http://other.test"},
        {"iss": None},
        {"iss": f"{ISSUER.url}/"},
        {"aud": "other"},
        {"aud": None},
        {"exp": NOW - LEEWAY_SECONDS - 60},
        {"exp": None},
        {"exp": "soon"},
        {"iat": None},
        {"iat": NOW + 86_400},
        {"nbf": NOW + 86_400},
        {"sub": None},
        {"sub": 7},
        {"sid": None},
        {"sid": 7},
        {"roles": "ADMIN"},
        {"roles": [1]},
        {"scope": ["a"]},
        {"acr": 1},
        {"auth_time": "now"},
        {"auth_time": True},
        {"factor_enrolled_at": 1.5},
    ],
)
async def test_a_signed_token_with_other_claims_is_refused(verifier: TokenVerifier, claims: dict[str, object]) -> None:
    with pytest.raises(Unauthenticated):
        await verifier.verify(ISSUER.token(claims=claims))


async def test_the_caller_has_the_proof_of_the_identity(verifier: TokenVerifier) -> None:
    claims = {"acr": "urn:bank:mfa", "auth_time": 1_790_000_000, "factor_enrolled_at": 1_780_000_000}
    caller = await verifier.verify(ISSUER.token(claims=claims))
    assert (caller.acr, caller.auth_time, caller.factor_enrolled_at) == tuple(claims.values())
    without = await verifier.verify(ISSUER.token())
    assert (without.acr, without.auth_time, without.factor_enrolled_at) == (None, None, None)


async def test_expiry_has_a_tolerance_of_a_few_seconds(verifier: TokenVerifier) -> None:
    token = ISSUER.token("user-1", claims={"exp": int(time.time()) - LEEWAY_SECONDS + 3})
    assert (await verifier.verify(token)).user_id == "user-1"


@pytest.mark.parametrize("typ", ["JWT", "at", "application/jwt", ""])
async def test_another_type_of_token_is_refused(verifier: TokenVerifier, typ: str) -> None:
    with pytest.raises(Unauthenticated):
        await verifier.verify(ISSUER.token(typ=typ))


def forged(header: dict[str, object], signature: str = "") -> str:
    def encode(part: dict[str, object]) -> str:
        return base64.urlsafe_b64encode(json.dumps(part).encode()).rstrip(b"=").decode()

    claims = jwt.decode(ISSUER.token("user-1", ADMIN), options={"verify_signature": False})
    return f"{encode(header)}.{encode(claims)}.{signature}"


@pytest.mark.parametrize(
    "header",
    [
        {"alg": "none", "typ": "at+jwt", "kid": ISSUER.key_id},
        {"alg": "HS256", "typ": "at+jwt", "kid": ISSUER.key_id},
        {"alg": "RS256", "typ": "at+jwt", "kid": ISSUER.key_id},
        {"alg": "EdDSA", "typ": "at+jwt", "kid": ISSUER.key_id},
        {"alg": "ES256", "typ": "at+jwt", "kid": ISSUER.key_id},
        {"alg": "ES256", "typ": "at+jwt"},
        {"alg": "ES256", "typ": "at+jwt", "kid": 7},
        {"alg": "ES256", "typ": 7, "kid": ISSUER.key_id},
        {"alg": "ES256", "kid": ISSUER.key_id},
        {"alg": ["ES256"], "typ": "at+jwt", "kid": ISSUER.key_id},
    ],
    ids=str,
)
async def test_a_forged_header_is_refused(verifier: TokenVerifier, header: dict[str, object]) -> None:
    with pytest.raises(Unauthenticated):
        await verifier.verify(forged(header, "AAAA"))


async def test_a_public_key_is_not_accepted_as_a_shared_secret(verifier: TokenVerifier) -> None:
    public = ISSUER.private_key.public_key().public_bytes(
        serialization.Encoding.DER, serialization.PublicFormat.SubjectPublicKeyInfo
    )
    unsigned = forged({"alg": "HS256", "typ": "at+jwt", "kid": ISSUER.key_id}).rstrip(".")
    signature = base64.urlsafe_b64encode(hmac.digest(public, unsigned.encode(), "sha256")).rstrip(b"=").decode()
    with pytest.raises(Unauthenticated):
        await verifier.verify(f"{unsigned}.{signature}")


async def test_a_key_inside_a_token_is_not_trusted(verifier: TokenVerifier) -> None:
    other_issuer = Issuer(url=ISSUER.url, key_id=ISSUER.key_id)
    claims = jwt.decode(other_issuer.token(), options={"verify_signature": False})
    jwk = jwt.algorithms.ECAlgorithm.to_jwk(other_issuer.private_key.public_key(), as_dict=True)
    headers = {"kid": other_issuer.key_id, "typ": "at+jwt", "jwk": jwk, "jku": "http://evil.test/jwks.json"}
    with pytest.raises(Unauthenticated):
        await verifier.verify(jwt.encode(claims, other_issuer.private_key, algorithm="ES256", headers=headers))


async def test_ed25519_keys_are_accepted_too(revocations: SqliteRevocationList) -> None:
    key = ed25519.Ed25519PrivateKey.generate()
    jwk = jwt.algorithms.OKPAlgorithm.to_jwk(key.public_key(), as_dict=True)
    verifier = verifier_of({"keys": [{**jwk, "kid": "ed", "alg": "EdDSA"}]}, revocations)
    claims = jwt.decode(ISSUER.token("user-1"), options={"verify_signature": False})
    token = jwt.encode(claims, key, algorithm="EdDSA", headers={"kid": "ed", "typ": "AT+JWT"})
    assert (await verifier.verify(token)).user_id == "user-1"


async def test_another_curve_is_refused(revocations: SqliteRevocationList) -> None:
    key = ec.generate_private_key(ec.SECP384R1())
    jwk = jwt.algorithms.ECAlgorithm.to_jwk(key.public_key(), as_dict=True)
    verifier = verifier_of({"keys": [{**jwk, "kid": "p384"}]}, revocations)
    claims = jwt.decode(ISSUER.token(), options={"verify_signature": False})
    token = jwt.encode(claims, key, algorithm="ES384", headers={"kid": "p384", "typ": "at+jwt"})
    with pytest.raises(Unauthenticated):
        await verifier.verify(token)


async def test_a_revoked_session_is_refused_at_once(verifier: TokenVerifier, revocations: SqliteRevocationList) -> None:
    token = ISSUER.token(claims={"sid": "s1"})
    assert (await verifier.verify(token)).session_id == "s1"
    await revocations.revoke("s1", time.time() + 600)
    with pytest.raises(Unauthenticated):
        await verifier.verify(token)
    assert (await verifier.verify(ISSUER.token(claims={"sid": "s2"}))).session_id == "s2"


async def test_a_token_that_was_verified_before_is_refused_when_it_expires(
    verifier: TokenVerifier, monkeypatch: pytest.MonkeyPatch
) -> None:
    now = int(time.time())
    token = ISSUER.token(claims={"iat": now, "exp": now + 60})
    assert await verifier.verify(token) == await verifier.verify(token)
    for moment, accepted in ((now + 60 + 4, True), (now + 60 + 5, False), (now - 5, True), (now - 6, False)):
        monkeypatch.setattr("bank.identity.time.time", lambda at=moment: float(at))
        monkeypatch.setattr("jwt.api_jwt.datetime", _fixed_datetime(moment))
        if accepted:
            await verifier.verify(token)
        else:
            with pytest.raises(Unauthenticated):
                await verifier.verify(token)


def _fixed_datetime(moment: float) -> type[datetime]:
    class Fixed(datetime):
        @classmethod
        def now(cls, tz: tzinfo | None = None) -> Fixed:
            return cls.fromtimestamp(moment, tz)

    return Fixed


async def test_a_token_that_was_verified_before_is_refused_without_its_key(
    revocations: SqliteRevocationList,
) -> None:
    clock, server = Clock(), KeyServer(ISSUER.jwks())
    verifier = TokenVerifier(issuer=ISSUER.url, keys=RemoteKeys(server.fetch, clock=clock), revocations=revocations)
    token = ISSUER.token()
    await verifier.verify(token)
    clock.now += MAX_AGE_SECONDS
    await verifier.verify(token)  # the set was fetched again, with the same key
    server.document = Issuer().jwks()
    clock.now += MAX_AGE_SECONDS
    with pytest.raises(Unauthenticated):
        await verifier.verify(token)


# --- RemoteKeys


async def test_keys_are_fetched_on_first_use_and_once_for_concurrent_requests() -> None:
    server = KeyServer(ISSUER.jwks())
    keys = RemoteKeys(server.fetch)
    assert server.fetches == 0
    found = await asyncio.gather(*(keys.key(ISSUER.key_id) for _ in range(20)))
    assert all(key is not None and key.key_id == ISSUER.key_id for key in found)
    assert server.fetches == 1


async def test_an_unknown_key_causes_few_fetches() -> None:
    clock, server = Clock(), KeyServer(ISSUER.jwks())
    keys = RemoteKeys(server.fetch, clock=clock)
    await keys.key(ISSUER.key_id)
    for number in range(50):
        assert await keys.key(f"forged-{number}") is None
    assert server.fetches == 1
    clock.now += REFETCH_SECONDS
    rotated = Issuer()
    server.document = {"keys": [*_keys(ISSUER), *_keys(rotated)]}
    assert await keys.key(rotated.key_id) is not None
    assert await keys.key(ISSUER.key_id) is not None
    assert server.fetches == 2


async def test_a_withdrawn_key_is_forgotten_when_the_set_is_old() -> None:
    clock, server = Clock(), KeyServer(ISSUER.jwks())
    keys = RemoteKeys(server.fetch, clock=clock)
    await keys.key(ISSUER.key_id)
    server.document = Issuer().jwks()
    clock.now += MAX_AGE_SECONDS - 1
    assert await keys.key(ISSUER.key_id) is not None
    clock.now += 1
    assert await keys.key(ISSUER.key_id) is None


async def test_an_old_set_is_used_while_a_new_one_is_not_available() -> None:
    clock, server = Clock(), KeyServer(ISSUER.jwks())
    keys = RemoteKeys(server.fetch, clock=clock)
    await keys.key(ISSUER.key_id)
    clock.now += MAX_AGE_SECONDS
    server.failure = httpx.ConnectError("down")
    for _ in range(20):
        assert await keys.key(ISSUER.key_id) is not None
    assert server.fetches == 2


async def test_an_old_set_delays_at_most_one_request() -> None:
    clock, server = Clock(), KeyServer(ISSUER.jwks())
    keys = RemoteKeys(server.fetch, clock=clock)
    await keys.key(ISSUER.key_id)
    clock.now += MAX_AGE_SECONDS
    server.gate = asyncio.Event()
    paying = asyncio.create_task(keys.key(ISSUER.key_id))
    await asyncio.sleep(0)
    assert await asyncio.wait_for(keys.key(ISSUER.key_id), 30) is not None
    assert not paying.done()
    server.gate.set()
    assert await paying is not None


@pytest.mark.parametrize(
    ("failure", "expected"),
    [
        (httpx.ConnectError("refused"), Unavailable),
        (httpx.ConnectTimeout("unreachable"), Unavailable),
        (httpx.ReadTimeout("slow"), TimedOut),
        (ValueError("no JSON"), Unavailable),
    ],
    ids=repr,
)
async def test_without_keys_verification_fails_as_the_fetch_did_and_fetches_are_rare(
    failure: Exception, expected: type[ServiceError]
) -> None:
    """Before, an auth service that hangs was reported as one that is down (503 and not 504)."""
    clock, server = Clock(), KeyServer(ISSUER.jwks())
    server.failure = failure
    keys = RemoteKeys(server.fetch, clock=clock)
    for _ in range(20):
        with pytest.raises(expected):
            await keys.key(ISSUER.key_id)
    assert server.fetches == 1
    server.failure = None
    clock.now += RETRY_SECONDS
    assert await keys.key(ISSUER.key_id) is not None


async def test_a_failed_fetch_does_not_make_a_new_key_unknown() -> None:
    clock, server = Clock(), KeyServer(ISSUER.jwks())
    keys = RemoteKeys(server.fetch, clock=clock)
    await keys.key(ISSUER.key_id)
    clock.now += REFETCH_SECONDS
    server.failure = httpx.ConnectError("down")
    for _ in range(2):
        with pytest.raises(Unavailable):
            await keys.key("new")
    assert await keys.key(ISSUER.key_id) is not None


async def test_a_cancelled_fetch_does_not_make_a_good_key_unknown() -> None:
    clock, server = Clock(), KeyServer(ISSUER.jwks())
    server.gate = asyncio.Event()
    keys = RemoteKeys(server.fetch, clock=clock)
    with pytest.raises(TimeoutError):
        await asyncio.wait_for(keys.key(ISSUER.key_id), 0.01)
    server.gate.set()
    with pytest.raises(Unavailable):
        await keys.key(ISSUER.key_id)
    clock.now += RETRY_SECONDS
    assert await keys.key(ISSUER.key_id) is not None


@pytest.mark.parametrize("document", [None, [], {}, {"keys": []}, {"keys": [7]}, {"keys": 7}, "text"], ids=repr)
async def test_a_document_that_is_not_a_key_set_is_unavailable(document: Any) -> None:
    with pytest.raises(Unavailable):
        await RemoteKeys(KeyServer(document).fetch).key("any")


async def test_keys_are_fetched_over_http() -> None:
    async with ISSUER.published() as url, httpx.AsyncClient(timeout=30) as client:
        assert await RemoteKeys.at(url, client).key(ISSUER.key_id) is not None


@pytest.mark.parametrize("status", [302, 404, 500])
async def test_an_http_error_is_unavailable(status: int) -> None:
    async with serving_json(ISSUER.jwks(), status=status) as url, httpx.AsyncClient(timeout=30) as client:
        with pytest.raises(Unavailable):
            await RemoteKeys.at(url, client).key(ISSUER.key_id)


def _keys(issuer: Issuer) -> list[Any]:
    keys = issuer.jwks()["keys"]
    assert isinstance(keys, list)
    return keys
