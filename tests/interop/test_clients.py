"""Published GraphQL clients against a running router, with the default configuration and with every policy on."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any, NamedTuple

import httpx
import pytest
from gql import Client, gql
from gql.transport.exceptions import TransportQueryError
from gql.transport.httpx import HTTPXAsyncTransport, HTTPXTransport

from router.gateway import Gateway
from router.settings import read
from tests.interop import node
from tests.router.every_policy.configuration import CONFIGURATIONS, EVERY_POLICY
from tests.router.server.live import serving
from tests.router.shop import SDL, Shop, failing

if TYPE_CHECKING:
    from collections.abc import Iterator

    from tests.router.every_policy.running_router import RouterWithEveryPolicy

RENAME = "mutation Rename($name: String!) { rename(name: $name) { id name orders { id amount } } }"
RENAMED = {"rename": {"id": "1", "name": "Ada", "orders": [{"id": "7", "amount": "0.10"}, {"id": "8", "amount": "2"}]}}


class Server(NamedTuple):
    """The URL of a router, and the headers with which each client sends its requests."""

    url: str
    headers: dict[str, str]


@pytest.fixture(scope="module", params=CONFIGURATIONS)
def server(request: pytest.FixtureRequest) -> Iterator[Server]:
    """A router with introspection, behind which `Query.order` always fails."""
    if request.param == EVERY_POLICY:
        running: RouterWithEveryPolicy = request.getfixturevalue("router_with_every_policy")
        yield Server(running.url, running.headers())
        return
    no_orders = failing("database on fire")
    shop = Shop(before={"orders": lambda request: no_orders(request) if "order(" in request.operation else None})
    with serving(Gateway.from_supergraph(SDL, read("introspection: true", {}), send=shop).asgi) as base:
        yield Server(f"{base}/graphql", {})


@pytest.fixture(scope="module")
def results(server: Server) -> dict[str, Any]:
    """What each npm client received."""
    found: dict[str, Any] = node.run("clients.mjs", server.url, json.dumps(server.headers))
    return found


@pytest.mark.parametrize("client", ["@apollo/client", "@apollo/client, persisted queries", "urql", "graphql-request"])
def test_npm_clients_query_mutate_and_receive_errors(results: dict[str, Any], client: str) -> None:
    responses = results[client]
    name = "Apollo" if "apollo" in client else client
    assert responses["greeting"] == {"data": {"greet": f"Hello {name}"}, "errors": []}
    assert without_typenames(responses["renamed"]) == {"data": RENAMED, "errors": []}
    assert responses["invalid"]["errors"] == ["GRAPHQL_VALIDATION_FAILED"]
    assert without_typenames(responses["failed"]["data"]) == {"me": {"name": "Ada"}, "order": None}
    assert responses["failed"]["errors"] == ["DOWNSTREAM_SERVICE_ERROR"]


def without_typenames(value: Any) -> Any:
    """The data without `__typename`, which client caches add everywhere."""
    if isinstance(value, dict):
        return {key: without_typenames(inner) for key, inner in value.items() if key != "__typename"}
    return [without_typenames(item) for item in value] if isinstance(value, list) else value


async def test_gql_fetches_the_schema_queries_and_mutates(server: Server) -> None:
    transport = HTTPXAsyncTransport(url=server.url, headers=server.headers)
    async with Client(transport=transport, fetch_schema_from_transport=True) as session:
        assert session.client.schema is not None
        greet = gql("query Greet($name: String!) { greet(name: $name) }")
        greet.variable_values = {"name": "gql"}
        assert await session.execute(greet) == {"greet": "Hello gql"}
        rename = gql(RENAME)
        rename.variable_values = {"name": "x"}
        assert await session.execute(rename) == RENAMED


def test_gql_separates_errors_from_data(server: Server) -> None:
    client = Client(transport=HTTPXTransport(url=server.url, headers=server.headers))
    with pytest.raises(TransportQueryError) as caught:
        client.execute(gql("query Failed { me { name } order(id: 1) { id } }"))
    assert caught.value.data == {"me": {"name": "Ada"}, "order": None}
    assert [error["extensions"]["code"] for error in caught.value.errors or ()] == ["DOWNSTREAM_SERVICE_ERROR"]


@pytest.mark.parametrize("accept", ["application/json", "application/graphql-response+json"])
def test_httpx_by_post_and_by_get(server: Server, accept: str) -> None:
    query = {"query": '{ greet(name: "httpx") }'}
    # A client with the cookie of a response must show that the request does not come from a page of another origin.
    headers = {**server.headers, "accept": accept, "apollo-require-preflight": "true"}
    with httpx.Client(headers=headers, timeout=30) as client:
        for response in (client.post(server.url, json=query), client.get(server.url, params=query)):
            assert response.json() == {"data": {"greet": "Hello httpx"}}
            assert response.headers["content-type"] == f"{accept}; charset=utf-8"
