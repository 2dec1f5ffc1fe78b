"""Bound tokens at the REST layer: its own checks of proofs, and what it tells the router (RFC 9449 §7).

The router's checks are in `tests/router/policies/authentication/test_dpop_proofs.py`, and both together in
`tests/e2e/test_bound_tokens.py`.

Covers `rest_compat/dpop.py`.
"""

from __future__ import annotations

import time
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Final

import httpx
import pytest

from rest_compat.app import create_app
from rest_compat.settings import RestSettings
from servicekit.dpop.nonces import Nonces
from servicekit.dpop.proofs import digest, thumbprint
from servicekit.dpop.statements import HEADER, read_statement
from tests.forged_proofs import FORGED, OWNER, key, proof, unsigned
from tests.rest_compat import openapi_check
from tests.rest_compat.fake_bank import SUPERGRAPH, FakeBank, account, graphql_error
from tests.rest_compat.fake_bank import TOKEN as BEARER

if TYPE_CHECKING:
    from collections.abc import Mapping

    from rest_compat.graphql_client import HttpResponse

SECRET: Final = "4b1d" * 16
NONCE_SECRET: Final = "c0de" * 16
PUBLIC: Final = "https://bank.example/v1"
URL: Final = f"{PUBLIC}/api/accounts"
TOKEN: Final = "a.bound.token"


@dataclass
class Layer:
    """A REST layer behind a proxy, in front of a bank in memory. `sent` has the headers of requests to the router."""

    bank: FakeBank = field(default_factory=FakeBank)
    sent: list[Mapping[str, str]] = field(default_factory=list)
    settings: dict[str, object] = field(default_factory=dict)

    def __post_init__(self) -> None:
        values = {"REST_SUPERGRAPH": SUPERGRAPH, "REST_PUBLIC_URL": f"{PUBLIC}/", "MOSAFE_ENV": "development"}
        values |= {"DPOP_STATEMENT_SECRET": SECRET, **self.settings}
        self.app = create_app(RestSettings.model_validate(values), self._send)

    async def _send(self, headers: Mapping[str, str], body: bytes) -> HttpResponse:
        self.sent.append(headers)
        return await self.bank.send({**headers, "authorization": BEARER}, body)

    async def __call__(
        self, given: str | None, method: str = "GET", path: str = "/api/accounts", **options: Any
    ) -> httpx.Response:
        headers = [("authorization", options.pop("authorization", f"DPoP {TOKEN}")), *options.pop("more", ())]
        headers += [("dpop", given)] if given is not None else []
        async with httpx.AsyncClient(transport=httpx.ASGITransport(app=self.app), base_url="http://rest") as client:
            response = await client.request(method, path, headers=headers, **options)
        if path.startswith("/api/"):
            openapi_check.check(response)
        return response


def get_proof(token: str = TOKEN, **changes: Any) -> str:
    return proof(token, **{"htm": "GET", "htu": URL, **changes})


async def test_a_proof_for_the_public_url_is_accepted_and_stated_to_the_router() -> None:
    layer = Layer()
    assert (await layer(get_proof(jti="a"))).status_code == 200
    (headers,) = layer.sent
    statement = read_statement(headers[HEADER], SECRET, clock_skew=0)
    statement.check(thumbprint(key(OWNER)), TOKEN)
    assert headers["authorization"] == f"DPoP {TOKEN}"
    assert "dpop" not in headers
    # A query is no part of the URL of a proof, and the method is that of the request.
    assert (await layer(get_proof(), path="/api/accounts?limit=5")).status_code == 200
    assert (await layer(get_proof(htm="HEAD"), method="HEAD")).status_code == 200
    assert (await layer(get_proof(signer="ed", algorithm="EdDSA"))).status_code == 200


async def test_the_requests_for_one_request_have_one_proof_and_a_statement_each() -> None:
    layer, own = Layer(), account()
    layer.bank.accounts[own["id"]] = own
    url = f"{URL}/{own['id']}"
    path = f"/api/accounts/{own['id']}"
    tag = (await layer(get_proof(htu=url), path=path)).headers["etag"]
    layer.sent.clear()
    options: dict[str, Any] = {"more": [("if-match", tag)], "json": {"type": "SAVINGS"}}
    await layer(get_proof(htm="PUT", htu=url), "PUT", path, **options)
    first, second = (read_statement(headers[HEADER], SECRET, clock_skew=0) for headers in layer.sent)
    assert first.proof == second.proof
    assert first.digest != second.digest


@pytest.mark.filterwarnings("ignore::jwt.warnings.InsecureKeyLengthWarning")  # one of the keys is weak on purpose
async def test_forged_proofs_are_refused() -> None:
    layer = Layer()
    refused = 0
    for name, forged in FORGED.items():
        if name == "key of an attacker":
            continue  # only the router knows to which key the token is bound
        given = {"htm": "GET", "htu": URL, **forged.changes}
        if name in {"other method", "method in lower case"}:
            given["htm"] = {"other method": "POST", "method in lower case": "get"}[name]
        response = await layer(proof(TOKEN, **given))
        challenge = 'DPoP realm="mosafe", error="invalid_dpop_proof", algs="ES256 EdDSA"'
        assert (response.status_code, response.headers["www-authenticate"]) == (401, challenge), name
        refused += 1
    assert refused == len(FORGED) - 1
    assert layer.sent == []


@pytest.mark.parametrize("given", [None, "", "x" * 9_000])
async def test_a_request_without_a_proof_is_refused(given: str | None) -> None:
    layer = Layer()
    assert (await layer(given)).status_code == 401
    assert layer.sent == []


async def test_a_request_without_a_proof_of_its_own_is_refused() -> None:
    layer = Layer()
    for given in (
        get_proof()[:-4] + "AAAA",
        unsigned(get_proof()),
        f"{get_proof()}, {get_proof()}",
        get_proof("another.token"),
        get_proof(htu="http://rest/api/accounts"),  # the address behind the proxy
        get_proof(htu="https://bank.example/api/accounts"),
        get_proof(htu=f"{PUBLIC}/api/transactions"),
        get_proof(htu=f"{PUBLIC}/graphql"),
        get_proof(iat=int(time.time()) - 600),
    ):
        assert (await layer(given)).status_code == 401, given
    assert layer.sent == []


async def test_headers_from_outside_do_not_replace_a_proof() -> None:
    """Neither a host that the client names, nor a header of the platform, nor a second proof."""
    layer = Layer()
    valid = get_proof()
    stated = {HEADER: "x", "x-dpop-key": thumbprint(key(OWNER))}
    for more in (
        [
            ("host", "evil.example"),
            ("x-forwarded-host", "evil.example"),
            ("dpop", get_proof(htu="https://evil.example")),
        ],
        [*stated.items()],
        [("dpop", valid), ("dpop", valid)],
    ):
        assert (await layer(None, more=more)).status_code == 401
    assert layer.sent == []
    # With a valid proof, and with a bearer token, the headers of the client reach nobody.
    assert (await layer(valid, more=[*stated.items()])).status_code == 200
    assert (await layer(None, authorization="Bearer ada", more=[*stated.items()])).status_code == 200
    read_statement(layer.sent[0][HEADER], SECRET, clock_skew=0)
    assert "x-dpop-key" not in layer.sent[0]
    assert not {HEADER, "x-dpop-key"} & layer.sent[1].keys()


async def test_without_a_secret_bound_tokens_are_refused() -> None:
    layer = Layer(settings={"DPOP_STATEMENT_SECRET": None})
    response = await layer(get_proof())
    assert (response.status_code, response.headers["www-authenticate"]) == (401, 'Bearer realm="mosafe"')
    assert layer.sent == []


async def test_a_token_with_other_characters_is_refused() -> None:
    layer = Layer()
    for authorization in ("DPoP", "DPoP ", "DPoP a b", 'DPoP "x"', "DPoP é"):
        assert (await layer(get_proof(), authorization=authorization.encode())).status_code == 401
    assert layer.sent == []


async def test_challenges_name_the_schemes() -> None:
    layer = Layer()
    async with httpx.AsyncClient(transport=httpx.ASGITransport(app=layer.app), base_url="http://rest") as client:
        missing = await client.get("/api/accounts")
    assert missing.headers["www-authenticate"] == ('Bearer realm="mosafe", DPoP realm="mosafe", algs="ES256 EdDSA"')
    bearer = await layer(None, authorization="Bearer")
    assert bearer.headers["www-authenticate"] == 'Bearer realm="mosafe"'
    layer.bank.errors = [graphql_error("UNAUTHENTICATED")]
    refused = await layer(get_proof())
    assert refused.headers["www-authenticate"] == 'DPoP realm="mosafe", error="invalid_token", algs="ES256 EdDSA"'


async def test_a_proof_needs_a_recent_nonce_if_there_is_a_secret() -> None:
    layer = Layer(settings={"DPOP_NONCE_SECRET": NONCE_SECRET})
    old = Nonces(NONCE_SECRET).make(time.time() - 3_600)
    fresh = ""
    for nonce in (None, "x", 5, old, Nonces("0bad" * 16).make(time.time())):
        response = await layer(get_proof(nonce=nonce))
        fresh = response.headers["dpop-nonce"]
        assert response.headers["www-authenticate"] == (
            'DPoP realm="mosafe", error="use_dpop_nonce", algs="ES256 EdDSA"'
        )
        assert response.status_code == 401
    assert layer.sent == []
    another = Layer(settings={"DPOP_NONCE_SECRET": NONCE_SECRET})
    answered = await another(get_proof(nonce=fresh))
    assert answered.status_code == 200
    assert (await layer(get_proof(nonce=answered.headers["dpop-nonce"]))).status_code == 200
    assert "dpop-nonce" not in (await layer(None, authorization="Bearer ada")).headers


async def test_graphql_of_the_page_takes_bound_tokens_too() -> None:
    layer = Layer()
    options: dict[str, Any] = {"json": {"query": "{ me { name } }"}, "path": "/graphql", "method": "POST"}
    assert (await layer(proof(TOKEN, htu=f"{PUBLIC}/graphql"), **options)).status_code == 200
    assert read_statement(layer.sent[0][HEADER], SECRET, clock_skew=0).proof.token_digest == digest(TOKEN.encode())
    for refused in (None, proof(TOKEN, htu=URL), get_proof()):
        response = await layer(refused, **options)
        assert response.json()["errors"][0]["extensions"]["code"] == "UNAUTHENTICATED"
        assert response.status_code == 401
    assert len(layer.sent) == 1
