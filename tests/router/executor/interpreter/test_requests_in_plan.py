"""A fetch waits only for its dependencies: planned operations are run with subgraphs that respond late.

A late subgraph responds only after the request that must not wait for it. An executor that runs the plan stage by stage
would wait forever.

Covers `router/executor/interpreter/requests_in_plan.py`.
"""

from __future__ import annotations

import asyncio
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

import pytest

from router.plan import BatchFetch
from router.planner import PlanOptions, plan
from tests.router.oracle.comparison import composed, run_operation
from tests.router.oracle.data_store import Store
from tests.router.oracle.operation_generator import Operation
from tests.router.oracle.strict_subgraphs import InProcessSubgraphs
from tests.router.oracle.subgraph_rules import FederationRules

if TYPE_CHECKING:
    from router.transport.interface import SubgraphRequest, SubgraphResponse

SECONDS = 30
"""A time limit longer than each of these tests, so that a test that would wait forever fails."""

LINK = """
extend schema @link(
  url: "https://specs.apollo.dev/federation/v2.11", import: ["@key", "@external", "@requires"]
)
"""
SUBGRAPHS = {
    name: LINK + sdl
    for name, sdl in {
        "news": 'type Query { news: News } type News @key(fields: "id") { id: ID! }',
        "books": 'type Query { book: Book } type Book @key(fields: "id") { id: ID! }',
        "texts": """
          type Book @key(fields: "id") { id: ID! title: String author: Author }
          type Author @key(fields: "id") { id: ID! }
          type News @key(fields: "id") { id: ID! text: String }
        """,
        "sizes": 'type Book @key(fields: "id") { id: ID! pages: Int }',
        "people": """
          type Author @key(fields: "id") { id: ID! name: String }
          type Book @key(fields: "id") {
            id: ID!
            pages: Int @external
            fee: String @requires(fields: "pages")
            blurb: String
          }
        """,
    }.items()
}
DATA: dict[str, dict[str, object]] = {
    "Query": {"news": "@News:1", "book": "@Book:1"},
    "News:1": {"id": "1", "text": "X"},
    "Book:1": {"id": "1", "title": "T", "author": "@Author:1", "pages": 7, "fee": "low", "blurb": "B"},
    "Author:1": {"id": "1", "name": "Ann"},
}


@dataclass(slots=True)
class Ordered(InProcessSubgraphs):
    """`late` maps a subgraph to the one that must get its request before the first responds."""

    late: dict[str, str] = field(default_factory=dict)
    asked: dict[str, asyncio.Event] = field(default_factory=lambda: {name: asyncio.Event() for name in SUBGRAPHS})

    async def send(self, request: SubgraphRequest) -> SubgraphResponse:
        self.asked[request.subgraph].set()
        awaited = self.late.get(request.subgraph)
        if awaited is not None:
            await self.asked[awaited].wait()
        return await super(Ordered, self).send(request)


@pytest.mark.parametrize(
    ("query", "late", "data", "requests"),
    [
        pytest.param(
            "{ news { id } book { title } }",
            {"news": "texts"},
            {"news": {"id": "1"}, "book": {"title": "T"}},
            3,
            id="beside a root that is late",
        ),
        pytest.param(
            "{ book { blurb author { name } } }",
            {"texts": "people"},
            {"book": {"blurb": "B", "author": {"name": "Ann"}}},
            4,
            id="before a later stage in the same subgraph, which is no reason to wait for it",
        ),
        pytest.param(
            "{ book { pages author { name } } }",
            {"sizes": "people"},
            {"book": {"pages": 7, "author": {"name": "Ann"}}},
            4,
            id="beside a sibling that is late",
        ),
    ],
)
async def test_a_fetch_starts_when_its_dependencies_are_merged(
    query: str, late: dict[str, str], data: dict[str, object], requests: int
) -> None:
    federation = FederationRules.of(SUBGRAPHS)
    transport = Ordered(InProcessSubgraphs.over(federation, Store(DATA, federation.semantics)).subgraphs, late=late)
    result = await asyncio.wait_for(run_operation(composed(SUBGRAPHS), transport, Operation(query, {})), SECONDS)
    assert result.errors == ()
    assert (result.data, len(transport.requests)) == (data, requests)


async def test_without_batches_a_fetch_does_not_wait_for_others_of_its_stage() -> None:
    query = "{ book { fee author { name } } }"
    supergraph, federation = composed(SUBGRAPHS), FederationRules.of(SUBGRAPHS)
    subgraphs = InProcessSubgraphs.over(federation, Store(DATA, federation.semantics)).subgraphs
    *_, together = plan(supergraph, query).requests()
    assert isinstance(together, BatchFetch)
    assert together.service_name == "people"
    transport = Ordered(subgraphs, late={"texts": "people"})
    planned = plan(supergraph, query, options=PlanOptions(batch_entity_fetches=False))
    running = run_operation(supergraph, transport, Operation(query, {}), planned)
    result = await asyncio.wait_for(running, SECONDS)
    assert result.data == {"book": {"fee": 'low{"pages": 7}', "author": {"name": "Ann"}}}
    assert [request.subgraph for request in transport.requests].count("people") == 2
