"""Tokens that are bound to a key, in a whole gateway: which proofs are accepted (RFC 9449), and the attacks on them.

Covers `router/settings/sections/dpop.py` and `servicekit/dpop/used_proofs_in_redis.py`.
"""

from __future__ import annotations

import asyncio
import time
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

import httpx
import pytest
from redis import Redis
from structlog.testing import capture_logs

from router import Gateway
from router.request.request_and_response import GraphQLRequest
from router.settings import InvalidSettings, read
from servicekit.dpop.proofs import read_proof, thumbprint
from servicekit.dpop.statements import HEADER, CheckedProof
from tests.forged_proofs import FORGED, OWNER, URL, key, proof, unsigned
from tests.router.policies.authentication.issuer import settings, token
from tests.router.shop import SDL, Shop

if TYPE_CHECKING:
    from collections.abc import Mapping

    from router.request.request_and_response import GraphQLResponse

NONCE_SECRET: Final = "a secret that all workers of the router know"


def bound_token(name: str = OWNER, **claims: Any) -> str:
    return token(cnf={"jkt": thumbprint(key(name))}, **claims)


class Running:
    """A gateway that accepts bound tokens, in front of the shop."""

    def __init__(self, folder: Path, dpop: str = "mode: accept", extra: str = "", *, text: str | None = None) -> None:
        self.shop = Shop()
        text = text or settings(folder, extra=f", dpop: {{urls: ['{URL}'], {dpop}}}") + extra
        self.gateway = Gateway.from_supergraph(SDL, read(text, {}), send=self.shop)

    @classmethod
    def of(cls, text: str) -> Running:
        return cls(Path(), text=text)

    async def __call__(
        self,
        authorization: str,
        proof: str | None = None,
        *,
        others: Mapping[str, str] | None = None,
        **request: Any,
    ) -> GraphQLResponse:
        headers = {"authorization": authorization, **({"dpop": proof} if proof is not None else {}), **(others or {})}
        return await self.gateway.execute(GraphQLRequest(query="{ me { name } }", headers=headers, **request))

    async def reason(self, authorization: str, proof: str | None = None, **request: Any) -> str | None:
        """Return why the credential is refused according to the log, None if it is accepted."""
        with capture_logs() as logs:
            response = await self(authorization, proof, **request)
        refused = [line["reason"] for line in logs if line["event"] == "credential refused"]
        if not refused:
            assert "errors" not in response.body, response.body
            return None
        assert response.status == 401
        assert response.body == {
            "errors": [{"message": "The credential is not valid.", "extensions": {"code": "UNAUTHENTICATED"}}]
        }
        assert self.shop.requests == []
        assert not any(part in str(logs) for part in (authorization.split()[1], proof or "no proof"))
        return str(refused[0])


async def test_a_bound_token_is_accepted_with_a_proof(tmp_path: Path) -> None:
    running = Running(tmp_path)
    bound = bound_token()
    assert await running.reason(f"DPoP {bound}", proof(bound)) is None
    assert await running.reason(f"dpop {bound}", proof(bound)) is None
    assert await running.reason(f"Bearer {token()}") is None


@pytest.mark.parametrize(("signer", "algorithm"), [("ed", "EdDSA"), ("rsa", "RS256"), ("other", "ES256")])
async def test_keys_of_every_kind_can_be_bound(tmp_path: Path, signer: str, algorithm: str) -> None:
    running = Running(tmp_path, "mode: require, algorithms: [EdDSA, RS256, ES256]")
    bound = bound_token(signer)
    assert await running.reason(f"DPoP {bound}", proof(bound, signer=signer, algorithm=algorithm)) is None


@pytest.mark.filterwarnings("ignore::jwt.warnings.InsecureKeyLengthWarning")  # one of the keys is weak on purpose
@pytest.mark.parametrize("name", FORGED)
async def test_a_proof_that_is_not_valid_is_refused(tmp_path: Path, name: str) -> None:
    forged = FORGED[name]
    running, bound = Running(tmp_path, "mode: accept, algorithms: [ES256, RS256]"), bound_token()
    assert await running.reason(f"DPoP {bound}", proof(bound, **forged.changes)) == f"proof: {forged.reason}"


async def test_requests_that_go_around_the_proof_are_refused(tmp_path: Path) -> None:
    running, bound = Running(tmp_path), bound_token()
    valid = proof(bound)
    for authorization, given, expected in (
        # Downgrade: a stolen token as a plain one.
        (f"Bearer {bound}", None, "bound token without proof"),
        (f"Bearer {bound}", valid, "bound token without proof"),
        (f"Bearer {token(cnf={'jkt': 5})}", None, "bound token without proof"),
        # A plain token as a bound one, with the key of an attacker.
        (f"DPoP {token()}", valid, "token is not bound"),
        (f"DPoP {token(cnf='x')}", valid, "token is not bound"),
        (f"DPoP {token(cnf={'jkt': ['x']})}", valid, "token is not bound"),
        (f"DPoP {token(cnf={'jkt': ''})}", valid, "proof: other key"),
        (f"DPoP {bound}", None, "proof: missing or malformed"),
        (f"DPoP {bound}", "", "proof: missing or malformed"),
        (f"DPoP {bound}", f"{valid}, {proof(bound)}", "proof: missing or malformed"),
        (f"DPoP {bound}", unsigned(proof(bound)), "proof: missing or malformed"),
        (f"DPoP {bound}", valid[:-4] + "AAAA", "proof: malformed"),
        (f"DPoP {bound}", "x" * 9_000, "proof: missing or malformed"),
        (f"DPoP {bound}", bound, "proof: type"),
        (f"DPoP {bound_token('ec')}", valid, "proof: other key"),
        (f"DPoP {bound_token(sub='other')}", valid, "proof: other token"),
    ):
        assert await running.reason(authorization, given) == expected
    assert await running.reason(f"DPoP {bound}", valid) is None, "no refused request has used the proof"


async def test_a_bound_token_in_a_cookie_is_refused(tmp_path: Path) -> None:
    text = settings(tmp_path, extra=f", sources: [{{cookie: session}}], dpop: {{mode: accept, urls: ['{URL}']}}")
    gateway = Gateway.from_supergraph(SDL, read(text, {}), send=Shop())
    bound = bound_token()
    headers = {"cookie": f"session={bound}", "dpop": proof(bound)}
    assert (await gateway.execute(GraphQLRequest(query="{ me { name } }", headers=headers))).status == 401
    headers = {"authorization": f"DPoP {bound}", "dpop": proof(bound)}
    assert (await gateway.execute(GraphQLRequest(query="{ me { name } }", headers=headers))).status is None


async def test_only_bound_tokens_are_accepted_if_the_mode_is_require(tmp_path: Path) -> None:
    running, bound = Running(tmp_path, "mode: require"), bound_token()
    assert await running.reason(f"Bearer {token()}") == "token is not bound"
    assert await running.reason(f"DPoP {bound}", proof(bound)) is None


async def test_proofs_are_not_read_if_the_mode_is_off(tmp_path: Path) -> None:
    running, bound = Running(tmp_path, "mode: 'off'"), bound_token()
    assert await running.reason(f"Bearer {bound}", "not a proof") is None


async def test_a_proof_is_used_once(tmp_path: Path) -> None:
    running, bound = Running(tmp_path), bound_token()
    first, second = proof(bound, jti="a"), proof(bound, jti="b")
    assert await running.reason(f"DPoP {bound}", first) is None
    running.shop.requests.clear()
    assert await running.reason(f"DPoP {bound}", first) == "proof: used before"
    assert await running.reason(f"DPoP {bound}", proof(bound, jti="a")) == "proof: used before"
    assert await running.reason(f"DPoP {bound}", second) is None
    after = Running(tmp_path)
    after.gateway.inherit(running.gateway)
    assert await after.reason(f"DPoP {bound}", first) == "proof: used before", "a reload forgets no proof"


async def test_routers_share_used_proofs_in_redis(tmp_path: Path, redis_url: str) -> None:
    dpop = f"mode: accept, redis: {{url: '{redis_url}', timeout: 2s, prefix: 'shared:'}}"
    first, second = Running(tmp_path, dpop), Running(tmp_path, dpop)
    bound = bound_token()
    used = proof(bound)
    assert await first.reason(f"DPoP {bound}", used) is None
    first.shop.requests.clear()
    for running in (first, second):
        assert await running.reason(f"DPoP {bound}", used) == "proof: used before"
    assert await second.reason(f"DPoP {bound}", proof(bound)) is None
    raced = proof(bound)
    answers = await asyncio.gather(*(running(f"DPoP {bound}", raced) for running in (first, second) * 10))
    assert sum(response.status != 401 for response in answers) == 1
    with Redis.from_url(redis_url) as client:
        keys = client.keys("shared:*")
        assert len(keys) == 3
        assert all(0 < client.ttl(key) <= 72 for key in keys)
    for running in (first, second):
        await running.gateway.aclose()


async def test_a_proof_is_refused_with_503_while_redis_does_not_respond(tmp_path: Path) -> None:
    running, bound = Running(tmp_path, "mode: accept, redis: {url: 'redis://u:secret@127.0.0.1:9'}"), bound_token()
    with capture_logs() as logs:
        response = await running(f"DPoP {bound}", proof(bound))
    errors: Any = response.body["errors"]
    assert (response.status, errors[0]["extensions"]["code"]) == (503, "AUTHENTICATION_UNAVAILABLE")
    assert [(line["event"], line["reason"]) for line in logs] == [("used proofs unavailable", "ConnectionError")]
    assert running.shop.requests == []
    assert await running.reason(f"Bearer {token()}") is None
    await running.gateway.aclose()


@pytest.mark.parametrize("with_redis", [False, True], ids=["memory", "redis"])
async def test_the_operations_of_a_batch_share_a_proof(tmp_path: Path, redis_url: str, *, with_redis: bool) -> None:
    dpop = "mode: accept" + (f", redis: {{url: '{redis_url}', timeout: 2s}}" if with_redis else "")
    running, bound = Running(tmp_path, dpop, extra="\nbatching: {enabled: true}"), bound_token()
    headers = {"authorization": f"DPoP {bound}", "dpop": proof(bound)}
    transport = httpx.ASGITransport(running.gateway.asgi)
    async with httpx.AsyncClient(transport=transport, base_url="http://router") as client:
        batch = [{"query": "{ me { name } }"}] * 3
        assert all("data" in each for each in (await client.post("/graphql", json=batch, headers=headers)).json())
        assert (await client.post("/graphql", json=batch[0], headers=headers)).status_code == 401
    await running.gateway.aclose()


async def test_a_full_memory_of_proofs_refuses_instead_of_forgetting(tmp_path: Path) -> None:
    running, bound = Running(tmp_path, "mode: accept, remembered_proofs: 1"), bound_token()
    assert await running.reason(f"DPoP {bound}", proof(bound)) is None
    response = await running(f"DPoP {bound}", proof(bound))
    assert (response.status, dict(response.headers)) == (503, {"retry-after": "1"})


async def test_a_get_needs_a_proof_for_get(tmp_path: Path) -> None:
    running, bound = Running(tmp_path), bound_token()
    assert await running.reason(f"DPoP {bound}", proof(bound), read_only=True) == "proof: method"
    assert await running.reason(f"DPoP {bound}", proof(bound, htm="GET"), read_only=True) is None


@pytest.mark.parametrize(
    ("url", "accepted"),
    [
        ("https://api.example/graphql?query=x#y", True),
        ("HTTPS://API.example:443/graphql", True),
        ("https://api.example/graphql/abc", False),
    ],
)
async def test_equal_urls_may_be_written_in_several_ways(tmp_path: Path, *, url: str, accepted: bool) -> None:
    running, bound = Running(tmp_path), bound_token()
    assert (await running.reason(f"DPoP {bound}", proof(bound, htu=url)) is None) is accepted


async def test_the_age_of_a_proof_is_the_setting(tmp_path: Path) -> None:
    running, bound = Running(tmp_path, "mode: accept, lifetime: 10m"), bound_token()
    assert await running.reason(f"DPoP {bound}", proof(bound, iat=int(time.time()) - 500)) is None


async def test_with_a_nonce_secret_a_proof_needs_a_nonce_of_the_router(tmp_path: Path) -> None:
    nonces = f"mode: accept, nonce_secret: '{NONCE_SECRET}', nonce_lifetime: 1m"
    running, bound = Running(tmp_path, nonces), bound_token()
    headers: dict[str, str] = {}
    for nonce in (None, "x", 5):
        response = await running(f"DPoP {bound}", proof(bound, nonce=nonce))
        headers = dict(response.headers)
        assert response.status == 401
        assert headers["www-authenticate"] == 'DPoP error="use_dpop_nonce", algs="ES256 EdDSA"'
    other_worker = Running(tmp_path, nonces)
    assert await other_worker.reason(f"DPoP {bound}", proof(bound, nonce=headers["dpop-nonce"])) is None


async def test_a_proof_is_checked_even_if_invalid_credentials_are_ignored(tmp_path: Path) -> None:
    """Subgraphs would get the token, and cannot check the proof."""
    for mode in ("accept", f"accept, nonce_secret: '{NONCE_SECRET}'"):
        text = settings(tmp_path, extra=f", dpop: {{urls: ['{URL}'], mode: {mode}}}")[:-1]
        running = Running.of(f"{text}, invalid_credentials: ignore}}")
        bound = bound_token()
        for authorization, given in ((f"Bearer {bound}", None), (f"DPoP {bound}", None), (f"DPoP {bound}", proof("x"))):
            assert (await running(authorization, given)).status == 401
        if "nonce" in mode:
            assert "dpop-nonce" in dict((await running(f"DPoP {bound}", proof(bound))).headers)
        assert running.shop.requests == []
        assert "errors" not in (await running("Bearer nonsense")).body


async def test_subgraphs_learn_which_key_was_proved(tmp_path: Path) -> None:
    text = settings(tmp_path, extra=f", dpop: {{urls: ['{URL}'], mode: accept}}")[:-1]
    running, bound = Running.of(f"{text}, forward: {{proof_key: x-key}}}}"), bound_token()
    assert "errors" not in (await running(f"DPoP {bound}", proof(bound))).body
    assert dict(running.shop.requests[-1].headers)["x-key"] == thumbprint(key(OWNER))
    # For the same token without a proof, the header is not sent: the request is refused.
    assert (await running(f"DPoP {bound}", proof(bound, htm="GET"))).status == 401
    plain = await running(f"Bearer {token()}")
    assert "errors" not in plain.body
    assert "x-key" not in dict(running.shop.requests[-1].headers)


async def test_no_client_can_say_which_key_was_proved(tmp_path: Path) -> None:
    text = settings(tmp_path, extra=f", dpop: {{urls: ['{URL}'], mode: accept}}")[:-1]
    propagate = "headers: {all: {request: [{propagate: {matching: '.*'}}]}}"
    running = Running.of(f"{text}, forward: {{proof_key: x-key}}}}\n{propagate}")
    forged = {"authorization": f"Bearer {token()}", "x-key": thumbprint(key(OWNER)), "x-other": "1"}
    response = await running.gateway.execute(GraphQLRequest(query="{ me { name } }", headers=forged))
    assert "errors" not in response.body
    sent = dict(running.shop.requests[-1].headers)
    assert ("x-key" in sent, sent["x-other"]) == (False, "1")


STATEMENT_SECRET: Final = "77ab" * 16
STATED: Final = f"mode: accept, statement_secret: '{STATEMENT_SECRET}'"


def checked(token_text: str, *, signer: str = OWNER, request: str = "request", **changes: Any) -> CheckedProof:
    """What the REST layer states about a proof for one of its own URLs."""
    htu = "https://api.example/api/accounts"
    given = read_proof(proof(token_text, signer=signer, htm="GET", htu=htu, **changes), ("ES256",), clock_skew=60)
    return replace(CheckedProof.of(given, token_text), request=request)


def statement(about: CheckedProof, secret: str = STATEMENT_SECRET) -> dict[str, str]:
    return {HEADER: about.statement(secret, time.time())}


async def test_a_server_in_front_states_which_key_was_proved(tmp_path: Path) -> None:
    text = settings(tmp_path, extra=f", dpop: {{urls: ['{URL}'], {STATED}}}")[:-1]
    running, bound = Running.of(f"{text}, forward: {{proof_key: x-key}}}}"), bound_token()
    about = checked(bound)
    assert await running.reason(f"DPoP {bound}", others=statement(about)) is None
    assert dict(running.shop.requests[-1].headers)["x-key"] == thumbprint(key(OWNER))
    # A server may need several requests for one of its client.
    assert await running.reason(f"DPoP {bound}", others=statement(about)) is None
    assert await running.reason(f"DPoP {bound}", proof(bound)) is None, "other clients send proofs as before"


async def test_forged_statements_are_refused(tmp_path: Path) -> None:
    running, bound = Running(tmp_path, STATED), bound_token()
    used = statement(checked(bound, jti="used"))
    assert await running.reason(f"DPoP {bound}", others=used) is None
    running.shop.requests.clear()
    for others, expected in (
        (used, "proof: used before"),
        (statement(checked(bound, jti="used", request="another")), "proof: used before"),
        (statement(checked(bound, signer="ec")), "proof: other key"),
        (statement(checked("another.token")), "proof: other token"),
        (statement(checked(bound), secret="0bad" * 16), "proof: statement"),
        ({HEADER: thumbprint(key(OWNER))}, "proof: statement"),
        ({HEADER: ""}, "proof: statement"),
        ({HEADER: "x" * 9_000}, "proof: statement"),
        ({HEADER: bound}, "proof: statement"),
        ({HEADER: proof(bound)}, "proof: statement"),
        ({HEADER: f"{statement(checked(bound))[HEADER]}, {statement(checked(bound))[HEADER]}"}, "proof: statement"),
    ):
        assert await running.reason(f"DPoP {bound}", others=others) == expected
    # A bearer token stays one, and a forged statement does not replace a missing proof where statements are off.
    stated = statement(checked(bound))
    assert await running.reason(f"Bearer {bound}", others=stated) == "bound token without proof"
    assert await running.reason(f"DPoP {token()}", others=stated) == "token is not bound"
    without = Running(tmp_path)
    assert await without.reason(f"DPoP {bound}", others=stated) == "proof: missing or malformed"


async def test_a_statement_is_used_once_at_all_routers(tmp_path: Path, redis_url: str) -> None:
    dpop = f"{STATED}, redis: {{url: '{redis_url}', timeout: 2s, prefix: 'stated:'}}"
    first, second = Running(tmp_path, dpop), Running(tmp_path, dpop)
    bound = bound_token()
    about = checked(bound)
    used = statement(about)
    assert await first.reason(f"DPoP {bound}", others=used) is None
    assert await second.reason(f"DPoP {bound}", others=used) == "proof: used before"
    assert await second.reason(f"DPoP {bound}", others=statement(about)) is None, "the same request of the client"
    second.shop.requests.clear()
    replayed = statement(replace(about, request="another"))
    assert await second.reason(f"DPoP {bound}", others=replayed) == "proof: used before"
    for running in (first, second):
        await running.gateway.aclose()


def test_a_header_with_the_key_needs_proofs(tmp_path: Path) -> None:
    with pytest.raises(InvalidSettings, match="proof_key"):
        read(f"{settings(tmp_path)[:-1]}, forward: {{proof_key: x-key}}}}", {})


@pytest.mark.parametrize(
    ("mode", "error", "expected"),
    [
        ("accept", "", ["Bearer", 'DPoP algs="ES256 EdDSA"']),
        ("require", "", ['DPoP algs="ES256 EdDSA"']),
        (
            "accept",
            'error="invalid_token"',
            ['Bearer error="invalid_token"', 'DPoP error="invalid_token", algs="ES256 EdDSA"'],
        ),
        ("require", 'error="invalid_token"', ['DPoP error="invalid_token", algs="ES256 EdDSA"']),
    ],
)
async def test_the_challenges_name_the_schemes(tmp_path: Path, mode: str, error: str, expected: list[str]) -> None:
    text = settings(tmp_path, extra=f", dpop: {{mode: {mode}, urls: ['{URL}']}}")[:-1] + ", anonymous: false}"
    gateway = Gateway.from_supergraph(SDL, read(text, {}), send=Shop())
    headers = {"authorization": "DPoP x"} if error else {}
    transport = httpx.ASGITransport(gateway.asgi)
    async with httpx.AsyncClient(transport=transport, base_url="http://router") as client:
        response = await client.post("/graphql", json={"query": "{ me { name } }"}, headers=headers)
    assert response.status_code == 401
    assert response.headers.get_list("www-authenticate") == expected


@pytest.mark.parametrize(
    ("dpop", "message"),
    [
        ("{mode: accept}", "give `urls`"),
        ("{mode: accept, urls: ['https://a.example'], algorithms: []}", "algorithms"),
        ("{mode: accept, urls: ['https://a.example'], algorithms: [HS256]}", "algorithms"),
        ("{urls: ['/graphql']}", "urls"),
        ("{nonce_secret: short}", "32 bytes"),
        ("{statement_secret: short}", "32 bytes"),
    ],
)
def test_settings_that_cannot_work_are_refused(dpop: str, message: str) -> None:
    with pytest.raises(InvalidSettings, match=message):
        read(f"authentication: {{jwt: {{dpop: {dpop}}}}}", {})
