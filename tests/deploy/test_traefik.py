"""Routes, limits and headers of Traefik in front of the platform. Run by `make test-deploy`."""

from __future__ import annotations

import asyncio
import json
import re
import ssl
import uuid
from typing import TYPE_CHECKING, NamedTuple

import httpx
import pytest

from tests.tools.traefik_server import without_verification

if TYPE_CHECKING:
    from tests.deploy.front import Front

pytestmark = [pytest.mark.asyncio(loop_scope="session"), pytest.mark.timeout(300)]


async def test_traefik_accepts_every_route_and_rule(front: Front) -> None:
    for kind in ("routers", "services", "middlewares"):
        assert [item for item in front.traefik.api(f"/http/{kind}") if item["status"] != "enabled"] == []


async def test_plain_http_is_redirected(front: Front) -> None:
    async with httpx.AsyncClient(base_url=f"http://127.0.0.1:{front.traefik.http_port}", timeout=30) as plain:
        for method, status in (("GET", 301), ("POST", 308)):
            response = await plain.request(method, "/api/accounts?first=1")
            assert response.status_code == status
            assert response.headers["location"] == f"{front.traefik.url}/api/accounts?first=1"


@pytest.mark.parametrize(
    ("path", "part"),
    [
        ("/", "text/html"),
        ("/docs", "text/html"),
        ("/openapi.json", '"openapi":"3.1'),
        ("/.well-known/jwks.json", '"keys"'),
        ("/.well-known/openid-configuration", '"issuer"'),
        ("/oauth/authorize", "text/html"),
        ("/graphql?query={__typename}", "Query"),
    ],
)
async def test_each_path_reaches_its_service(front: Front, path: str, part: str) -> None:
    headers = {"accept": "text/html" if part == "text/html" else "application/json", "apollo-require-preflight": "1"}
    response = await front.client.get(path, headers=headers)
    assert part in response.headers["content-type"] + response.text.replace(": ", ":"), response.text[:300]


@pytest.mark.parametrize("path", ["/health/ready", "/health/live", "//health/ready", "/api/../health/ready"])
async def test_health_is_not_public(front: Front, path: str) -> None:
    assert (await raw_get(front, path)) in {301, 404}


@pytest.mark.parametrize("path", ["/internal/postings", "/api/..%2finternal", "/api%00", "/graphql%2f", "/api/%5c.."])
async def test_no_path_leads_to_what_only_services_may_call(front: Front, path: str) -> None:
    assert (await raw_get(front, path)) in {400, 404}


async def raw_get(front: Front, path: str) -> int:
    """Send a path as it is: HTTP clients would normalise it."""
    reader, writer = await asyncio.open_connection("127.0.0.1", front.traefik.port, ssl=without_verification())
    writer.write(f"GET {path} HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n".encode())
    await writer.drain()
    status_line = await reader.readline()
    writer.close()
    await writer.wait_closed()
    return int(status_line.split()[1])


DEEP = (
    "{ me { accounts { nodes "
    + "{ transactions { nodes { counterparty { account " * 12
    + "{ id }"
    + "} } } }" * 12
    + " } } }"
)
JSON = {"content-type": "application/json"}


class Attack(NamedTuple):
    """A request, and the statuses with which it may be refused."""

    method: str
    path: str
    headers: dict[str, str]
    content: str
    statuses: set[int]


@pytest.mark.parametrize(
    "attack",
    [
        Attack("TRACE", "/api/accounts", {}, "", {405}),
        Attack("GET", "/graphql?query=mutation{logout{__typename}}", {"apollo-require-preflight": "1"}, "", {405}),
        Attack("POST", "/graphql", {"content-type": "text/plain"}, '{"query":"{__typename}"}', {400, 415}),
        Attack("POST", "/graphql", JSON, json.dumps({"query": DEEP}), {200, 400}),
        Attack("POST", "/graphql", JSON, json.dumps({"query": "{" + "a: __typename " * 20_000 + "}"}), {200, 400}),
        Attack("POST", "/graphql", JSON, "[" + ",".join(['{"query":"{__typename}"}'] * 500) + "]", {400}),
        Attack("POST", "/graphql", JSON, '{"query":', {400}),
        Attack("POST", "/api/accounts", {"content-type": "application/xml"}, "<!DOCTYPE x><x/>", {401, 415}),
        Attack("PUT", "/webhooks/payments", JSON, "{}", {404, 405}),
    ],
    ids=lambda attack: f"{attack.method} {attack.path[:30]} {attack.content[:20]}",
)
async def test_attacks_on_a_graphql_bank_are_refused(front: Front, attack: Attack) -> None:
    method, path, headers, content, statuses = attack
    response = await front.client.request(method, path, headers=headers, content=content.encode())
    assert response.status_code in statuses, response.text[:300]
    if response.status_code == 200:  # GraphQL reports an error of the document in the body
        body = response.json()
        assert body["errors"]
        assert not body.get("data")


async def test_a_request_that_is_hidden_behind_a_body_gets_past_no_rule(front: Front) -> None:
    """Request smuggling: a request with two lengths. What follows is refused, or is routed as any other request."""
    hidden = b"GET /health/ready HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n"
    lengths = b"Content-Length: %d\r\nTransfer-Encoding: chunked\r\n" % (len(hidden) + 5)
    reader, writer = await asyncio.open_connection("127.0.0.1", front.traefik.port, ssl=without_verification())
    writer.write(b"POST /api/auth/login HTTP/1.1\r\nHost: localhost\r\n" + lengths + b"\r\n0\r\n\r\n" + hidden)
    await writer.drain()
    async with asyncio.timeout(60):
        responses = await reader.read()
    writer.close()
    await writer.wait_closed()
    statuses = re.findall(rb"HTTP/1\.1 (\d+)", responses)
    assert statuses
    assert set(statuses) <= {b"400", b"404", b"415"}


async def test_responses_have_the_security_headers_and_no_name_of_a_server(front: Front) -> None:
    headers = (await front.client.get("/openapi.json")).headers
    assert headers["strict-transport-security"] == "max-age=31536000; includeSubDomains"
    assert headers["x-content-type-options"] == "nosniff"
    assert headers["x-frame-options"] == "DENY"
    assert "server" not in headers
    assert "content-security-policy" in (await front.client.get("/", headers={"accept": "text/html"})).headers


async def test_large_responses_are_compressed(front: Front) -> None:
    response = await front.client.get("/openapi.json", headers={"accept-encoding": "gzip"})
    assert response.headers["content-encoding"] == "gzip"


async def test_a_large_body_is_refused(front: Front) -> None:
    body = b" " * 3_000_000
    for path in ("/api/accounts", "/graphql"):
        response = await front.client.post(path, content=body, headers={"content-type": "application/json"})
        assert response.status_code == 413, path


@pytest.mark.parametrize("version", [ssl.TLSVersion.TLSv1_2, ssl.TLSVersion.TLSv1_3])
async def test_current_versions_of_tls_are_served(front: Front, version: ssl.TLSVersion) -> None:
    assert await front.handshake(version, version) is not None


@pytest.mark.filterwarnings("ignore:ssl.TLSVersion.TLSv1(_1)? is deprecated")  # that is why it is tried
@pytest.mark.parametrize("name", [None, "localhost", "bank.example"])
async def test_old_versions_and_ciphers_of_tls_are_refused_whatever_name_is_asked_for(
    front: Front, name: str | None
) -> None:
    """Options of TLS that are not `default` would silently not be used by our routes, which have no `Host`."""
    with pytest.raises(ssl.SSLError):
        await front.handshake(ssl.TLSVersion.TLSv1, ssl.TLSVersion.TLSv1_1, name=name)
    with pytest.raises(ssl.SSLError):
        await front.handshake(ssl.TLSVersion.TLSv1_2, ssl.TLSVersion.TLSv1_2, ciphers="AES128-SHA", name=name)


async def test_a_client_cannot_invent_its_address(front: Front) -> None:
    forged = {"x-forwarded-for": "203.0.113.9", "x-real-ip": "203.0.113.9", "forwarded": "for=203.0.113.9"}
    aliases = {"x_forwarded_for": "203.0.113.9", "x-original-url": "/internal", "x-http-method-override": "DELETE"}
    async with front.client_from("127.0.0.7") as client:
        response = await client.post("/webhooks/echo", headers={**forged, **aliases}, content=b"{}")
    received = response.text.lower()
    assert "x-forwarded-for: 127.0.0.7\r\n" in received
    assert "203.0.113.9" not in received
    assert not {"x-original-url", "x-http-method-override", "forwarded:"} & set(re.split(r"[\s]|: ", received))
    (line,) = [line for line in front.traefik.requests() if line["RequestPath"] == "/webhooks/echo"]
    assert line["ClientHost"] == "127.0.0.7"


async def test_the_access_log_has_no_secrets(front: Front) -> None:
    secret = uuid.uuid4().hex
    headers = {"authorization": f"Bearer {secret}", "cookie": f"session={secret}", "x-api-key": secret}
    await front.client.get(f"/api/auth/me?code={secret}", headers=headers)
    lines = [line for line in front.traefik.requests() if line["RequestPath"] == "/api/auth/me"]
    assert lines
    assert secret not in json.dumps(front.traefik.requests())


async def test_many_attempts_to_log_in_are_refused_before_a_password_is_hashed(front: Front) -> None:
    async with front.client_from("127.0.0.8") as client:
        # Without a content type, so that no attempt costs a password hash.
        attempts = await asyncio.gather(*(client.post("/api/auth/login", content=b"{") for _ in range(120)))
    assert {attempt.status_code for attempt in attempts} == {415, 429}
    # Other clients are not affected.
    assert (await front.client.post("/api/auth/login", content=b"{")).status_code == 415
