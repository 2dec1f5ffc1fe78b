"""Fields on the move between subgraphs: who responses is decided per request, by the labels its operation can meet."""

from __future__ import annotations

import random
from collections import Counter
from typing import TYPE_CHECKING, Any

import pytest
from structlog.testing import capture_logs

from router.composition import Subgraph, compose
from router.gateway import Gateway
from router.pipeline import Operation, RequestContext, Stage
from router.policies.active_override_labels import MAX_COMBINATIONS, OverrideLabels
from router.request.request_and_response import GraphQLRequest, GraphQLResponse
from router.settings import read
from router.supergraph import load
from router.transport.interface import SubgraphRequest, SubgraphResponse

if TYPE_CHECKING:
    from router.supergraph import Supergraph

LINK = """
extend schema @link(
  url: "https://specs.apollo.dev/federation/v2.9"
  import: ["@key", "@override", "@requires", "@external", "@context", "@fromContext", "@authenticated", "@shareable"]
)
"""
OLD = """
type Query { shop: Shop  goods: [Good!]! }
type Shop @key(fields: "id") { id: ID!  name: String  motto: String  open: Boolean }
interface Good { id: ID!  price: Int }
type Book implements Good @key(fields: "id") { id: ID!  price: Int  weight: Int  pages: Int }
type Disc implements Good @key(fields: "id") { id: ID!  price: Int }
"""
NEW = """
type Shop @key(fields: "id") {
  id: ID!
  name: String @override(from: "old", label: "rename")
  motto: String @override(from: "old", label: "percent(25)")
}
type Book @key(fields: "id") {
  id: ID!
  price: Int @override(from: "old", label: "prices")
  weight: Int @override(from: "old")
}
"""
POST = """
type Book @key(fields: "id") { id: ID!  weight: Int @external  postage: Int @requires(fields: "weight") }
"""


def composed(**subgraphs: str) -> str:
    composition = compose([Subgraph(name, f"http://{name}", LINK + sdl) for name, sdl in subgraphs.items()])
    assert composition.supergraph_sdl is not None, composition.errors
    return composition.supergraph_sdl


def on_the_move(sdl: str, old: str, new: str, label: str) -> str:
    """The supergraph with a label on what `new` takes over from `old`.

    Composition refuses a label on what keys, requirements and contexts are made of; supergraphs of its earlier versions
    may have one.
    """
    taken_over = f'@join__field(graph: {new.upper()}, override: "{old}")'
    assert sdl.count(taken_over) == 1
    labelled = f'override: "{old}", overrideLabel: "{label}"'
    given_up = f'@join__field(graph: {old.upper()}, overrideLabel: "{label}")'
    return sdl.replace(taken_over, f"@join__field(graph: {new.upper()}, {labelled}) {given_up}")


SDL = on_the_move(composed(old=OLD, new=NEW, post=POST), "old", "new", "weights")


@pytest.fixture(scope="module")
def graph() -> Supergraph:
    return load(SDL)


class Services:
    """Subgraphs that response each field of a shop with their own name."""

    async def __call__(self, request: SubgraphRequest) -> SubgraphResponse:
        asked = [name for name in ("name", "motto", "open") if name in request.operation]
        shop = {"__typename": "Shop", "id": "1", **dict.fromkeys(asked, request.subgraph)}
        data = {"_entities": [shop]} if "_entities" in request.operation else {"shop": shop}
        return SubgraphResponse.of({"data": data})


def gateway(settings: str = "", *stages: Stage) -> Gateway:
    return Gateway.from_supergraph(SDL, read(settings, {}), send=Services(), stages=stages)


async def ask(one: Gateway, query: str) -> GraphQLResponse:
    return await one.execute(GraphQLRequest(query=query))


def shop_of(response: GraphQLResponse) -> Any:
    assert "errors" not in response.body
    data: Any = response.body["data"]
    return data["shop"]


async def test_a_label_nobody_says_anything_of_does_not_hold() -> None:
    assert shop_of(await ask(gateway(), "{ shop { name } }")) == {"name": "old"}


@pytest.mark.parametrize(("share", "who"), [(0, "old"), (100, "new")])
async def test_a_label_holds_for_the_share_in_the_settings(share: int, who: str) -> None:
    one = gateway(f"override_labels: {{rename: {share}, 'percent(25)': {share}}}")
    for _ in range(20):
        assert shop_of(await ask(one, "{ shop { name motto } }")) == {"name": who, "motto": who}


async def test_a_percentage_is_that_of_requests_and_each_has_the_plan_of_its_labels() -> None:
    one = gateway()
    labels = one.stages.find(OverrideLabels)
    assert labels is not None
    labels.draw = random.Random(1).random
    responses = [await ask(one, "{ shop { motto } }") for _ in range(400)]
    counted = Counter(shop_of(response)["motto"] for response in responses)
    assert 70 < counted["new"] < 130
    for response in responses:
        assert response.record.override_labels == (("percent(25)",) if shop_of(response)["motto"] == "new" else ())
    assert len(one.preparation.plans) == 2
    assert sum(not response.record.plan_cached for response in responses) == 2


async def test_a_stage_decides_before_the_settings_and_the_label_itself() -> None:
    class Flags(Stage):
        met: frozenset[str] = frozenset()

        async def on_operation(self, context: RequestContext, operation: Operation) -> None:
            self.met = operation.override_labels
            context.override_labels |= {"rename": False, "percent(25)": True, "prices": True}

    flags = Flags()
    one = gateway("override_labels: {rename: 100, 'percent(25)': 0}", flags)
    response = await ask(one, "{ shop { name motto } }")
    assert shop_of(response) == {"name": "old", "motto": "new"}
    assert flags.met == {"rename", "percent(25)"}
    assert response.record.override_labels == ("percent(25)",)


async def test_labels_an_operation_does_not_meet_do_not_multiply_its_plans() -> None:
    one = gateway()
    for _ in range(30):
        await ask(one, "{ shop { open } }")
    assert len(one.preparation.plans) == 1


@pytest.mark.parametrize(
    ("shares", "likely"),
    [
        ({"a": 100, "b": 0}, [{"a"}]),
        ({"a": 100, "b": 5}, [{"a"}, {"a", "b"}]),
        ({"a": 40, "b": 50}, [set(), {"b"}, {"a"}, {"a", "b"}]),
        ({"a": 40, "b": 50, "c": 100, "d": 1}, [{"b", "c"}]),
    ],
)
def test_few_possibilities_are_all_prepared_of_many_the_likeliest(
    shares: dict[str, float], likely: list[set[str]]
) -> None:
    fields = " ".join(f'{name}: Int @override(from: "old", label: "{name}")' for name in shares)
    new = f'type T @key(fields: "id") {{ id: ID! {fields} }}'
    old = f'type Query {{ t: T }} type T @key(fields: "id") {{ id: ID! {" ".join(f"{n}: Int" for n in shares)} }}'
    labels = OverrideLabels(load(composed(old=old, new=new)).override_labels, shares)
    assert labels.likely(shares) == likely
    assert len(likely) <= MAX_COMBINATIONS


async def test_warming_up_makes_the_plans_that_requests_will_need() -> None:
    one = gateway()
    one.prepare("{ shop { motto } }")
    for _ in range(30):
        response = await ask(one, "{ shop { motto } }")
        assert response.record.plan_cached


def test_a_label_of_the_settings_that_is_gone_from_the_supergraph_is_labels_and_stops_nothing() -> None:
    with capture_logs() as lines:
        gateway("override_labels: {done: 100, rename: 1}")
    labels = [line["label"] for line in lines if line["log_level"] == "warning"]
    assert labels == ["done"]
