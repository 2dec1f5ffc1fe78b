"""Values of `@fromContext` arguments are read from ancestors (execution §3.10).

Covers `router/executor/compiled/generate_context_values.py`.
"""

from __future__ import annotations

from tests.router.executor.compiled.federation import Data, run_both
from tests.router.planner.federation import composed

GRAPH = composed(
    shops="""
    type Query { shops: [Shop!] }
    type Shop @key(fields: "id") { id: ID!  currency: String  offers: [Offer!] }
    type Offer @key(fields: "id") { id: ID! }
    """,
    prices="""
    type Shop @key(fields: "id") @federation__context(name: "shop") { id: ID!  currency: String @external }
    type Offer @key(fields: "id") {
      id: ID!
      price(currency: String @federation__fromContext(field: "$shop { currency }")): String
    }
    """,
)
QUERY = "{ shops { offers { price } } }"


def shop(currency: object, *offers: str) -> Data:
    """A shop as the subgraph `shops` sends it."""
    found = [{"__typename": "Offer", "id": offer} for offer in offers]
    return {"__typename": "Shop", "currency": currency, "offers": found}


async def test_objects_with_equal_values_share_a_request() -> None:
    data: dict[str, Data] = {
        "shops": {"shops": [shop("EUR", "1"), shop("EUR", "1", "2")]},
        "prices": {"_entities": [{"price": "a"}, {"price": "b"}]},
    }
    results = await run_both(GRAPH, QUERY, data)
    assert results.misfit is None
    assert results.compiled == results.interpreted
    assert results.compiled == b'{"shops":[{"offers":[{"price":"a"}]},{"offers":[{"price":"a"},{"price":"b"}]}]}'


async def test_each_value_has_its_own_request() -> None:
    data: dict[str, Data] = {
        "shops": {"shops": [shop("EUR", "1"), shop(None, "2"), shop("USD", "1")]},
        "prices": {"_entities": [{"price": "a"}]},
    }
    results = await run_both(GRAPH, QUERY, data)
    assert results.misfit is None
    assert results.requests == 4
    assert results.compiled == results.interpreted


async def test_a_value_of_another_type_is_left_to_the_interpreter() -> None:
    data: dict[str, Data] = {"shops": {"shops": [shop(3, "1")]}, "prices": {"_entities": [{"price": "a"}]}}
    results = await run_both(GRAPH, QUERY, data)
    assert results.misfit is not None
    assert results.compiled == results.interpreted
