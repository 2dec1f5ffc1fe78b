"""A plan is compiled when it is used often; how requests are executed is counted."""

from __future__ import annotations

import gc
import weakref
from dataclasses import replace
from typing import TYPE_CHECKING, Any

import pytest

from router.executor.compiled.compile_plan import compile_plan
from router.gateway import Gateway
from router.pipeline import compile_frequent_plans
from router.pipeline.compile_frequent_plans import (
    COMPILE_AFTER,
    MISFITS_BEFORE_PAUSE,
    PAUSE_EXECUTIONS,
    UNKNOWN_FIELDS_BEFORE_COMPILATION,
)
from router.preparation.preparing_thread import PREPARING_THREAD
from router.request.request_and_response import GraphQLRequest
from router.settings import read
from router.transport.interface import SubgraphResponse
from tests.router.shop import SDL, Shop

if TYPE_CHECKING:
    from router.executor.compiled.compile_plan import CompiledPlan
    from router.transport.interface import SubgraphRequest

ME = "query($no: Boolean! = false) { me { name orders @skip(if: $no) { id amount } } }"


def gateway(shop: Shop, settings: str = "") -> Gateway:
    return Gateway.from_supergraph(SDL, read(settings, {}), send=shop)


async def ask(one: Gateway, times: int, **variables: object) -> dict[str, Any]:
    """Send a query several times, and wait for the preparing thread after each."""
    body: dict[str, Any] = {}
    for _ in range(times):
        body = dict((await one.execute(GraphQLRequest(query=ME, variables=variables))).body)
        PREPARING_THREAD.submit(lambda: None).result()
    return body


async def test_a_plan_is_compiled_after_some_uses() -> None:
    one = gateway(Shop())
    first = await ask(one, COMPILE_AFTER)
    assert one.compiled_plans.counts == (0, COMPILE_AFTER, 0)
    assert await ask(one, 2) == first
    assert one.compiled_plans.counts == (2, COMPILE_AFTER, 0)
    assert isinstance(first["data"], dict)


async def test_each_combination_of_conditions_is_compiled_by_itself() -> None:
    one = gateway(Shop())
    await ask(one, COMPILE_AFTER + 1)
    assert await ask(one, COMPILE_AFTER + 1, no=True) == {"data": {"me": {"name": "Ada"}}}
    assert one.compiled_plans.counts == (2, 2 * COMPILE_AFTER, 0)
    assert len(one.compiled_plans.cache) == 2


@pytest.mark.parametrize(("settings", "compiled"), [("", 1), ("execution: {compile_plans: false}", 0)])
async def test_plans_are_compiled_if_the_settings_say_so(settings: str, compiled: int) -> None:
    one = gateway(Shop(), settings)
    await ask(one, COMPILE_AFTER + 1)
    assert one.compiled_plans.counts.compiled == compiled


async def test_the_number_of_compiled_plans_is_limited(monkeypatch: pytest.MonkeyPatch) -> None:
    one = gateway(Shop(), "{cache: {compiled_plans: 1}}")
    await ask(one, COMPILE_AFTER)
    await ask(one, COMPILE_AFTER + 1, no=True)
    assert one.compiled_plans.counts.compiled == 0, "a plan that is in use is not replaced"
    monkeypatch.setattr(compile_frequent_plans, "PROTECTED_EXECUTIONS", 2)
    await ask(one, 2, no=True)
    assert one.compiled_plans.counts.compiled == 1
    assert len(one.compiled_plans.cache) == 1


async def test_the_memory_of_compiled_plans_is_limited() -> None:
    one = gateway(Shop(), "{cache: {memory_bytes: 60_000}}")
    for number in range(5):
        for _ in range(COMPILE_AFTER + 1):
            await one.execute(GraphQLRequest(query=f"{{ a{number}: me {{ name }} }}"))
            PREPARING_THREAD.submit(lambda: None).result()
    cache = one.compiled_plans.cache
    assert 0 < len(cache) < 5
    assert cache.weight <= 60_000


async def test_a_plan_larger_than_the_cache_is_compiled_once_and_not_kept(monkeypatch: pytest.MonkeyPatch) -> None:
    compiled: list[object] = []

    def noted(*arguments: Any) -> CompiledPlan:
        compiled.append(arguments)
        return replace(compile_plan(*arguments), memory_bytes=1_000_000_000)

    monkeypatch.setattr("router.executor.compiled.compile_plan.compile_plan", noted)
    one = gateway(Shop())
    await ask(one, 3 * COMPILE_AFTER)
    assert (len(compiled), len(one.compiled_plans.cache)) == (1, 0)
    assert one.compiled_plans.counts == (0, 3 * COMPILE_AFTER, 0)


@pytest.mark.parametrize("times", [1, COMPILE_AFTER + 1])
async def test_no_operation_is_kept_that_the_caches_have_evicted(times: int) -> None:
    one = gateway(Shop(), "{cache: {documents: 1, plans: 1}}")
    await ask(one, times)
    (document,) = [document for _, document in one.preparation.documents.most_used(1)]
    operation = weakref.ref(document.operations[None].client)
    del document
    await one.execute(GraphQLRequest(query="{ me { id } }"))
    gc.collect()
    assert operation() is None
    assert len(one.compiled_plans.cache) == 0


async def test_a_plan_whose_responses_never_fit_is_paused() -> None:
    def without_name(_request: SubgraphRequest) -> SubgraphResponse:
        return SubgraphResponse.of({"data": {"me": {"__typename": "User", "id": "1"}}})

    shop = Shop(before={"people": without_name})
    one = gateway(shop)
    await ask(one, COMPILE_AFTER + MISFITS_BEFORE_PAUSE + PAUSE_EXECUTIONS)
    assert one.compiled_plans.counts == (0, COMPILE_AFTER + PAUSE_EXECUTIONS, MISFITS_BEFORE_PAUSE)
    shop.before.clear()
    await ask(one, 1)
    assert one.compiled_plans.counts.compiled == 1


async def test_a_plan_is_compiled_again_for_a_subgraph_that_sends_extra_fields() -> None:
    def with_more(_request: SubgraphRequest) -> SubgraphResponse:
        return SubgraphResponse.of({"data": {"me": {"__typename": "User", "id": "1", "name": "Ada", "debug": [1]}}})

    one, plain = gateway(Shop(before={"people": with_more})), gateway(Shop())
    await ask(one, COMPILE_AFTER + UNKNOWN_FIELDS_BEFORE_COMPILATION)
    assert one.compiled_plans.counts == (0, COMPILE_AFTER, UNKNOWN_FIELDS_BEFORE_COMPILATION)
    assert await ask(one, 2) == await ask(plain, 1)
    assert one.compiled_plans.counts.compiled == 2
    assert len(one.compiled_plans.cache) == 1


async def test_a_reload_goes_on_counting() -> None:
    one, other = gateway(Shop()), gateway(Shop())
    await ask(one, 2)
    other.inherit(one)
    assert other.compiled_plans.counts.interpreted == 2
