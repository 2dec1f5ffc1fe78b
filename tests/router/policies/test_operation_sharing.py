"""Equal queries at the same time are executed once, and only for clients that must get the same response."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass, field
from typing import Any

import pytest

from router.gateway import Gateway
from router.pipeline import RequestContext, Stage
from router.policies.operation_sharing import OperationSharing
from router.request.identity import Identity
from router.request.request_and_response import GraphQLRequest, GraphQLResponse
from router.settings import read
from router.transport.interface import SubgraphRequest, SubgraphResponse
from tests.router.policies.demand_control.library import SDL

QUERY = "query($n: Int) { page(first: $n) { total } }"
SETTINGS = (
    "headers: {all: {request: [{propagate: {matching: 'authorization|x-.*'}}]}}\ntraffic: {share_operations: true}"
)


class Known(Stage):
    """Verifies tokens: `good-<name>` is valid."""

    async def on_request(self, context: RequestContext) -> None:
        """Set the identity."""
        token = context.request.headers.get("authorization", "")
        if token.startswith("good-"):
            context.identity = Identity({"sub": token})


@dataclass
class Slow:
    """A subgraph that waits until the test lets it respond."""

    ready: asyncio.Event = field(default_factory=asyncio.Event)
    count: int = 0
    errors: list[dict[str, Any]] | None = None

    async def __call__(self, request: SubgraphRequest) -> SubgraphResponse:
        """Respond with the number of the request."""
        del request
        self.count += 1
        number = self.count
        await self.ready.wait()
        errors = {} if self.errors is None else {"errors": self.errors}
        return SubgraphResponse.of({"data": {"page": {"total": number}}, **errors})


def gateway(slow: Slow, settings: str = SETTINGS) -> Gateway:
    return Gateway.from_supergraph(SDL, read(settings, {}), send=slow, stages=[Known()])


def ask(query: str = QUERY, variables: dict[str, Any] | None = None, **headers: str) -> GraphQLRequest:
    named = {name.replace("_", "-"): value for name, value in headers.items()}
    return GraphQLRequest(query=query, variables={"n": 1} if variables is None else variables, headers=named)


async def settled(slow: Slow) -> None:
    """Wait until no more requests arrive at the subgraph."""
    for _ in range(5):
        await asyncio.sleep(0.02)
    slow.ready.set()


async def executed(*requests: GraphQLRequest, settings: str = SETTINGS) -> tuple[int, list[GraphQLResponse]]:
    """How many of the requests, sent at once, were executed; and the responses."""
    slow = Slow()
    router = gateway(slow, settings)
    router.prepare(QUERY)
    tasks = [asyncio.create_task(router.execute(request)) for request in requests]
    await settled(slow)
    return slow.count, await asyncio.gather(*tasks)


async def test_equal_queries_are_executed_once() -> None:
    count, responses = await executed(*(ask() for _ in range(5)))
    assert count == 1
    assert all(response.body == {"data": {"page": {"total": 1}}} for response in responses)
    assert len({id(response.record) for response in responses}) == 5


async def test_it_is_off_by_default() -> None:
    count, _ = await executed(ask(), ask(), settings="")
    assert count == 2


@pytest.mark.parametrize(
    ("first", "second", "count"),
    [
        (ask(), ask(variables={"n": 2}), 2),
        (ask(), ask(query="query($n: Int) { page(first: $n) { t: total } }"), 2),
        (ask(x_tenant="a"), ask(x_tenant="b"), 2),
        (ask(x_lang="a"), ask(x_lang="b"), 2),
        (ask(x_lang="a"), ask(x_lang="a"), 1),
        (ask(x_tenant="a"), ask(x_tenant="a"), 2),  # may be a credential that nobody has verified
        (ask(x_request_id="a"), ask(x_request_id="b"), 1),
        (ask(accept="a"), ask(accept="b"), 1),
        (ask(authorization="good-ada"), ask(authorization="good-ada"), 1),
        (ask(authorization="good-ada"), ask(authorization="good-bob"), 2),
        (ask(authorization="good-ada"), ask(), 2),
        (ask(authorization="bad"), ask(authorization="bad"), 2),
        (ask(cookie="s=1"), ask(cookie="s=1"), 2),
    ],
)
async def test_only_requests_that_must_get_the_same_response_are_equal(
    first: GraphQLRequest, second: GraphQLRequest, count: int
) -> None:
    assert (await executed(first, second))[0] == count


async def test_clients_with_other_claims_are_never_equal_even_if_no_header_says_so() -> None:
    count, _ = await executed(
        ask(authorization="good-ada"), ask(authorization="good-bob"), settings="traffic: {share_operations: true}"
    )
    assert count == 2


async def test_mutations_are_never_shared() -> None:
    slow = Slow()
    slow.ready.set()
    router = gateway(slow)
    mutation = GraphQLRequest(query="mutation { add { id } }")
    await asyncio.gather(*(router.execute(mutation) for _ in range(3)))
    assert slow.count == 3


async def test_a_request_that_comes_later_is_executed() -> None:
    slow = Slow()
    slow.ready.set()
    router = gateway(slow)
    for _ in range(2):
        await router.execute(ask())
    assert slow.count == 2


async def test_if_the_first_request_is_cancelled_another_executes_the_query() -> None:
    slow = Slow()
    router = gateway(slow)
    router.prepare(QUERY)
    first, *others = [asyncio.create_task(router.execute(ask())) for _ in range(3)]
    while not slow.count:
        await asyncio.sleep(0.001)
    await asyncio.sleep(0.02)
    first.cancel()
    await settled(slow)
    assert [response.body for response in await asyncio.gather(*others)] == [{"data": {"page": {"total": 2}}}] * 2
    stage = router.stages.find(OperationSharing)
    assert stage is not None
    assert stage.status() == {"shared_operations": 1}


async def test_errors_are_shared_too() -> None:
    slow = Slow(errors=[{"message": "no", "extensions": {"code": "X"}}])
    router = gateway(slow)
    router.prepare(QUERY)
    tasks = [asyncio.create_task(router.execute(ask())) for _ in range(3)]
    await settled(slow)
    responses = await asyncio.gather(*tasks)
    assert [response.record.errors for response in responses] == [1, 1, 1]
    assert all(response.body == responses[0].body for response in responses)


async def test_a_reload_keeps_the_counter() -> None:
    old, new = OperationSharing(), OperationSharing()
    old.shared = 3
    new.inherit(old)
    assert new.shared == 3
