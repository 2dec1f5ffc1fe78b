from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
from graphql import parse

from router.pipeline.request_context import RequestContext
from router.planner import plan
from router.policies.header_propagation import HeaderPropagation
from router.request.repeated_headers import RepeatedHeaders
from router.request.request_and_response import GraphQLRequest
from router.settings import InvalidSettings, read
from router.settings.types import PROTOCOL_HEADERS
from servicekit import request_ids
from servicekit.request_ids import RequestIds
from tests.router.shop import GRAPH

if TYPE_CHECKING:
    from collections.abc import Mapping


def sent(rules: str, incoming: dict[str, str], own: str = "[]") -> dict[str, str]:
    """The headers that subgraph `a` gets, under rules for all subgraphs and rules for `a`."""
    settings = read(f"headers: {{all: {{request: {rules}}}, subgraphs: {{a: {{request: {own}}}}}}}", {})
    return dict(HeaderPropagation(settings.headers, ["a", "b"]).apply(incoming)["a"])


CLIENT = {"authorization": "Bearer t", "x-bank-a": "1", "x-bank-b": "2", "content-length": "7", "host": "router"}


def test_nothing_reaches_a_subgraph_without_a_rule() -> None:
    assert sent("[]", CLIENT) == {}


@pytest.mark.parametrize(
    ("rules", "expected"),
    [
        ("[{propagate: {named: Authorization}}]", {"authorization": "Bearer t"}),
        ("[{propagate: {named: absent}}]", {}),
        ("[{propagate: {named: absent, default: d}}]", {"absent": "d"}),
        ("[{propagate: {named: authorization, default: d}}]", {"authorization": "Bearer t"}),
        ("[{propagate: {named: authorization, rename: x-token}}]", {"x-token": "Bearer t"}),
        ("[{propagate: {matching: 'X-Bank-.*'}}]", {"x-bank-a": "1", "x-bank-b": "2"}),
        ("[{propagate: {matching: 'bank'}}]", {}),
        ("[{propagate: {matching: '.*'}}]", {"authorization": "Bearer t", "x-bank-a": "1", "x-bank-b": "2"}),
        ("[{propagate: {named: x-bank-a, rename: r}}, {propagate: {named: x-bank-b, rename: r}}]", {"r": "1"}),
        ("[{insert: {name: X-Key, value: k}}]", {"x-key": "k"}),
        ("[{propagate: {named: x-bank-a}}, {insert: {name: x-bank-a, value: k}}]", {"x-bank-a": "k"}),
        ("[{propagate: {matching: 'x-.*'}}, {remove: {named: X-Bank-A}}]", {"x-bank-b": "2"}),
        ("[{propagate: {matching: '.*'}}, {remove: {matching: 'x-.*'}}]", {"authorization": "Bearer t"}),
    ],
)
def test_rules_decide_what_is_sent(rules: str, expected: dict[str, str]) -> None:
    assert sent(rules, CLIENT) == expected


@pytest.mark.parametrize("name", sorted(PROTOCOL_HEADERS))
@pytest.mark.parametrize(
    "rule",
    [
        "propagate: {named: %s}",
        "propagate: {named: %s, default: x}",
        "propagate: {named: x-other, rename: %s}",
        "propagate: {named: %s, rename: %s}",
        "insert: {name: %s, value: x}",
    ],
)
def test_no_rule_sends_a_header_of_the_connection(name: str, rule: str) -> None:
    """`propagate: {named: content-length}` was valid; a subgraph got two lengths, the first one the client's choice."""
    rules = f"{{request: [{{{rule.replace('%s', name.title())}}}]}}"
    for where in (f"all: {rules}", f"subgraphs: {{a: {rules}}}"):
        with pytest.raises(InvalidSettings, match="belongs to the connection"):
            read(f"headers: {{{where}}}", {})


@pytest.mark.parametrize("name", sorted(PROTOCOL_HEADERS))
def test_a_pattern_never_matches_a_header_of_the_connection(name: str) -> None:
    rules = f"[{{propagate: {{matching: '{name}'}}}}, {{propagate: {{matching: '.*'}}}}]"
    assert sent(rules, {name: "x", "a": "b"}) == {"a": "b"}


def test_a_header_of_the_connection_is_forwarded_with_another_name() -> None:
    assert sent("[{propagate: {named: host, rename: x-original-host}}]", CLIENT) == {"x-original-host": "router"}


def test_rules_of_a_subgraph_come_after_those_for_all_and_touch_no_other() -> None:
    settings = read(
        "headers: {all: {request: [{propagate: {matching: 'x-bank-.*'}}]},"
        " subgraphs: {a: {request: [{remove: {named: x-bank-a}}, {insert: {name: k, value: v}}]}}}",
        {},
    )
    outgoing = HeaderPropagation(settings.headers, ["a", "b"]).apply(CLIENT)
    assert outgoing == {"a": {"x-bank-b": "2", "k": "v"}, "b": {"x-bank-a": "1", "x-bank-b": "2"}}


async def planned(stage: HeaderPropagation, headers: dict[str, str]) -> Mapping[str, Mapping[str, str]]:
    """The headers of fetches of one request."""
    context = RequestContext.of(GraphQLRequest(headers=headers), timeout=60)
    await stage.on_plan(context, plan(GRAPH, parse("{ me { name } }")))
    return context.fetch_headers


async def test_the_rules_are_applied_once_to_headers_that_a_client_repeats() -> None:
    stage = HeaderPropagation(read("headers: {all: {request: [{propagate: {named: x-a}}]}}", {}).headers, ["people"])
    repeated = RepeatedHeaders({"x-a": "1"})
    first = await planned(stage, repeated)
    assert await planned(stage, repeated) is first
    assert await planned(stage, RepeatedHeaders({"x-a": "2"})) == {"people": {"x-a": "2"}}
    assert first == {"people": {"x-a": "1"}}


async def test_headers_that_name_the_request_are_those_of_each_request() -> None:
    rules = "headers: {all: {request: [{propagate: {named: x-request-id}}]}}"
    stage = HeaderPropagation(read(rules, {}).headers, ["people"])
    repeated = RepeatedHeaders({})
    for request_id in ("first", "second"):
        with request_ids.serving(RequestIds.from_headers(request_id, None)):
            assert await planned(stage, repeated) == {"people": {"x-request-id": request_id}}
