"""The layers between the executor and the subgraphs. Covers `router/transport/layered_transport.py` too."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

from router.executor.graphql_over_http import EncodingLayer
from router.gateway_assembly import transport_for
from router.settings import read
from router.transport.http import HttpTransport
from router.transport.in_process import InProcessTransport
from router.transport.layers.circuit_breaker import BreakerLayer
from router.transport.layers.deduplication import DeduplicationLayer
from router.transport.layers.hedging import HedgeLayer
from router.transport.layers.load_balancing import BalancingLayer
from router.transport.layers.load_shedding import SheddingLayer
from router.transport.layers.pause_on_503 import PauseLayer
from router.transport.layers.retry import RetryLayer
from tests.router.shop import GRAPH, Shop

if TYPE_CHECKING:
    from router.transport.interface import Transport

ON = "{enabled: true}"
PLAIN = "share_queries: false, longest_retry_after: null"


def layers(transport: Transport) -> list[type]:
    """The classes of a transport and of those within it, from the outside."""
    inner = getattr(transport, "_inner", None)
    return [type(transport), *([] if inner is None else layers(inner))]


@pytest.mark.parametrize(
    ("traffic", "expected"),
    [
        ("{}", [EncodingLayer, PauseLayer, DeduplicationLayer, HttpTransport]),
        ("{all: {share_queries: false}}", [EncodingLayer, PauseLayer, HttpTransport]),
        (
            "{all: {share_queries: false}, subgraphs: {people: {share_queries: all}}}",
            [EncodingLayer, PauseLayer, DeduplicationLayer, HttpTransport],
        ),
        ("{all: {longest_retry_after: null}}", [EncodingLayer, DeduplicationLayer, HttpTransport]),
        ("{all: {share_queries: false, longest_retry_after: null}}", [EncodingLayer, HttpTransport]),
        (
            f"{{all: {{{PLAIN}, retry: {ON}, shedding: {ON}}}, subgraphs: {{people: {{breaker: {ON}, hedge: {ON}}}}}}}",
            [EncodingLayer, SheddingLayer, RetryLayer, BreakerLayer, HedgeLayer, HttpTransport],
        ),
    ],
)
async def test_a_transport_has_only_the_layers_that_the_settings_ask_for(traffic: str, expected: list[type]) -> None:
    transport, _ = transport_for(GRAPH, read(f"traffic: {traffic}", {}))
    assert layers(transport) == expected
    await transport.aclose()


async def test_several_urls_are_balanced() -> None:
    settings = read("override_subgraph_url: {people: ['http://a/', 'http://b/']}", {})
    transport, traffic = transport_for(GRAPH, settings)
    assert layers(transport)[-2:] == [BalancingLayer, HttpTransport]
    servers: Any = traffic.status()["servers"]
    assert [server["url"] for server in servers["people"]] == ["http://a/", "http://b/"]
    await transport.aclose()


def test_a_function_gets_encoded_requests_without_other_layers() -> None:
    assert layers(transport_for(GRAPH, read("", {}), Shop())[0]) == [EncodingLayer, InProcessTransport]


def test_an_unusable_url_is_refused() -> None:
    with pytest.raises(ValueError, match="subgraph people"):
        transport_for(GRAPH, read("override_subgraph_url: {people: 'http://h/a b'}", {}))
