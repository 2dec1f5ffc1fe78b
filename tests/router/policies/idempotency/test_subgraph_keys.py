"""The header fills the keys that subgraphs take as an argument or an input field; then the subgraph decides."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

import pytest

from router.composition import Subgraph, compose
from router.gateway import Gateway
from router.request.request_and_response import GraphQLRequest
from router.settings import InvalidSettings, read
from router.transport.interface import IDEMPOTENCY_KEY, SubgraphResponse

if TYPE_CHECKING:
    from router.request.request_and_response import GraphQLResponse
    from router.transport.interface import SubgraphRequest

SCHEMA: Final = """
type Query { x: Int }
input Order { amount: Int idempotencyKey: String }
type Mutation {
  direct(idempotencyKey: String, amount: Int): Int
  nested(order: Order, note: String): Int
  many(orders: [Order!]): Int
  plain(amount: Int): Int
}
"""
BANK: Final = Path(__file__).parents[4] / "supergraph.graphql"


class Shop:
    """A subgraph that keeps the variables of its requests."""

    def __init__(self) -> None:
        self.requests: list[SubgraphRequest] = []

    async def __call__(self, request: SubgraphRequest) -> SubgraphResponse:
        self.requests.append(request)
        return SubgraphResponse.of({"data": {}})


class Running:
    """A gateway in front of the subgraph."""

    def __init__(self, settings: str = "argument: idempotencyKey", sdl: str | None = None) -> None:
        self.shop = Shop()
        composed = compose([Subgraph("shop", "http://127.0.0.1:9/", SCHEMA)]).supergraph_sdl
        assert composed is not None
        text = f"idempotency: {{{settings}}}"
        self.gateway = Gateway.from_supergraph(sdl or composed, read(text, {}), send=self.shop)

    async def __call__(self, query: str, key: str | None = "k", **variables: Any) -> GraphQLResponse:
        headers = {} if key is None else {"idempotency-key": key}
        return await self.gateway.execute(GraphQLRequest(query=query, variables=variables, headers=headers))

    async def sent(self, query: str, **variables: Any) -> dict[str, Any]:
        """The variables of the client that the subgraph gets, without those for literals of the document."""
        await self(query, **variables)
        sent = self.shop.requests[-1].variables
        return {name: value for name, value in sent.items() if not name.startswith("literal_")}


DIRECT: Final = "mutation ($id: String) { direct(idempotencyKey: $id, amount: 1) }"
NESTED: Final = "mutation ($order: Order) { nested(order: $order) }"


@pytest.mark.parametrize(
    ("query", "given", "expected"),
    [
        (DIRECT, {}, {"id": "k"}),
        (DIRECT, {"id": None}, {"id": "k"}),
        (DIRECT, {"id": "own"}, {"id": "own"}),
        (DIRECT.replace("String)", 'String = "default")'), {}, {"id": "default"}),
        (DIRECT.replace("String)", 'String = "default")'), {"id": None}, {"id": "k"}),
        (DIRECT.replace("String)", "String = null)"), {}, {"id": "k"}),
        (NESTED, {"order": {"amount": 1}}, {"order": {"amount": 1, "idempotencyKey": "k"}}),
        (NESTED, {"order": {"idempotencyKey": None}}, {"order": {"idempotencyKey": "k"}}),
        (NESTED, {"order": {"idempotencyKey": "own"}}, {"order": {"idempotencyKey": "own"}}),
        (NESTED, {"order": None}, {"order": None}),
        (NESTED, {}, {}),
        ("mutation ($k: String) { nested(order: {idempotencyKey: $k}) }", {}, {"k": "k"}),
        (
            "mutation ($order: Order) { ...F } fragment F on Mutation { nested(order: $order) }",
            {"order": {}},
            {"order": {"idempotencyKey": "k"}},
        ),
        (
            "mutation ($order: Order) { ... { nested(order: $order) } }",
            {"order": {}},
            {"order": {"idempotencyKey": "k"}},
        ),
        (
            "mutation ($orders: [Order!]) { many(orders: $orders) }",
            {"orders": [{"amount": 1}]},
            {"orders": [{"amount": 1}]},
        ),
        ("mutation ($amount: Int) { plain(amount: $amount) }", {"amount": 1}, {"amount": 1}),
    ],
)
async def test_variables_get_the_key_that_is_missing(
    query: str, given: dict[str, Any], expected: dict[str, object]
) -> None:
    assert await Running().sent(query, **given) == expected


async def test_nothing_is_filled_for_queries_without_the_header_or_without_the_setting() -> None:
    assert (await Running()(NESTED, key=None, order={})).status is None
    for running, key in ((Running(), None), (Running("enabled: true"), "k")):
        await running(NESTED, key=key, order={})
        assert dict(running.shop.requests[-1].variables) == {"order": {}}
    running = Running()
    await running("{ x }")
    assert dict(running.shop.requests[-1].variables) == {}


@pytest.mark.parametrize(
    ("query", "sent"),
    [
        (NESTED, 2),
        (DIRECT, 2),
        ('mutation { direct(idempotencyKey: "own") }', 2),
        ('mutation { nested(order: {idempotencyKey: "own"}) __typename }', 2),
        ("mutation { direct(amount: 1) }", 1),
        ("mutation { direct(idempotencyKey: null) }", 1),
        ("mutation { nested(order: {amount: 1}) }", 1),
        ("mutation { plain(amount: 1) }", 1),
        ("mutation ($id: String) { direct(idempotencyKey: $id) plain(amount: 1) }", 1),
    ],
)
async def test_the_subgraph_decides_about_its_own_keys_and_the_router_about_the_others(query: str, sent: int) -> None:
    running = Running("enabled: true, argument: idempotencyKey")
    given: dict[str, Any] = {"order": {"amount": 1}} if "$order" in query else {}
    for _ in range(2):
        await running(query, **given)
    assert len(running.shop.requests) == sent


@pytest.mark.parametrize(
    ("query", "header"),
    [
        (NESTED, "k"),
        ('mutation { direct(idempotencyKey: "own") }', "k"),
        ("mutation ($id: String) { direct(idempotencyKey: $id) plain(amount: 1) }", None),
        ("mutation { plain(amount: 1) }", None),
        ("{ x }", None),
    ],
)
async def test_retries_see_whether_the_subgraph_recognises_a_repetition(query: str, header: str | None) -> None:
    running = Running()
    given: dict[str, Any] = {"order": {}} if "$order" in query else {}
    await running(query, **given)
    assert running.shop.requests[-1].headers.get(IDEMPOTENCY_KEY) == header


async def test_without_enabled_the_router_stores_nothing() -> None:
    running = Running()
    for _ in range(2):
        await running("mutation { plain(amount: 1) }")
    assert len(running.shop.requests) == 2


async def test_a_key_that_is_not_valid_is_refused_before_anything_is_sent() -> None:
    running = Running()
    response = await running(NESTED, key="a b", order={})
    assert (response.status, running.shop.requests) == (400, [])


async def test_a_required_key_of_the_bank_may_come_from_the_header() -> None:
    running = Running(sdl=BANK.read_text(encoding="utf-8"))
    query = "mutation ($input: TransferInput!) { transfer(input: $input) { __typename } }"
    order = {"sourceAccountId": "a", "destinationAccountId": "b", "amount": "1.00", "currency": "EUR"}
    sent = await running.sent(query, input=order)
    assert sent["input"] == {**order, "idempotencyKey": "k"}
    refused = await running(query, key=None, input=order)
    errors: Any = refused.body["errors"]
    assert "required type 'String!'" in errors[0]["message"]


def test_the_argument_is_a_name() -> None:
    with pytest.raises(InvalidSettings, match="argument"):
        read("idempotency: {argument: 'a b'}", {})
