"""The subgraphs of `tests/router/shop.py` over HTTP, and a supergraph with a directive for each policy that reads one.

Each subgraph has two servers. They serve under `/people` and `/orders`.
"""

from __future__ import annotations

from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Final

from router.composition import Subgraph, compose
from router.json_codec import decode
from router.transport.interface import SubgraphRequest
from tests.router.server.live import serving

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from servicekit.asgi import ASGIApp, Receive, Scope, Send
    from tests.router.shop import Shop

_IMPORTED: Final = '"@key", "@tag", "@cost", "@listSize", "@override", "@authenticated", "@requiresScopes", "@policy"'
_LINK: Final = f'extend schema @link(url: "https://specs.apollo.dev/federation/v2.9", import: [{_IMPORTED}])'

PEOPLE: Final = f"""
{_LINK}
type Query {{
  me: User @authenticated
  greet(name: String!): String @cost(weight: 3)
  version: String @override(from: "orders", label: "next")
}}
type Mutation {{ rename(name: String!): User @requiresScopes(scopes: [["write"]]) }}
type User @key(fields: "id") {{ id: ID! name: String @tag(name: "pii") }}
"""
ORDERS: Final = f"""
{_LINK}
scalar Amount
type Query {{ order(id: ID!): Order version: String }}
type Mutation {{ buy(amount: Amount!): Order @policy(policies: [["buyer"]]) }}
type User @key(fields: "id") {{ id: ID! orders: [Order!] @listSize(assumedSize: 10) }}
type Order {{ id: ID! amount: Amount }}
"""


def supergraph(base_url: str) -> str:
    """The supergraph of subgraphs at this URL."""
    composition = compose(
        [Subgraph("people", f"{base_url}/people", PEOPLE), Subgraph("orders", f"{base_url}/orders", ORDERS)]
    )
    assert composition.supergraph_sdl is not None, composition.errors
    return composition.supergraph_sdl


@dataclass
class ShopOverHttp:
    """An ASGI application with the subgraphs of the shop. `headers` has the headers of each request so far."""

    shop: Shop
    headers: list[dict[str, str]] = field(default_factory=list)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] == "lifespan":
            return await _live(receive, send)
        self.headers.append({name.decode(): value.decode() for name, value in scope["headers"]})
        body, more = b"", True
        while more:
            message = await receive()
            body, more = body + message.get("body", b""), message.get("more_body", False)
        payload = decode(body)
        assert isinstance(payload, dict)
        request = SubgraphRequest(
            subgraph=scope["path"].strip("/"),
            operation=payload["query"],
            variables=payload.get("variables") or {},
            operation_name=payload.get("operationName"),
        )
        response = await self.shop(request)
        headers = [
            (b"content-type", b"application/json"),
            (b"cache-control", b"max-age=5"),
            (b"set-cookie", b"basket=cookie-of-a-subgraph"),
        ]
        await send({"type": "http.response.start", "status": 200, "headers": headers})
        await send({"type": "http.response.body", "body": response.body})
        return None


async def _live(receive: Receive, send: Send) -> None:
    while (await receive())["type"] != "lifespan.shutdown":
        await send({"type": "lifespan.startup.complete"})
    await send({"type": "lifespan.shutdown.complete"})


@contextmanager
def serving_subgraphs(app: ASGIApp) -> Iterator[Sequence[str]]:
    """Serve `app` on two ports, and return both URLs."""
    with serving(app) as first, serving(app) as second:
        yield first, second
