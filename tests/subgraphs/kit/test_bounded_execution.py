"""An operation ends at its limit of objects, at its deadline, and when its client goes; its work ends with it."""

# No `from __future__ import annotations`: Strawberry reads these annotations while the module is still loading.
import asyncio
from collections.abc import Callable, Coroutine
from typing import Any

import pytest
import strawberry
from graphql import ExecutionResult, GraphQLError

from servicekit.client_disconnects import ClientGone, run_within
from servicekit.errors import TimedOut
from subgraphs.kit.bounded_execution import execute_counted
from subgraphs.kit.context import BaseContext
from subgraphs.kit.operation_checks import read_operation
from subgraphs.kit.schema import create_schema
from tests.reference_cycles import reference_cycles


class Context(BaseContext):
    """What the resolvers report.

    Attributes:
        calls: how often the counted field was resolved.
        started: set when the hanging field is reached.
        cancelled: set when it is cancelled.
    """

    def __init__(self) -> None:
        super().__init__(None)
        self.calls = 0
        self.started = asyncio.Event()
        self.cancelled = asyncio.Event()


Info = strawberry.Info[Context, None]


async def _items(info: Info, count: int) -> list["Item"]:
    info.context.calls += 1
    return [Item(number=number) for number in range(count)]


async def _hanging(info: Info) -> str:
    info.context.started.set()
    try:
        await asyncio.Event().wait()
    except asyncio.CancelledError:
        info.context.cancelled.set()
        raise
    return ""


async def _failing() -> str:
    raise RuntimeError


@strawberry.type
class Item:
    number: int
    items: list["Item"] = strawberry.field(resolver=_items)
    hanging: str | None = strawberry.field(resolver=_hanging)
    needed: str = strawberry.field(resolver=_failing)


@strawberry.type
class Query:
    items: list[Item] = strawberry.field(resolver=_items)
    hanging: str | None = strawberry.field(resolver=_hanging)


@strawberry.type
class Mutation:
    items: list[Item] = strawberry.field(resolver=_items)


SCHEMA = create_schema(query=Query, mutation=Mutation).graphql


async def run(text: str, context: Context, limit: int = 2_000) -> ExecutionResult:
    return await execute_counted(SCHEMA, read_operation(text, None), {}, context, limit)


async def nobody() -> None:
    """A client that stays."""
    await asyncio.Event().wait()


async def test_objects_are_counted_although_nobody_estimated_them() -> None:
    result = await run("{ items(count: 9) { items(count: 10) { number } } }", Context(), limit=99)
    assert result.errors is None
    with pytest.raises(GraphQLError) as caught:
        await run("{ items(count: 9) { items(count: 10) { number } } }", Context(), limit=98)
    assert caught.value.extensions == {"code": "QUERY_TOO_EXPENSIVE", "estimate": 99, "limit": 98}


async def test_the_other_branches_end_when_one_resolves_too_much() -> None:
    context = Context()
    with pytest.raises(GraphQLError):
        await run("{ hanging items(count: 100) { number } }", context, limit=50)
    assert context.cancelled.is_set()


async def test_the_task_is_not_left_cancelled() -> None:
    """The caller goes on and writes the response."""
    with pytest.raises(GraphQLError):
        await run("{ items(count: 100) { number } }", Context(), limit=50)
    await asyncio.sleep(0)


async def test_a_schema_is_no_data_and_has_a_limit_of_its_own() -> None:
    result = await run("{ __schema { types { fields { name args { name } } } } }", Context(), limit=1)
    assert result.errors is None
    expensive = " ".join(f"a{i}: __schema {{ types {{ fields {{ type {{ kind }} }} }} }}" for i in range(250))
    with pytest.raises(GraphQLError):
        await run(f"{{ {expensive} }}", Context(), limit=1)


async def test_an_identical_field_is_resolved_once_in_a_query() -> None:
    context = Context()
    result = await run(
        "{ a: items(count: 2) { number } b: items(count: 2) { number } c: items(count: 3) { number } }", context
    )
    assert result.errors is None
    assert result.data is not None
    assert result.data["a"] == result.data["b"] == [{"number": 0}, {"number": 1}]
    assert context.calls == 2


async def test_each_field_of_a_mutation_is_resolved() -> None:
    context = Context()
    await run("mutation { a: items(count: 2) { number } b: items(count: 2) { number } }", context)
    assert context.calls == 2


async def test_work_that_an_error_made_useless_ends_with_the_request() -> None:
    """The error of `needed` makes the list null; graphql-core would let `hanging` go on in the background."""
    context = Context()
    result = await run("{ items(count: 1) { needed hanging } }", context)
    assert result.errors
    assert context.cancelled.is_set() is context.started.is_set()


@pytest.mark.parametrize(
    ("ends", "seconds", "error"),
    [(nobody, 0.05, TimedOut), (lambda: asyncio.sleep(0), 30.0, ClientGone)],
    ids=["deadline", "client"],
)
async def test_work_is_cancelled_when_nobody_waits_for_it(
    ends: Callable[[], Coroutine[object, object, None]], seconds: float, error: type[Exception]
) -> None:
    context = Context()

    async def gone() -> None:
        await context.started.wait()
        await ends()

    with pytest.raises(error):
        await run_within(run("{ hanging items(count: 2) { hanging } }", context), gone(), seconds)
    assert context.cancelled.is_set()
    assert asyncio.all_tasks() == {asyncio.current_task()}


async def test_no_time_left_starts_nothing() -> None:
    context = Context()
    with pytest.raises(TimedOut):
        await run_within(run("{ items(count: 1) { number } }", context), nobody(), 0)
    assert context.calls == 0


async def test_a_result_in_time_is_returned_and_the_watch_ends() -> None:
    async def result() -> Any:
        return 7

    assert await run_within(result(), nobody(), 30) == 7
    assert asyncio.all_tasks() == {asyncio.current_task()}


async def test_an_operation_without_errors_leaves_no_reference_cycles() -> None:
    text = "{ items(count: 9) { number items(count: 3) { number } } }"
    assert not (await run(text, Context())).errors
    with reference_cycles("subgraphs.", "graphql.execution.", __name__) as left:
        await run(text, Context())
    assert left == {}
