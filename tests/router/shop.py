"""A small federation in this process: the subgraphs `people` and `orders`, joined by the key of `User`.

Each subgraph executes requests with graphql-core and constant data, so that the router gets the responses of a real
server.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

from graphql import graphql_sync

from router import supergraph
from router.transport.interface import SubgraphRequest, SubgraphResponse

SDL = """
schema
  @link(url: "https://specs.apollo.dev/link/v1.0")
  @link(url: "https://specs.apollo.dev/join/v0.3", for: EXECUTION)
{ query: Query mutation: Mutation subscription: Subscription }

directive @link(url: String, as: String, for: link__Purpose, import: [link__Import]) repeatable on SCHEMA
directive @join__graph(name: String!, url: String!) on ENUM_VALUE
directive @join__type(
  graph: join__Graph!, key: join__FieldSet, extension: Boolean! = false, resolvable: Boolean! = true
  isInterfaceObject: Boolean! = false
) repeatable on OBJECT | INTERFACE | UNION | ENUM | INPUT_OBJECT | SCALAR
directive @join__field(
  graph: join__Graph, requires: join__FieldSet, provides: join__FieldSet, type: String, external: Boolean
  override: String, usedOverridden: Boolean
) repeatable on FIELD_DEFINITION | INPUT_FIELD_DEFINITION
directive @join__implements(graph: join__Graph!, interface: String!) repeatable on OBJECT | INTERFACE
directive @join__unionMember(graph: join__Graph!, member: String!) repeatable on UNION
directive @join__enumValue(graph: join__Graph!) repeatable on ENUM_VALUE

scalar join__FieldSet
scalar link__Import
enum link__Purpose { SECURITY EXECUTION }
enum join__Graph {
  PEOPLE @join__graph(name: "people", url: "http://127.0.0.1:9/graphql")
  ORDERS @join__graph(name: "orders", url: "http://127.0.0.1:9/graphql")
}

scalar Amount @join__type(graph: ORDERS)

type Query @join__type(graph: PEOPLE) @join__type(graph: ORDERS) {
  me: User @join__field(graph: PEOPLE)
  greet(name: String!): String @join__field(graph: PEOPLE)
  order(id: ID!): Order @join__field(graph: ORDERS)
}
type Mutation @join__type(graph: PEOPLE) @join__type(graph: ORDERS) {
  rename(name: String!): User @join__field(graph: PEOPLE)
  buy(amount: Amount!): Order @join__field(graph: ORDERS)
}
type Subscription @join__type(graph: ORDERS) {
  bought: Order
}
type User @join__type(graph: PEOPLE, key: "id") @join__type(graph: ORDERS, key: "id") {
  id: ID!
  name: String @join__field(graph: PEOPLE)
  orders: [Order!] @join__field(graph: ORDERS)
}
type Order @join__type(graph: ORDERS) {
  id: ID!
  amount: Amount
}
"""

Data = Mapping[str, Any]


def _user(_info: object = None, **_: object) -> Data:
    return {"__typename": "User", "id": "1", "name": "Ada"}


def _entities(_info: object, representations: list[Data]) -> list[Data]:
    return [{**each, "orders": [{"id": "7", "amount": "0.10"}, {"id": "8", "amount": "2"}]} for each in representations]


ROOTS: Mapping[str, Data] = {
    "people": {
        "me": _user,
        "rename": _user,
        "greet": lambda _info, name: f"Hello {name}",
        "_entities": lambda _info, representations: [{**_user(), **each} for each in representations],
    },
    "orders": {
        "_entities": _entities,
        "order": lambda _info, id: {"id": id, "amount": "1"},  # noqa: A006  (the argument's name in the schema)
        "buy": lambda _info, amount: {"id": "9", "amount": amount},
    },
}


@dataclass
class Shop:
    """The subgraphs of `Gateway.from_supergraph(SDL, send=shop)`.

    `requests` are the requests so far. `before` may have a function for a subgraph that is called first: it raises an
    error, returns the response, or returns None.
    """

    requests: list[SubgraphRequest] = field(default_factory=list)
    before: dict[str, Callable[[SubgraphRequest], Any]] = field(default_factory=dict)

    async def __call__(self, request: SubgraphRequest, /) -> SubgraphResponse:
        self.requests.append(request)
        if request.subgraph in self.before:
            instead = self.before[request.subgraph](request)
            if asyncio.iscoroutine(instead):
                instead = await instead
            if instead is not None:
                assert isinstance(instead, SubgraphResponse)
                return instead
        schema = GRAPH.subgraphs[request.subgraph].schema
        result = graphql_sync(
            schema,
            request.operation,
            ROOTS[request.subgraph],
            variable_values=dict(request.variables),
            operation_name=request.operation_name,
        )
        return SubgraphResponse.of({**result.formatted})


def failing(
    message: str, code: str | None = None, **extensions: object
) -> Callable[[SubgraphRequest], SubgraphResponse]:
    """For `Shop.before`: respond with one error and no data."""
    known = {**extensions, **({} if code is None else {"code": code})}
    body = {"data": None, "errors": [{"message": message, "extensions": known}]}
    return lambda _request: SubgraphResponse.of(body)


GRAPH = supergraph.load(SDL)
