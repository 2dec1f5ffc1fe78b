"""Authentication in a whole gateway: what clients get, what subgraphs learn, what the log says.

Covers `router/policies/authentication/make_authentication_stage.py`, `router/policies/authentication/api_keys.py`,
`router/policies/authentication/identity_forwarding.py`, `router/request/identity.py` and
`router/request/security_events.py`.
"""

from __future__ import annotations

import hashlib
import json
import time
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import httpx
import jwt
import pytest
from structlog.testing import capture_logs

from router import Gateway
from router.pipeline import RequestContext, Stage
from router.policies.authentication.identity_forwarding import header_value
from router.policies.load_operator_functions import PolicySetupError
from router.request.identity import Identity
from router.request.request_and_response import GraphQLRequest
from router.settings import InvalidSettings, read
from servicekit.tls.contexts import server_context
from tests.certificates import TestAuthority
from tests.router.policies.authentication.issuer import ISSUER, jwk_set, settings, token
from tests.router.shop import SDL, Shop
from tests.router.transport.certificates import self_signed
from tests.router.transport.scripted_server import Peer, response, serving

if TYPE_CHECKING:
    from pathlib import Path

    from router.request.request_and_response import GraphQLResponse

KEY = "key_5f8e2c1d9b7a4e63"
DIGEST = hashlib.sha256(KEY.encode()).hexdigest()
SECRET = "a secret that only routers and subgraphs know"


class Running:
    """A gateway in front of the shop."""

    def __init__(self, text: str, *stages: Stage) -> None:
        self.shop = Shop()
        self.gateway = Gateway.from_supergraph(SDL, read(text, {}), send=self.shop, stages=stages)

    async def __call__(self, query: str = "{ me { name } }", **headers: str) -> GraphQLResponse:
        named = {name.replace("_", "-"): value for name, value in headers.items()}
        return await self.gateway.execute(GraphQLRequest(query=query, headers=named))

    async def headers(self, **headers: str) -> dict[str, str]:
        """The headers that a subgraph gets."""
        assert "errors" not in (await self(**headers)).body
        return dict(self.shop.requests[-1].headers)


def code(response: GraphQLResponse) -> object:
    errors: Any = response.body.get("errors")
    return errors[0]["extensions"]["code"] if errors else None


def keys_file(folder: Path, **claims: object) -> str:
    (folder / "api-keys.json").write_text(json.dumps({DIGEST: {"sub": "reports", "scope": "read", **claims}}))
    return f"api_keys: {{file: '{folder}/api-keys.json'}}"


async def test_a_request_without_a_credential_is_served_unless_the_settings_forbid_it(tmp_path: Path) -> None:
    assert code(await Running(settings(tmp_path))()) is None
    closed = Running(settings(tmp_path)[:-1] + ", anonymous: false}")
    with capture_logs() as logs:
        response = await closed()
    assert (code(response), response.status) == ("UNAUTHENTICATED", 401)
    assert response.headers == (("www-authenticate", "Bearer"),)
    assert [line["event"] for line in logs] == ["credential missing"]
    assert closed.shop.requests == []
    assert code(await closed(authorization=f"Bearer {token()}")) is None


async def test_a_token_that_is_not_valid_is_refused_before_anything_is_fetched(tmp_path: Path) -> None:
    running = Running(settings(tmp_path))
    with capture_logs() as logs:
        response = await running("{ nonsense", authorization=f"Bearer {token(exp=1)}")
    assert (code(response), response.status) == ("UNAUTHENTICATED", 401)
    assert dict(response.headers)["www-authenticate"] == 'Bearer error="invalid_token"'
    assert [{**line} for line in logs] == [
        {"event": "credential refused", "method": "jwt", "reason": "expired", "log_level": "warning"}
    ]
    assert running.shop.requests == []


async def test_an_invalid_credential_can_be_ignored(tmp_path: Path) -> None:
    running = Running(settings(tmp_path)[:-1] + ", invalid_credentials: ignore, forward: {headers: {x-user: sub}}}")
    assert "x-user" not in await running.headers(authorization="Bearer x")


async def test_without_settings_there_is_no_stage() -> None:
    running = Running("")
    assert code(await running(authorization="Bearer x")) is None
    assert "Authentication" not in {type(stage).__name__ for stage in running.gateway.stages.stages}


async def test_http_has_the_status_and_the_challenge(tmp_path: Path) -> None:
    gateway = Running(settings(tmp_path)).gateway
    async with httpx.AsyncClient(transport=httpx.ASGITransport(gateway.asgi), base_url="http://router") as client:
        for accept in ("application/json", "application/graphql-response+json"):
            response = await client.post(
                "/graphql", json={"query": "{ me { name } }"}, headers={"authorization": "Bearer x", "accept": accept}
            )
            assert response.status_code == 401
            assert response.headers["www-authenticate"] == 'Bearer error="invalid_token"'


async def test_an_api_key_is_a_credential(tmp_path: Path) -> None:
    keys = keys_file(tmp_path)
    running = Running(f"authentication: {{anonymous: false, {keys}, forward: {{headers: {{x-user: sub}}}}}}")
    assert (await running.headers(x_api_key=KEY))["x-user"] == "reports"
    with capture_logs() as logs:
        assert code(await running(x_api_key=KEY + "x")) == "UNAUTHENTICATED"
    assert (logs[0]["method"], logs[0]["reason"]) == ("api_key", "unknown key")
    assert code(await running()) == "UNAUTHENTICATED"


async def test_an_api_key_expires(tmp_path: Path) -> None:
    assert code(await Running(f"authentication: {{{keys_file(tmp_path, exp=1)}}}")(x_api_key=KEY)) == "UNAUTHENTICATED"
    later = time.time() + 60
    assert code(await Running(f"authentication: {{{keys_file(tmp_path, exp=later)}}}")(x_api_key=KEY)) is None


def look_up(digest: str) -> dict[str, object] | None:
    """For the setting `api_keys.lookup`."""
    return {"sub": "looked up"} if digest == DIGEST else None


async def look_up_later(digest: str) -> dict[str, object] | None:
    return look_up(digest)


@pytest.mark.parametrize("name", ["look_up", "look_up_later"])
async def test_a_function_finds_api_keys(name: str) -> None:
    keys = f"api_keys: {{header: x-key, lookup: '{__name__}:{name}'}}"
    running = Running(f"authentication: {{{keys}, forward: {{headers: {{x-user: sub}}}}}}")
    assert (await running.headers(x_key=KEY))["x-user"] == "looked up"
    assert code(await running(x_key="x")) == "UNAUTHENTICATED"


async def test_only_the_token_counts_if_there_are_both(tmp_path: Path) -> None:
    text = settings(tmp_path)[:-1] + f", {keys_file(tmp_path)}, forward: {{headers: {{x-user: sub}}}}}}"
    running = Running(text)
    assert (await running.headers(authorization=f"Bearer {token()}", x_api_key=KEY))["x-user"] == "ada"
    assert code(await running(authorization="Bearer x", x_api_key=KEY)) == "UNAUTHENTICATED"


def is_revoked(claims: dict[str, object]) -> bool:
    """For the setting `jwt.revocation_check`."""
    return claims["sub"] == "gone"


async def test_a_function_revokes_tokens(tmp_path: Path) -> None:
    running = Running(settings(tmp_path, extra=f", revocation_check: '{__name__}:is_revoked'"))
    assert code(await running(authorization=f"Bearer {token()}")) is None
    for _ in range(2):
        with capture_logs() as logs:
            assert code(await running(authorization=f"Bearer {token(sub='gone', iat=1)}")) == "UNAUTHENTICATED"
        assert logs[0]["reason"] == "revoked"


async def test_a_revocation_list_that_cannot_be_read_refuses_tokens_only(tmp_path: Path) -> None:
    (tmp_path / "list").write_bytes(b"no database" * 100)
    table = f", revocation: {{sqlite: '{tmp_path}/list', table: t, column: c, claim: sub}}"
    running = Running(settings(tmp_path, extra=table))
    response = await running(authorization=f"Bearer {token()}")
    assert (code(response), response.status) == ("AUTHENTICATION_UNAVAILABLE", 503)
    assert code(await running()) is None
    await running.gateway.aclose()


FORWARDED = ", forward: {headers: {x-user: sub, x-scopes: scope, x-more: more}}}"


async def test_subgraphs_learn_claims_from_headers_that_no_client_can_forge(tmp_path: Path) -> None:
    rules = "\nheaders: {all: {request: [{propagate: {matching: '.*'}}]}}"
    running = Running(settings(tmp_path)[:-1] + FORWARDED + rules)
    sent = await running.headers(authorization=f"Bearer {token(more=['a', 'b'])}", x_user="root", x_other="kept")
    assert {name: sent[name] for name in ("x-user", "x-scopes", "x-more", "x-other")} == {
        "x-user": "ada",
        "x-scopes": "read write",
        "x-more": "a b",
        "x-other": "kept",
    }
    anonymous = await running.headers(x_user="root", x_other="kept")
    assert anonymous == {"x-other": "kept"}


@pytest.mark.parametrize(
    ("claim", "expected"),
    [
        ("ada", "ada"),
        ("a\r\nx-role: admin", "a%0D%0Ax-role: admin"),
        ("é", "%C3%A9"),
        ("100%", "100%25"),
        (["a", "b"], "a b"),
        ([1, "b"], '[1,"b"]'),
        ({"a": "\n"}, '{"a":"\\n"}'),
        (7, "7"),
        (True, "true"),
        (None, "null"),
    ],
)
def test_a_claim_cannot_break_out_of_its_header(claim: object, expected: str) -> None:
    assert header_value(claim) == expected


async def test_subgraphs_learn_claims_from_a_signed_token(tmp_path: Path) -> None:
    own = "header: x-who, issuer: gate, audience: inside"
    forward = f", forward: {{token: {{secret: '{SECRET}', lifetime: 60s, claims: [sub, scope, iss], {own}}}}}}}"
    running = Running(settings(tmp_path)[:-1] + forward)
    credential = {"authorization": f"Bearer {token()}"}
    signed = (await running.headers(**credential))["x-who"]
    claims = jwt.decode(signed, SECRET, algorithms=["HS256"], audience="inside", issuer="gate")
    assert (claims["sub"], claims["scope"], claims["exp"] - claims["iat"]) == ("ada", "read write", 60)
    assert (await running.headers(**credential))["x-who"] == signed
    assert "x-who" not in await running.headers(x_who=signed)


@dataclass
class KeyServer:
    """Serves a JWK set over HTTPS, or nothing while it is silent."""

    silent: bool = False
    heads: list[str] = field(default_factory=list)

    async def __call__(self, peer: Peer) -> None:
        while True:
            self.heads.append((await peer.reader.readuntil(b"\r\n\r\n")).decode())
            if self.silent:
                await peer.reader.read()
            await peer.reply(response(jwk_set("ec").encode()))


async def test_keys_are_fetched_as_the_settings_say(tmp_path: Path) -> None:
    tls, authority = self_signed(tmp_path)
    keys, credential = KeyServer(), {"authorization": f"Bearer {token()}"}
    async with serving(keys, tls=tls) as server:
        trust = f", certificate_authority: '{authority}'"
        source = f"url: '{server.url}/keys', timeout: 30s{trust}"
        text = f"authentication: {{jwt: {{issuers: [{{issuer: '{ISSUER}', audiences: [shop], keys: {{{source}}}}}]}}}}"
        running, distrusting = Running(text), Running(text.replace(trust, ""))
        assert code(await running(**credential)) is None
        assert code(await distrusting(**credential)) == "AUTHENTICATION_UNAVAILABLE"
        assert [head.split(" ")[1] for head in keys.heads] == ["/graphql/keys"]
        keys.silent = True
        late = Running(text.replace("30s", "50ms"))
        assert code(await late(**credential)) == "AUTHENTICATION_UNAVAILABLE"
        for each in (running, distrusting, late):
            await each.gateway.aclose()


async def test_keys_are_fetched_with_the_client_certificate_of_the_settings(tmp_path: Path) -> None:
    authority = TestAuthority(tmp_path)
    files, keys = authority.files("router"), KeyServer()
    credential = {"authorization": f"Bearer {token()}"}
    own = f"client_certificate: '{files.certificate}', client_key: '{files.key}'"
    async with serving(keys, tls=server_context(authority.files("auth"))) as server:
        source = f"url: '{server.url}/keys', timeout: 30s, certificate_authority: '{files.authorities}'"
        for tls, expected in (
            ("", "AUTHENTICATION_UNAVAILABLE"),
            (f", {own}", None),
            (f", {own}, server_identity: spiffe://test/auth", None),
            (f", {own}, server_identity: spiffe://test/other", "AUTHENTICATION_UNAVAILABLE"),
        ):
            keys_of = f"{{issuer: '{ISSUER}', audiences: [shop], keys: {{{source}{tls}}}}}"
            running = Running(f"authentication: {{jwt: {{issuers: [{keys_of}]}}}}")
            assert code(await running(**credential)) == expected
            await running.gateway.aclose()


async def test_a_stage_of_an_embedding_program_sees_the_identity_and_may_replace_it(tmp_path: Path) -> None:
    seen: list[Identity | None] = []

    class Own(Stage):
        async def on_request(self, context: RequestContext) -> None:
            seen.append(context.identity)
            context.identity = Identity({"sub": "own"})

    running = Running(settings(tmp_path)[:-1] + FORWARDED, Own())
    assert (await running.headers(authorization=f"Bearer {token()}"))["x-user"] == "own"
    assert seen[0] is not None
    assert seen[0].claims["sub"] == "ada"


async def test_queries_of_clients_with_an_identity_are_not_shared_as_anonymous(tmp_path: Path) -> None:
    sources = ", sources: [{header: x-who, scheme: ''}]"
    checked = f"{sources}, revocation: {{sqlite: '{tmp_path}/none', table: t, column: c, claim: sub}}"
    for extra, expected in ((sources, "unverified"), (checked, "verified")):
        running = Running(settings(tmp_path, extra=extra))
        await running(x_who=token())
        await running()
        assert [request.caller for request in running.shop.requests] == [expected, "anonymous"]


async def test_a_reload_keeps_verified_tokens(tmp_path: Path) -> None:
    old, new = (Running(settings(tmp_path)).gateway for _ in range(2))
    await old.execute(GraphQLRequest(query="{ me { name } }", headers={"authorization": f"Bearer {token()}"}))
    new.inherit(old)
    stage: Any = new.stages.stages[0]
    assert len(stage._tokens.verified) == 1  # noqa: SLF001


def one_issuer(keys: str) -> str:
    return f"authentication: {{jwt: {{issuers: [{{issuer: a, {keys}}}]}}}}"


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("authentication: {anonymous: false}", "every request is refused"),
        ("authentication: {forward: {headers: {x-a: sub}}}", "needs `jwt.issuers` or `api_keys`"),
        (one_issuer("audiences: [], keys: {url: 'http://a'}"), "every token"),
        (one_issuer("audiences: [b], keys: {}"), "either `url` or `file`"),
        (one_issuer("audiences: [b], keys: {url: 'http://a'}, algorithms: [none]"), "algorithms"),
        (one_issuer("audiences: [b], keys: {url: 'http://a'}, algorithms: [HS256]"), "their key is secret"),
        (one_issuer("keys: {url: 'http://a'}"), "audiences"),
        ("authentication: {jwt: {sources: [{header: a, cookie: b}]}}", "either `header` or `cookie`"),
        ("authentication: {api_keys: {lookup: 'no function'}}", "lookup"),
        ("authentication: {api_keys: {lookup: 'a:b'}, forward: {token: {secret: short}}}", "32 bytes"),
        ("authentication: {jwt: {revocation: {sqlite: a, table: 'a\"b', column: c, claim: d}}}", "table"),
    ],
)
def test_settings_that_cannot_work_are_refused(text: str, message: str) -> None:
    with pytest.raises(InvalidSettings, match=message):
        read(text, {})


@pytest.mark.parametrize("content", ["x", "[]", '{"x": {}}', f'{{"{DIGEST}": 1}}', f'{{"{DIGEST.upper()}": {{}}}}'])
def test_a_file_that_cannot_be_used_is_named(tmp_path: Path, content: str) -> None:
    (tmp_path / "f.json").write_text(content)
    with pytest.raises(PolicySetupError, match=r"authentication\.api_keys\.file: .*f\.json"):
        Running(f"authentication: {{api_keys: {{file: '{tmp_path}/f.json'}}}}")
    issuer = f"issuer: i, audiences: [a], keys: {{file: '{tmp_path}/f.json'}}"
    with pytest.raises(PolicySetupError, match=r"issuers: i: .*f\.json is not a JWK set"):
        Running(f"authentication: {{jwt: {{issuers: [{{{issuer}}}]}}}}")
