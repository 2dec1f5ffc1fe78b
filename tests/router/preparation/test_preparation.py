"""Preparation in the preparing thread: once for all requests that wait, without delaying other requests.

Covers `router/preparation/preparation.py`, `router/preparation/read_and_cache_documents.py`,
`router/preparation/make_and_cache_plans.py` and `router/preparation/operation_seen_by_stages.py`.
"""

from __future__ import annotations

import asyncio
from collections import Counter
from typing import TYPE_CHECKING

import pytest

from router.gateway import Gateway
from router.planner import Planner
from router.preparation import read_and_cache_documents
from router.preparation.make_and_cache_plans import PlanKey
from router.preparation.preparing_thread import PREPARING_THREAD
from router.request.log_fields import RequestRecord
from router.request.request_and_response import GraphQLRequest
from router.settings import read
from tests.router.planner.adversarial import aliases, shareable, wide_union
from tests.router.shop import SDL, Shop
from tests.work import counted

if TYPE_CHECKING:
    from collections.abc import Callable

    from router.request.request_and_response import GraphQLResponse
    from router.supergraph import Supergraph

LARGE = f"{{ me {{ {' '.join(f'name{n}: name' for n in range(20))} }} }}"


@pytest.fixture
def calls(monkeypatch: pytest.MonkeyPatch) -> Counter[str]:
    """How often documents are parsed and operations planned."""
    counted: Counter[str] = Counter()

    def counting(owner: object, name: str) -> None:
        real = getattr(owner, name)

        def call(*args: object, **options: object) -> object:
            counted[name] += 1
            return real(*args, **options)

        monkeypatch.setattr(owner, name, call)

    counting(read_and_cache_documents, "parse_document")
    counting(Planner, "plan")
    return counted


async def ask(gateway: Gateway, query: str) -> GraphQLResponse:
    return await gateway.execute(GraphQLRequest(query=query))


@pytest.mark.parametrize("query", [LARGE, "{ me { name } }"], ids=["large", "small"])
async def test_a_hundred_cold_requests_for_one_document_plan_once(calls: Counter[str], query: str) -> None:
    gateway = Gateway.from_supergraph(SDL, send=Shop())
    responses = await asyncio.gather(*(ask(gateway, query) for _ in range(100)))
    assert calls == {"parse_document": 1, "plan": 1}
    assert {str(response.body) for response in responses} == {str(responses[0].body)}
    assert responses[0].body["data"]
    records = [response.record for response in responses]
    assert sum(not record.document_cached for record in records) == 1
    assert sum(not record.plan_cached for record in records) == 1


async def test_a_hundred_cold_requests_for_a_wrong_document_are_refused_alike(calls: Counter[str]) -> None:
    gateway = Gateway.from_supergraph(SDL, send=Shop())
    responses = await asyncio.gather(*(ask(gateway, f"query Wrong {LARGE[:-1]} nothing }}") for _ in range(100)))
    assert calls == {"parse_document": 1}
    assert {response.record.codes for response in responses} == {("GRAPHQL_VALIDATION_FAILED",)}
    assert all(response.record.operation_hash for response in responses)
    assert len(gateway.preparation.documents) == 0


async def test_a_deadline_ends_a_request_and_not_the_preparation(calls: Counter[str]) -> None:
    graph, query = aliases(1000)
    gateway = Gateway.from_supergraph(graph.sdl, read("traffic: {request_timeout: 10ms}", {}), send=Shop())
    response = await ask(gateway, query)
    assert response.record.codes == ("GATEWAY_TIMEOUT",)
    request, record = GraphQLRequest(query=query), RequestRecord()
    document = await gateway.preparation.document(request, record)
    assert record.document_cached
    assert len(gateway.preparation.documents) == 1
    assert document.ast.definitions
    assert calls == {"parse_document": 1}


async def test_what_is_nested_too_deeply_is_refused_in_the_thread_too() -> None:
    gateway = Gateway.from_supergraph(SDL, send=Shop())
    fragments = " ".join(f"fragment F{n} on User {{ ...F{n + 1} }}" for n in range(900))
    query = f"{{ me {{ ...F0 }} }} {fragments} fragment F900 on User {{ name }}"
    assert (await ask(gateway, query)).record.codes == ("MAX_DEPTH_LIMIT",)


async def prepare(gateway: Gateway, query: str) -> None:
    request, record = GraphQLRequest(query=query), RequestRecord()
    document = await gateway.preparation.document(request, record)
    operation = gateway.preparation.operation(document, request, record)
    await gateway.preparation.plan(operation, PlanKey(document.text, None), record)


@pytest.mark.parametrize(
    "make",
    [lambda: aliases(1700), lambda: wide_union(1000), lambda: shareable(3000, 2)],
    ids=["1,700 aliases", "a union of a thousand types", "3,000 fields of two subgraphs each"],
)
async def test_the_loop_runs_while_a_large_operation_is_prepared(make: Callable[[], tuple[Supergraph, str]]) -> None:
    graph, query = make()
    gateway = Gateway.from_supergraph(graph.sdl, send=Shop())
    gateway.warm_up()
    with counted() as work:
        work.count_in(PREPARING_THREAD)
        await prepare(gateway, query)
    assert work.calls_elsewhere > 100_000, "the operation is too small to show anything"
    assert work.calls < work.calls_elsewhere / 20
