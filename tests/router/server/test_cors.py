"""Pages of other origins, which may read responses if the settings say so."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from router.server.cors import cors_policies
from router.settings import InvalidSettings, read

if TYPE_CHECKING:
    from collections.abc import Callable

    from tests.router.server.asgi_client import AsgiClient

PAGES = "cors: {enabled: true, origins: ['https://app.example'], %s}"


async def test_no_page_may_read_responses_by_default(client: Callable[..., AsgiClient]) -> None:
    response = await client().post({"query": "q"}, origin="https://app.example")
    assert "access-control-allow-origin" not in response.headers


async def test_a_page_on_the_list_may_read_responses(client: Callable[..., AsgiClient]) -> None:
    response = await client(PAGES % "expose_headers: [X-Request-Id]").post({"query": "q"}, origin="https://app.example")
    assert response.headers["access-control-allow-origin"] == "https://app.example"
    assert response.headers["access-control-expose-headers"] == "x-request-id"
    assert response.headers["vary"] == "Origin, Accept, Accept-Encoding"
    assert "access-control-allow-credentials" not in response.headers


@pytest.mark.parametrize("origin", ["https://evil", "https://app.example.evil", "null"])
async def test_another_page_may_not(client: Callable[..., AsgiClient], origin: str) -> None:
    response = await client(PAGES % "max_age: 1m").post({"query": "q"}, origin=origin)
    assert "access-control-allow-origin" not in response.headers
    assert response.headers["vary"] == "Origin, Accept, Accept-Encoding"


@pytest.mark.parametrize(
    ("origin", "allowed"),
    [
        ("https://pr-12.example", True),
        ("https://pr-.example", False),
        ("https://pr-12.example.evil", False),
        ("https://evil/https://pr-12.example", False),
    ],
)
async def test_an_origin_may_match_a_pattern(client: Callable[..., AsgiClient], origin: str, *, allowed: bool) -> None:
    settings = r"cors: {enabled: true, origin_patterns: ['https://pr-[0-9]+\.example']}"
    response = await client(settings).post({"query": "q"}, origin=origin)
    assert ("access-control-allow-origin" in response.headers) is allowed


def test_a_pattern_for_every_origin_gets_no_credentials() -> None:
    with pytest.raises(InvalidSettings, match="every site"):
        read("cors: {enabled: true, origin_patterns: ['https://.*'], allow_credentials: true}", {})


@pytest.mark.parametrize(("setting", "allowed"), [("false", False), ("true", True)])
async def test_private_networks_are_a_setting(
    client: Callable[..., AsgiClient], setting: str, *, allowed: bool
) -> None:
    headers = {"origin": "https://app.example", "access-control-request-method": "POST"}
    pages = client(PAGES % f"allow_private_network: {setting}")
    response = await pages.send("OPTIONS", headers={**headers, "access-control-request-private-network": "true"})
    assert response is not None
    assert (response.headers.get("access-control-allow-private-network") == "true") is allowed
    response = await pages.send("OPTIONS", headers=headers)
    assert response is not None
    assert "access-control-allow-private-network" not in response.headers


async def test_a_preflight_gets_the_headers_of_the_settings(client: Callable[..., AsgiClient]) -> None:
    pages = client(PAGES % "allow_headers: [X-A, Content-Type], max_age: 1m, allow_credentials: true")
    response = await pages.send(
        "OPTIONS", headers={"origin": "https://app.example", "access-control-request-method": "POST"}
    )
    assert response is not None
    assert response.status == 204
    assert response.headers["access-control-allow-origin"] == "https://app.example"
    assert response.headers["access-control-allow-methods"] == "GET, HEAD, POST, OPTIONS"
    assert (
        response.headers["access-control-allow-headers"]
        == "x-a, content-type, x-apollo-operation-name, apollo-require-preflight"
    )
    assert response.headers["access-control-max-age"] == "60"
    assert response.headers["access-control-allow-credentials"] == "true"


APOLLO_CLIENT = (
    "apollographql-client-name,apollographql-client-version,authorization,content-type,traceparent,"
    "x-apollo-operation-name"
)


@pytest.mark.parametrize("settings", [PAGES % "max_age: 1m", PAGES % "allow_headers: null"])
async def test_apollo_client_passes_with_origins_alone(client: Callable[..., AsgiClient], settings: str) -> None:
    headers = {
        "origin": "https://app.example",
        "access-control-request-method": "POST",
        "access-control-request-headers": APOLLO_CLIENT,
    }
    response = await client(settings).send("OPTIONS", headers=headers)
    assert response is not None
    assert response.headers["access-control-allow-headers"].split(", ") == APOLLO_CLIENT.split(",")
    assert response.headers["vary"] == "Origin, Access-Control-Request-Headers"


async def test_the_headers_of_the_csrf_check_are_allowed_beside_a_list(client: Callable[..., AsgiClient]) -> None:
    pages = client(PAGES % "allow_headers: [authorization]")
    headers = {"origin": "https://app.example", "access-control-request-method": "POST"}
    response = await pages.send("OPTIONS", headers=headers)
    assert response is not None
    allowed = response.headers["access-control-allow-headers"]
    assert allowed == "authorization, x-apollo-operation-name, apollo-require-preflight"


async def test_an_options_request_that_is_no_preflight_gets_no_preflight_headers(
    client: Callable[..., AsgiClient],
) -> None:
    response = await client(PAGES % "max_age: 1m").send("OPTIONS", headers={"origin": "https://app.example"})
    assert response is not None
    assert response.headers["allow"] == "GET, HEAD, POST, OPTIONS"
    assert "access-control-allow-methods" not in response.headers


async def test_every_page_may_when_the_operator_says_so(client: Callable[..., AsgiClient]) -> None:
    response = await client("cors: {enabled: true, origins: ['*']}").post({"query": "q"}, origin="https://any")
    assert response.headers["access-control-allow-origin"] == "*"
    assert response.headers["vary"] == "Accept, Accept-Encoding"


async def test_refusals_can_be_read_by_the_page_too(client: Callable[..., AsgiClient]) -> None:
    response = await client(PAGES % "max_age: 1m").post(b"{", origin="https://app.example")
    assert response.status == 400
    assert response.headers["access-control-allow-origin"] == "https://app.example"


@pytest.mark.parametrize(
    ("origin", "allowed"),
    [
        ("http://localhost:5173", True),
        ("http://127.0.0.1:3000", True),
        ("http://[::1]:8080", True),
        ("https://localhost", True),
        ("http://localhost.example.com:80", False),
        ("http://127.0.0.1.example.com", False),
        ("http://evil-localhost:3000", False),
        ("https://example.com", False),
    ],
)
def test_pages_of_this_machine_are_a_setting(origin: str, *, allowed: bool) -> None:
    for text, environ in (("cors: {loopback: true}", {}), ("", {"MOSAFE_ENV": "development"})):
        policy = cors_policies(read(text, environ), ["POST"]).of("/graphql")
        assert ((b"access-control-allow-origin", origin.encode()) in policy.response_headers(origin)) is allowed
    off = cors_policies(read("cors: {loopback: false}", {"MOSAFE_ENV": "development"}), [])
    assert off.of("/graphql").response_headers(origin) == ()


PATHS = """
cors:
  enabled: true
  origins: ["https://app.example"]
  paths:
    /graphql/rates: {origins: ["*"]}
    /graphql/rates/inner: {origin_patterns: ['https://in[0-9][.]example']}
    /graphql/none: {}
"""


@pytest.mark.parametrize(
    ("path", "origin", "allowed"),
    [
        ("/graphql", "https://app.example", "https://app.example"),
        ("/graphql", "https://other.example", None),
        ("/graphql/rates", "https://other.example", "*"),
        ("/graphql/rates/x", "https://other.example", "*"),
        ("/graphql/ratesx", "https://other.example", None),
        ("/graphql/ratesx", "https://app.example", "https://app.example"),
        ("/graphql/rates/inner", "https://in1.example", "https://in1.example"),
        ("/graphql/rates/inner", "https://app.example", None),
        ("/graphql/none", "https://app.example", None),
    ],
)
async def test_a_path_can_have_other_origins(
    client: Callable[..., AsgiClient], path: str, origin: str, allowed: str | None
) -> None:
    pages = client(PATHS)
    preflight = {"origin": origin, "access-control-request-method": "POST"}
    for headers, method in (({"origin": origin}, "POST"), (preflight, "OPTIONS")):
        response = await pages.send(method, path, headers=headers)
        assert response is not None
        assert response.headers.get("access-control-allow-origin") == allowed


@pytest.mark.parametrize(
    ("cors", "message"),
    [
        ("{paths: {/a: {origins: ['*']}}}", "`paths` needs `enabled: true`"),
        ("{enabled: true, paths: {/a: {origins: ['*']}}, allow_credentials: true}", "every site"),
        ("{enabled: true, paths: {a: {origins: ['*']}}}", "a path begins with /"),
        ("{enabled: true}", "needs `origins`"),
    ],
)
def test_settings_that_cannot_work_are_refused(cors: str, message: str) -> None:
    with pytest.raises(InvalidSettings, match=message):
        read(f"cors: {cors}", {})
