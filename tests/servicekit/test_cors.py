"""Which pages of other origins may send requests and read responses."""

from __future__ import annotations

from typing import TYPE_CHECKING

import httpx
import pytest
from structlog.testing import capture_logs

from servicekit.cors import CorsByPath, CorsMiddleware, CorsPolicy, CorsRules, Preflight, check_origin

if TYPE_CHECKING:
    from servicekit.asgi import Receive, Scope, Send

APP = "https://app.example"


def rules(*origins: str, allow_headers: tuple[str, ...] | None = None) -> CorsRules:
    return CorsRules(
        origins=origins,
        methods=("GET", "POST"),
        allow_headers=allow_headers,
        expose_headers=(),
        allow_credentials=False,
        max_age=60,
    )


def policy(*origins: str, allow_headers: tuple[str, ...] | None = None) -> CorsPolicy:
    return CorsPolicy(rules(*origins, allow_headers=allow_headers))


def allows(rule: str, origin: str) -> bool:
    return any(name == b"access-control-allow-origin" for name, _ in policy(rule).response_headers(origin))


@pytest.mark.parametrize(
    "origin", ["*", APP, "http://localhost:3000", "https://*.example.com", "http://*.test:8080", "http://[::1]:3000"]
)
def test_an_origin_that_a_browser_can_send_is_accepted(origin: str) -> None:
    assert check_origin(origin) == origin


@pytest.mark.parametrize(
    "origin",
    [
        "",
        "null",
        "app.example",
        "https://",
        "https://app.example/",
        "https://app.example/path",
        "https://app.example?x",
        "https://user@app.example",
        "https://app.example:443",
        "http://app.example:80",
        "https://App.example",
        "HTTPS://app.example",
        "https://müller.example",
        "https://*",
        "https://*example.com",
        "https://app.*.com",
        "https://*.*.com",
        "https://app.example:*",
        "*.example.com",
        "https://app.example:port",
        "https://[::1",
    ],
)
def test_an_origin_that_matches_no_page_is_refused(origin: str) -> None:
    """A rule that cannot match would be a silent mistake: the operator believes that the page is allowed."""
    with pytest.raises(ValueError, match=r"origin|wildcard"):
        check_origin(origin)


@pytest.mark.parametrize(
    ("rule", "origin"),
    [
        (APP, APP),
        ("https://*.example.com", "https://a.example.com"),
        ("https://*.example.com", "https://a.b.example.com"),
        ("https://*.example.com:8443", "https://a.example.com:8443"),
        ("*", "null"),
    ],
)
def test_an_allowed_origin_may_read_responses(rule: str, origin: str) -> None:
    assert allows(rule, origin)


@pytest.mark.parametrize(
    ("rule", "origin"),
    [
        (APP, "http://app.example"),
        (APP, "https://app.example:8443"),
        (APP, "https://app.example.evil"),
        (APP, "null"),
        ("https://*.example.com", "https://example.com"),
        ("https://*.example.com", "https://evilexample.com"),
        ("https://*.example.com", "https://a.example.com.evil"),
        ("https://*.example.com", "https://evil.test/.example.com"),
        ("https://*.example.com", "https://evil.test#.example.com"),
        ("https://*.example.com", "https://a.exampleXcom"),
        ("https://*.example.com", "https://a.example.com:8443"),
    ],
)
def test_a_similar_origin_may_not(rule: str, origin: str) -> None:
    assert not allows(rule, origin)


@pytest.mark.parametrize(
    ("given", "preflight", "reason"),
    [
        (policy(APP), Preflight("https://evil.test", "POST", ""), "the origin is not allowed"),
        (policy(APP), Preflight(APP, "PATCH", ""), "the method is not one of GET, POST"),
        (policy(APP, allow_headers=("x-a",)), Preflight(APP, "POST", "x-a, X-B,x-c"), "the headers x-b, x-c are not"),
        (policy(APP), Preflight(APP, "POST", "x-a, bad header"), "the headers bad header are not allowed"),
        (
            policy(APP),
            Preflight(APP, "POST", "", private_network=True),
            "requests to a private network are not allowed",
        ),
        (CorsPolicy(None), Preflight(APP, "POST", ""), "CORS is off"),
    ],
)
def test_a_refused_preflight_logs_its_reason(given: CorsPolicy, preflight: Preflight, reason: str) -> None:
    with capture_logs() as lines:
        given.preflight_headers(preflight)
    (line,) = lines
    assert (line["event"], line["origin"]) == ("preflight refused", preflight.origin)
    assert line["reason"].startswith(reason)


def test_a_preflight_that_passes_logs_nothing() -> None:
    with capture_logs() as lines:
        headers = dict(policy(APP).preflight_headers(Preflight(APP, "POST", "authorization, X-Anything")))
    assert headers[b"access-control-allow-headers"] == b"authorization, x-anything"
    assert lines == []


async def test_the_middleware_answers_preflights_and_adds_headers_to_responses() -> None:
    async def app(_scope: Scope, _receive: Receive, send: Send) -> None:
        await send({"type": "http.response.start", "status": 404, "headers": []})
        await send({"type": "http.response.body", "body": b"absent"})

    transport = httpx.ASGITransport(app=CorsMiddleware(app, CorsByPath(rules(APP))))
    async with httpx.AsyncClient(transport=transport, base_url="http://api", headers={"origin": APP}) as client:
        preflight = await client.options("/", headers={"access-control-request-method": "POST"})
        response = await client.get("/")
    assert (preflight.status_code, preflight.headers["access-control-allow-methods"]) == (204, "GET, POST")
    assert (response.status_code, response.text, response.headers["vary"]) == (404, "absent", "Origin")
    assert response.headers["access-control-allow-origin"] == APP


@pytest.mark.parametrize(
    ("path", "name"), [("/", "all"), ("/ab", "all"), ("/a", "a"), ("/a/", "a"), ("/a/x", "a"), ("/a/b", "b")]
)
def test_the_longest_path_above_decides(path: str, name: str) -> None:
    made = {each: rules(f"https://{each}.example") for each in ("all", "a", "b")}
    found = CorsByPath(made["all"], {"/a": made["a"], "/a/b/": made["b"]}).of(path)
    origin = f"https://{name}.example"
    assert dict(found.response_headers(origin))[b"access-control-allow-origin"] == origin.encode()
