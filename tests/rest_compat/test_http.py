"""The rules of every route: methods, media types, conditional requests, headers, forms of errors."""

from __future__ import annotations

import asyncio
from collections import Counter
from typing import TYPE_CHECKING

import httpx
import pytest

from rest_compat.bulkheads import WAIT_SECONDS
from rest_compat.errors import MalformedResponse, RouterTimeout, RouterUnreachable
from rest_compat.request_body import MAX_BODY_BYTES
from rest_compat.routes import ROUTES
from tests.rest_compat.fake_bank import TOKEN, FakeBank, account, graphql_error

if TYPE_CHECKING:
    from rest_compat.route import Route
    from servicekit.asgi import Message
    from tests.rest_compat.conftest import Stage

ID = "6560d1b2c3d4e5f601234567"


def url(route: Route) -> str:
    return "/".join(ID if segment.startswith(":") else segment for segment in route.path.split("/"))


def ids(route: object) -> str:
    return getattr(route, "operation", str(route))


SECURED = [route for route in ROUTES if route.secured]
READS = [route for route in ROUTES if route.method == "GET"]
WITH_BODY = [route for route in ROUTES if route.body]


@pytest.mark.parametrize("route", SECURED, ids=ids)
async def test_request_without_a_token_gets_401(anyone: httpx.AsyncClient, bank: FakeBank, route: Route) -> None:
    body = next(iter(route.body.examples.values())) if route.body else None
    response = await anyone.request(route.method, url(route), json=body)
    assert (response.status_code, response.json()["error"]["code"]) == (401, "UNAUTHENTICATED")
    assert bank.calls == []


@pytest.mark.parametrize("route", WITH_BODY, ids=ids)
async def test_documented_examples_are_well_formed(anyone: httpx.AsyncClient, bank: FakeBank, route: Route) -> None:
    assert route.body
    for example in route.body.examples.values():
        await anyone.request(route.method, url(route), json=example, headers={"authorization": TOKEN})
        assert len(bank.calls) == 1
        bank.calls.clear()


@pytest.mark.parametrize("route", WITH_BODY, ids=ids)
@pytest.mark.parametrize(
    ("content", "content_type", "status"),
    [
        (b"", "application/json", 400),
        (b"", None, 400),
        (b"[]", "application/json", 400),
        (b"{", "application/json; charset=utf-8", 400),
        (b'{"amount": NaN}', "application/json", 400),
        (b'{"amount": "1.00", "amount": "2.00"}', "application/json", 400),
        (b'{"name": "\\ud800"}', "application/json", 400),
        (b'{"name": "\xff"}', "application/json", 400),
        (b"[" * 50_000, "application/json", 400),
        (b'{"n": ' + b"9" * 5_000 + b"}", "application/json", 400),
        (b"{}", None, 415),
        (b"{}", "text/plain", 415),
        (b"{}", "application/json; charset=utf-16", 415),
        (b"a=b", "application/x-www-form-urlencoded", 415),
        (b"{" + b" " * MAX_BODY_BYTES + b"}", "application/json", 413),
    ],
    ids=lambda value: repr(value)[:24],
)
async def test_body_that_is_not_a_json_object_is_refused(
    ada: httpx.AsyncClient, route: Route, content: bytes, content_type: str | None, status: int
) -> None:
    headers = {} if content_type is None else {"content-type": content_type}
    response = await ada.request(route.method, url(route), content=content, headers=headers)
    assert response.status_code == status


async def test_request_with_an_incomplete_body_changes_nothing(stage: Stage, bank: FakeBank) -> None:
    started: Message = {"type": "http.request", "body": b'{"type":', "more_body": True}
    disconnected: Message = {"type": "http.disconnect"}
    messages = iter([started, disconnected])
    sent: list[Message] = []

    async def receive() -> Message:
        return next(messages)

    async def send(message: Message) -> None:
        sent.append(message)

    headers = [(b"content-type", b"application/json"), (b"authorization", TOKEN.encode())]
    path = "/api/accounts"
    scope = {"type": "http", "method": "POST", "path": path, "raw_path": path.encode(), "query_string": b""}
    await stage.app({**scope, "headers": headers, "root_path": ""}, receive, send)
    assert sent == []
    assert bank.calls == []


async def test_compressed_body_is_415(ada: httpx.AsyncClient) -> None:
    headers = {"content-type": "application/json", "content-encoding": "gzip"}
    assert (await ada.post("/api/accounts", content=b"x", headers=headers)).status_code == 415


@pytest.mark.parametrize("route", READS, ids=ids)
async def test_head_is_get_without_its_body(ada: httpx.AsyncClient, bank: FakeBank, route: Route) -> None:
    bank.accounts[ID] = account(id=ID)
    got, head = await ada.get(url(route)), await ada.head(url(route))
    assert (head.status_code, head.content) == (got.status_code, b"")
    volatile = {"x-request-id", "content-length"}
    for response in (got, head):
        assert int(response.headers["content-length"]) > 0
    assert {k: v for k, v in head.headers.items() if k not in volatile} == {
        k: v for k, v in got.headers.items() if k not in volatile
    }


@pytest.mark.parametrize(
    ("path", "allow"),
    [
        ("/api/auth/register", "OPTIONS, POST"),
        ("/api/auth/logout", "DELETE, OPTIONS"),
        ("/api/accounts", "GET, HEAD, OPTIONS, POST"),
        (f"/api/accounts/{ID}", "DELETE, GET, HEAD, OPTIONS, PUT"),
        ("/api/accounts/malformed", "DELETE, GET, HEAD, OPTIONS, PUT"),
        ("/api/transactions/transfer", "OPTIONS, POST"),
        ("/api/transactions/account", "GET, HEAD, OPTIONS"),
        (f"/api/transactions/account/{ID}", "GET, HEAD, OPTIONS"),
    ],
)
async def test_methods_come_from_the_table(anyone: httpx.AsyncClient, path: str, allow: str) -> None:
    options = await anyone.options(path)
    assert (options.status_code, options.headers["allow"]) == (204, allow)
    for method in {"GET", "HEAD", "POST", "PUT", "DELETE", "PATCH", "TRACE", "BREW"} - set(allow.split(", ")):
        response = await anyone.request(method, path)
        assert (response.status_code, response.headers["allow"]) == (405, allow)


@pytest.mark.parametrize(
    "path", ["/", "/api", "/api/", "/api/accounts/", f"/api/accounts/{ID}/", "/api/unknown", "/x/é"]
)
async def test_unknown_path_is_404(ada: httpx.AsyncClient, path: str) -> None:
    response = await ada.get(path)
    assert (response.status_code, response.json()["error"]["code"]) == (404, "NOT_FOUND")


@pytest.mark.parametrize(
    ("accept", "status"),
    [
        ("*/*", 200),
        ("application/*", 200),
        ("text/html, application/json;q=0.1", 200),
        ("application/problem+json", 200),
        ("", 200),
        ("text/html", 406),
        ("application/json;q=0, */*", 406),
        ("application/json;q=x", 406),
    ],
)
async def test_only_json_is_available(ada: httpx.AsyncClient, accept: str, status: int) -> None:
    assert (await ada.get("/api/auth/me", headers={"accept": accept})).status_code == status


async def test_problem_document_requires_its_media_type_in_accept(ada: httpx.AsyncClient) -> None:
    headers = {"accept": "application/json, application/problem+json", "x-request-id": "mine-1"}
    response = await ada.get(f"/api/accounts/{ID}", headers=headers)
    assert response.headers["content-type"] == "application/problem+json"
    document = response.json()
    assert document.pop("timestamp")
    assert document == {
        "type": "urn:mosafe:error:INVALID_ACCOUNT",
        "title": "Not Found",
        "status": 404,
        "detail": "Account not found",
        "instance": "urn:mosafe:request:mine-1",
        "code": "INVALID_ACCOUNT",
        "details": {"accountId": ID},
        "requestId": "mine-1",
    }


async def test_envelope_is_the_documented_one(ada: httpx.AsyncClient) -> None:
    response = await ada.get(f"/api/accounts/{ID}", headers={"x-request-id": "mine-1"})
    envelope = response.json()
    assert envelope.pop("timestamp").endswith("Z")
    assert envelope == {
        "error": {"code": "INVALID_ACCOUNT", "message": "Account not found", "details": {"accountId": ID}},
        "requestId": "mine-1",
    }
    assert response.headers["x-request-id"] == "mine-1"


async def test_router_request_has_the_id_and_trace_of_the_client(ada: httpx.AsyncClient, bank: FakeBank) -> None:
    trace = "0af7651916cd43dd8448eb211c80319c"
    await ada.get("/api/auth/me", headers={"x-request-id": "mine-1", "traceparent": f"00-{trace}-b7ad6b7169203331-01"})
    _, _, headers = bank.calls[-1]
    assert headers["x-request-id"] == "mine-1"
    assert headers["traceparent"].split("-")[1] == trace
    assert headers["authorization"] == TOKEN
    assert headers["accept"] == "application/graphql-response+json"


async def test_unchanged_body_is_304(ada: httpx.AsyncClient, bank: FakeBank) -> None:
    bank.accounts[ID] = account(id=ID)
    for route in READS:
        tag = (await ada.get(url(route))).headers.get("etag")
        if tag is None:
            continue
        opaque = tag.removeprefix("W/")
        assert opaque.startswith('"')
        for condition in (opaque, f"W/{opaque}", f'"other", {tag}', "*"):
            unchanged = await ada.get(url(route), headers={"if-none-match": condition})
            assert (unchanged.status_code, unchanged.content, unchanged.headers["etag"]) == (304, b"", tag)
        assert (await ada.get(url(route), headers={"if-none-match": '"other"'})).status_code == 200


@pytest.mark.parametrize(
    ("codes", "status", "code"),
    [
        (["FORBIDDEN", "UNAUTHENTICATED"], 401, "UNAUTHENTICATED"),
        (["BAD_USER_INPUT"], 400, "VALIDATION_ERROR"),
        (["GATEWAY_TIMEOUT", "SUBREQUEST_HTTP_ERROR"], 503, "SERVICE_UNAVAILABLE"),
        (["SUBREQUEST_HTTP_ERROR", "RATE_LIMITED"], 429, "RATE_LIMITED"),
        (["GATEWAY_TIMEOUT"], 504, "GATEWAY_TIMEOUT"),
        (["SUBREQUEST_MALFORMED_RESPONSE"], 500, "INTERNAL_SERVER_ERROR"),
        (["DOWNSTREAM_SERVICE_ERROR", "GATEWAY_TIMEOUT"], 504, "GATEWAY_TIMEOUT"),
        (["SERVICE_UNAVAILABLE"], 503, "SERVICE_UNAVAILABLE"),
        (["ROUTER_OVERLOADED"], 503, "SERVICE_UNAVAILABLE"),
        (["SUPERGRAPH_NOT_LOADED"], 503, "SERVICE_UNAVAILABLE"),
        ([""], 500, "INTERNAL_SERVER_ERROR"),
    ],
)
async def test_graphql_error_has_the_status_of_its_code(
    ada: httpx.AsyncClient, bank: FakeBank, codes: list[str], status: int, code: str
) -> None:
    secret = "host auth at 10.0.0.1: SELECT"
    bank.errors = [graphql_error(code, secret) for code in codes]
    response = await ada.get("/api/accounts")
    assert (response.status_code, response.json()["error"]["code"]) == (status, code)
    if status >= 500:
        assert "10.0.0.1" not in response.text
        assert ("retry-after" in response.headers) == (status in {503, 504})


@pytest.mark.parametrize(
    ("code", "status"), [("SERVICE_UNAVAILABLE", 503), ("ROUTER_OVERLOADED", 503), ("GATEWAY_TIMEOUT", 504)]
)
async def test_a_failure_passes_on_when_to_try_again(
    ada: httpx.AsyncClient, bank: FakeBank, code: str, status: int
) -> None:
    """Before, a 504 had no Retry-After, and an overloaded router was a 500."""
    bank.errors = [graphql_error(code, retryAfter=11)]
    response = await ada.get("/api/accounts")
    assert (response.status_code, response.headers["retry-after"]) == (status, "11")
    bank.errors = [graphql_error(code)]
    assert (await ada.get("/api/accounts")).headers["retry-after"] == "5"


async def test_rate_limit_has_retry_after(ada: httpx.AsyncClient, bank: FakeBank) -> None:
    bank.responses["accounts"] = graphql_error("RATE_LIMITED", retryAfter=7)
    response = await ada.get("/api/accounts")
    assert (response.status_code, response.headers["retry-after"]) == (429, "7")


async def test_rate_limit_names_the_policy_of_the_service(ada: httpx.AsyncClient, bank: FakeBank) -> None:
    policy = '"login-account";q=10;w=900'
    bank.responses["accounts"] = graphql_error("RATE_LIMITED", retryAfter=7, policy=policy)
    response = await ada.get("/api/accounts")
    assert response.headers["ratelimit-policy"] == policy
    assert response.headers["ratelimit"] == '"login-account";r=0;t=7'


@pytest.mark.parametrize("policy", [None, 5, '"a";q=1;w=1\r\nx: y', '"A";q=1;w=1', '"a";q=1', "x" * 10_000])
async def test_a_malformed_policy_is_left_out(ada: httpx.AsyncClient, bank: FakeBank, policy: object) -> None:
    bank.responses["accounts"] = graphql_error("RATE_LIMITED", retryAfter=7, policy=policy)
    response = await ada.get("/api/accounts")
    assert response.status_code == 429
    assert "ratelimit-policy" not in response.headers
    assert response.headers["ratelimit"] == '"default";r=0;t=7'


@pytest.mark.parametrize(
    ("error", "status"),
    [
        (RouterUnreachable(), 503),
        (RouterTimeout(), 504),
        (MalformedResponse(), 500),
        (ZeroDivisionError("secret"), 500),
    ],
)
async def test_client_gets_a_response_when_the_router_gives_none(
    ada: httpx.AsyncClient, bank: FakeBank, error: Exception, status: int
) -> None:
    async def fail() -> None:
        raise error

    bank.before = fail
    response = await ada.get("/api/auth/me")
    assert response.status_code == status
    assert "secret" not in response.text


async def test_router_response_of_another_shape_is_500(ada: httpx.AsyncClient, bank: FakeBank) -> None:
    bank.responses["openAccount"] = {"__typename": "LimitReached", "limit": 1, "code": None, "message": "m"}
    response = await ada.post("/api/accounts", json={"type": "SAVINGS", "currency": "EUR"})
    assert response.status_code == 500


async def test_health_follows_the_router(ada: httpx.AsyncClient, bank: FakeBank) -> None:
    async def fail() -> None:
        raise RouterUnreachable

    async with httpx.AsyncClient(transport=ada._transport, base_url="http://rest") as client:  # noqa: SLF001 - unchecked twin
        assert (await client.get("/health/ready")).status_code == 200
        bank.before = fail
        assert (await client.get("/health/ready")).status_code == 503
        assert (await client.get("/health/live")).status_code == 200


async def test_a_service_that_hangs_does_not_stop_the_routes_of_others(ada: httpx.AsyncClient, bank: FakeBank) -> None:
    """Before, 150 reads of accounts filled the connections to the router, and `/api/auth/me` waited 28 s for one."""
    hung, released = 0, asyncio.Event()

    async def hang(name: str) -> None:
        nonlocal hung
        if name == "accounts":
            hung += 1
            await released.wait()

    bank.before_field = hang
    reads = [asyncio.ensure_future(ada.get("/api/accounts")) for _ in range(150)]
    await asyncio.wait(reads, return_when=asyncio.FIRST_COMPLETED)  # the first that is refused
    async with asyncio.timeout(20):
        assert (await ada.get("/api/auth/me")).status_code == 200
    async with asyncio.timeout(15 * WAIT_SECONDS):
        for read in asyncio.as_completed(reads):
            await read
            if sum(each.done() for each in reads) == 110:
                break
    assert hung == 40
    released.set()
    responses = await asyncio.gather(*reads)
    statuses = Counter(response.status_code for response in responses)
    assert statuses == {200: 40, 503: 110}
    assert {response.headers["retry-after"] for response in responses if response.status_code == 503} == {"5"}


async def test_a_request_that_the_shutdown_cuts_off_gets_an_error_in_the_form_of_the_api(
    ada: httpx.AsyncClient, bank: FakeBank
) -> None:
    """Before, it got text/plain."""

    async def cut_off() -> None:
        raise asyncio.CancelledError

    bank.before = cut_off
    response = await ada.post("/api/accounts", json={"type": "SAVINGS", "currency": "EUR"})
    assert (response.status_code, response.json()["error"]["code"]) == (503, "SERVICE_UNAVAILABLE")
    assert response.headers["retry-after"] == "5"
