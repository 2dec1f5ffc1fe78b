"""`python -m benchmarks.execution.run [--sizes 1,18,50] [--rounds 15]` prints the table; `make bench` too.

It measures the time of one execution by the interpreter and by generated code: users and products with nested reviews,
authors and products, from four subgraphs in seven requests. The subgraph responses are recorded once and replayed, so
that only the work of the router is measured, from the plan to the encoded data. Decoding the responses into dicts and
encoding the data is a column of its own: msgspec does that in C.

The numbers are processor time, which does not count other programs, and the median of the rounds.
"""

from __future__ import annotations

import asyncio
import gc
import time
from dataclasses import dataclass, field, replace
from pathlib import Path
from statistics import median
from typing import TYPE_CHECKING, Final

import click
from graphql import parse

from router.executor.compiled.compile_plan import compile_plan
from router.executor.compiled.execution import execute_compiled
from router.executor.context_and_result import ExecutionContext
from router.executor.graphql.variable_coercion import coerce
from router.executor.interpreter.execution import execute
from router.get_operation import get_operation
from router.json_codec import decode, encode
from router.planner import plan
from tests.router.oracle.cases import Case
from tests.router.oracle.comparison import composed
from tests.router.oracle.data_store import Store
from tests.router.oracle.strict_subgraphs import InProcessSubgraphs
from tests.router.oracle.subgraph_rules import FederationRules

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable

    from router.transport.interface import SubgraphRequest, SubgraphResponse
    from tests.router.oracle.data_store import Data

CASE: Final = Path(__file__).parents[2] / "tests" / "cases" / "execution" / "nested-lists-of-four-subgraphs"
WARM_UP: Final = 3


def data(users: int) -> Data:
    """Twice as many reviews as users, half as many products; every product has reviews of several users."""
    products = max(users // 2, 1)
    reviews = range(2 * users)
    made: Data = {
        "Query": {
            "users": [f"@User:{user}" for user in range(users)],
            "topProducts": [f"@Product:{product}" for product in range(products)],
        }
    }
    for user in range(users):
        own = [f"@Review:{review}" for review in reviews if review % users == user]
        made[f"User:{user}"] = {"id": f"u{user}", "name": f"Name {user}", "username": f"user{user}", "reviews": own}
    for product in range(products):
        made[f"Product:{product}"] = {
            "upc": f"p{product}",
            "name": f"Product {product}",
            "price": 100 + product,
            "weight": 10 * product,
            "inStock": product % 3 > 0,
            "shippingEstimate": "fee",
            "reviews": [f"@Review:{review}" for review in reviews if review % products == product],
        }
    for review in reviews:
        made[f"Review:{review}"] = {
            "id": f"r{review}",
            "body": f"Text {review}",
            "author": f"@User:{review % users}",
            "product": f"@Product:{review % products}",
        }
    return made


@dataclass(slots=True)
class Recording:
    """Responses by the fetches of a request; a request without a recording is sent to `source`."""

    source: InProcessSubgraphs
    responses: dict[tuple[int, ...], SubgraphResponse] = field(default_factory=dict)

    async def send(self, request: SubgraphRequest) -> SubgraphResponse:
        response = self.responses.get(request.fetch_ids)
        if response is None:
            response = self.responses[request.fetch_ids] = await self.source.send(request)
        return response

    async def aclose(self) -> None:
        await self.source.aclose()


def objects(value: object) -> int:
    if isinstance(value, dict):
        return 1 + sum(map(objects, value.values()))
    return sum(map(objects, value)) if isinstance(value, list) else 0


async def _seconds(act: Callable[[], Awaitable[object]], rounds: int) -> float:
    seconds = []
    for turn in range(WARM_UP + rounds):
        gc.collect()
        started = time.process_time()
        await act()
        if turn >= WARM_UP:
            seconds.append(time.process_time() - started)
    return median(seconds)


async def measure(users: int, rounds: int) -> str:
    """The row of one size."""
    case = Case(CASE)
    supergraph = composed(case.subgraphs)
    federation = FederationRules.of(case.subgraphs)
    transport = Recording(InProcessSubgraphs.over(federation, Store(data(users), federation.semantics)))
    operation = replace(case.operation, variables={})
    document = parse(operation.query)
    prepared = get_operation(supergraph.api_schema, document)
    planned = plan(supergraph, document)
    context = ExecutionContext(supergraph.schema, transport, coerce(prepared, {}), sends_bodies=True)
    first = await execute(planned, prepared, context)
    if first.errors:
        raise RuntimeError(f"the benchmark's operation has an error: {first.errors[0]}")

    compiled = compile_plan(supergraph.schema, prepared, planned, context.variables)

    async def interpreted() -> bytes:
        return encode((await execute(planned, prepared, context)).data)

    async def generated() -> bytes:
        result, misfit = await execute_compiled(compiled, planned, prepared, context)
        if misfit is not None:
            raise RuntimeError(f"the responses do not fit the generated code: {misfit}")
        return encode(result.data)

    async def codec() -> None:
        for response in transport.responses.values():
            decode(response.body)
        encode(first.data)

    if await interpreted() != await generated():
        raise RuntimeError("the generated code has another result")
    by_interpreter, by_code = await _seconds(interpreted, rounds), await _seconds(generated, rounds)
    by_codec = await _seconds(codec, rounds)
    count = objects(first.data)
    return (
        f"{users:>6} {len(transport.responses):>9} {count:>8} {len(encode(first.data)) / 1000:>7.1f} KB "
        f"{by_interpreter * 1000:>10.2f} ms {by_code * 1000:>10.2f} ms {by_codec * 1000:>10.2f} ms "
        f"{by_code / count * 1e6:>10.2f}"
    )


@click.command()
@click.option("--sizes", default="1,18,50", show_default=True, help="Numbers of users.")
@click.option("--rounds", default=15, show_default=True, help="Measured rounds for each size.")
def main(sizes: str, rounds: int) -> None:
    """Time the execution of one plan over recorded subgraph responses."""
    click.echo(" users  requests  objects       data    interpreter      generated  decode, encode  µs per object")
    for size in map(int, sizes.split(",")):
        click.echo(asyncio.run(measure(size, rounds)))


if __name__ == "__main__":
    main()
