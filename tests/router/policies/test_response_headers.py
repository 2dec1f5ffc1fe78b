"""Rules decide which headers of subgraph responses a client gets."""

from __future__ import annotations

from typing import Any

import pytest

from router.gateway import Gateway
from router.policies.response_headers import ResponseHeaders, most_restrictive
from router.request.request_and_response import GraphQLRequest
from router.settings import InvalidSettings, read
from router.settings.types import PROTOCOL_HEADERS
from router.transport.interface import SubgraphRequest, SubgraphResponse
from tests.router.shop import SDL, Shop
from tests.router.transport.scripted_server import Peer, response, serving


def given(rules: str, *responses: tuple[str, dict[str, str]], own: str = "[]") -> dict[str, list[str]]:
    settings = read(f"headers: {{all: {{response: {rules}}}, subgraphs: {{b: {{response: {own}}}}}}}", {})
    return ResponseHeaders(settings.headers).apply(responses)


A = ("a", {"x-one": "1", "x-two": "a", "set-cookie": "c=1; Expires=Mon, 01\nd=2", "content-length": "7", "vary": "q"})
B = ("b", {"x-two": "b", "set-cookie": "e=3", "connection": "x-two", "date": "now"})


@pytest.mark.parametrize(
    ("rules", "expected"),
    [
        ("[]", {}),
        ("[{propagate: {named: X-One}}]", {"x-one": ["1"]}),
        ("[{propagate: {named: x-two}}]", {"x-two": ["b"]}),
        ("[{propagate: {named: x-two, merge: first}}]", {"x-two": ["a"]}),
        ("[{propagate: {named: x-two, merge: append}}]", {"x-two": ["a, b"]}),
        ("[{propagate: {named: x-one, rename: X-Other}}]", {"x-other": ["1"]}),
        ("[{propagate: {named: absent, default: d}}]", {"absent": ["d"]}),
        ("[{propagate: {named: content-length, rename: x-length}}]", {"x-length": ["7"]}),
        ("[{propagate: {matching: 'X-.*'}}]", {"x-one": ["1"], "x-two": ["b"]}),
        ("[{propagate: {matching: '.*'}}]", {"x-one": ["1"], "x-two": ["b"], "vary": ["q"]}),
        ("[{propagate: {matching: '.*'}}, {remove: {matching: 'x-.*'}}]", {"vary": ["q"]}),
        ("[{insert: {name: X-Set, value: v}}]", {"x-set": ["v"]}),
        ("[{propagate: {named: set-cookie}}]", {"set-cookie": ["c=1; Expires=Mon, 01", "d=2", "e=3"]}),
        ("[{propagate: {named: set-cookie, merge: last}}]", {"set-cookie": ["e=3"]}),
    ],
)
def test_rules_decide_what_a_client_gets(rules: str, expected: dict[str, list[str]]) -> None:
    assert given(rules, A, B) == expected


def test_rules_of_a_subgraph_come_after_those_for_all_and_touch_no_other() -> None:
    rules, own = "[{propagate: {named: x-two}}]", "[{insert: {name: x-b, value: yes}}, {remove: {named: x-two}}]"
    assert given(rules, A, B, own=own) == {"x-b": ["yes"]}
    assert given(rules, A, own=own) == {"x-two": ["a"]}


@pytest.mark.parametrize("name", sorted(PROTOCOL_HEADERS))
@pytest.mark.parametrize(
    "rule", ["propagate: {named: %s}", "propagate: {named: a, rename: %s}", "insert: {name: %s, value: x}"]
)
def test_no_rule_sets_a_header_of_the_connection(name: str, rule: str) -> None:
    with pytest.raises(InvalidSettings, match="belongs to the connection"):
        read(f"headers: {{all: {{response: [{{{rule.replace('%s', name)}}}]}}}}", {})


@pytest.mark.parametrize(
    "rule",
    [
        "propagate: {}",
        "propagate: {named: a, matching: b}",
        "propagate: {matching: a, default: b}",
        "propagate: {named: etag, merge: most_restrictive}",
        "propagate: {named: a}, remove: {named: a}",
    ],
)
def test_rules_that_mean_nothing_are_refused(rule: str) -> None:
    with pytest.raises(InvalidSettings):
        read(f"headers: {{all: {{response: [{{{rule}}}]}}}}", {})


@pytest.mark.parametrize(
    ("first", "second", "expected"),
    [
        ("max-age=60", "max-age=30", "max-age=30"),
        ("public, max-age=60", "public, max-age=90", "public, max-age=60"),
        ("public, max-age=60", "private, max-age=90", "private, max-age=60"),
        ("max-age=60", "no-store", "no-store"),
        ("max-age=60", "", "no-store"),
        ("max-age=60", "no-cache", "no-cache, max-age=60"),
        ("max-age=60, stale-if-error=9", "max-age=60", "max-age=60"),
        ("max-age=60, stale-if-error=9", 'max-age="60", STALE-IF-ERROR=5', "max-age=60, stale-if-error=5"),
        ("max-age=60", "max-age=soon", "max-age=0"),
        ("public", "s-maxage=5, must-revalidate", "must-revalidate, s-maxage=5"),
        ("public", "immutable", "no-store"),
    ],
)
def test_the_strictest_cache_control_decides(first: str, second: str, expected: str) -> None:
    assert most_restrictive(first, second) == expected
    assert most_restrictive(second, first) == expected


CACHED = "headers: {all: {response: [{propagate: {named: cache-control}}]}}"


async def cache_control(query: str, **headers: str) -> str | None:
    shop = Shop()

    async def send(request: SubgraphRequest) -> SubgraphResponse:
        found = await shop(request)
        own = {"cache-control": headers[request.subgraph]} if request.subgraph in headers else {}
        return SubgraphResponse(status=found.status, body=found.body, headers=own)

    gateway = Gateway.from_supergraph(SDL, read(CACHED, {}), send=send)
    return dict((await gateway.execute(GraphQLRequest(query=query))).headers).get("cache-control")


async def test_a_response_is_stored_only_if_all_of_it_may_be() -> None:
    both = "{ me { name orders { id } } }"
    assert await cache_control(both, people="max-age=60", orders="max-age=10") == "max-age=10"
    assert await cache_control(both, people="max-age=60") == "no-store"
    assert await cache_control("{ me { name } }", people="max-age=60") == "max-age=60"
    assert await cache_control("{ __typename }", people="max-age=60") is None
    assert await cache_control("{ nonsense }", people="max-age=60") is None


async def test_over_http_cookies_have_their_lines_and_cache_control_is_sent_once() -> None:
    async def script(peer: Peer) -> None:
        await peer.request()
        lines = (
            "set-cookie: a=1; Expires=Mon, 01 Jan 2029 00:00:00 GMT",
            "set-cookie: b=2",
            "cache-control: max-age=5",
        )
        await peer.reply(response(b'{"data":{"me":{"id":"1"}}}', headers=lines))

    rules = "[{propagate: {named: set-cookie}}, {propagate: {named: cache-control}}]"
    async with serving(script) as server:
        text = f"override_subgraph_url: {{people: '{server.url}'}}\nheaders: {{all: {{response: {rules}}}}}"
        gateway = Gateway.from_supergraph(SDL, read(text, {}))
        sent: list[dict[str, Any]] = []

        async def send(message: dict[str, Any]) -> None:
            sent.append(message)

        async def receive() -> dict[str, Any]:
            return {"type": "http.request", "body": b'{"query": "{ me { id } }"}', "more_body": False}

        headers = [(b"content-type", b"application/json")]
        scope = {"type": "http", "method": "POST", "path": "/graphql", "raw_path": b"/graphql", "query_string": b""}
        await gateway.asgi({**scope, "headers": headers, "http_version": "1.1", "client": ("::1", 1)}, receive, send)  # type: ignore[arg-type]
        await gateway.aclose()
    found = [(name, value) for name, value in sent[0]["headers"] if name in {b"set-cookie", b"cache-control"}]
    assert found == [
        (b"set-cookie", b"a=1; Expires=Mon, 01 Jan 2029 00:00:00 GMT"),
        (b"set-cookie", b"b=2"),
        (b"cache-control", b"max-age=5"),
    ]
