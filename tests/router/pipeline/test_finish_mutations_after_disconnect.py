"""Mutations run to their end, whoever waits for them."""

from __future__ import annotations

import asyncio

import pytest

from router.pipeline.finish_mutations_after_disconnect import RunningMutations
from router.request.log_fields import RequestRecord
from router.request.request_and_response import GraphQLResponse, Outcome

RESPONSE = GraphQLResponse(body={}, outcome=Outcome.EXECUTED, record=RequestRecord())


class Mutation:
    """One that ends when `may_end` is set."""

    def __init__(self) -> None:
        self.may_end = asyncio.Event()
        self.ended = False

    async def run(self) -> GraphQLResponse:
        await self.may_end.wait()
        self.ended = True
        return RESPONSE


async def test_the_response_is_that_of_the_execution() -> None:
    mutation = Mutation()
    mutation.may_end.set()
    assert await RunningMutations().run(mutation.run()) is RESPONSE


async def test_a_caller_that_is_cancelled_leaves_it_running_until_it_ends() -> None:
    running, mutation = RunningMutations(), Mutation()
    caller = asyncio.create_task(running.run(mutation.run()))
    await asyncio.sleep(0)
    caller.cancel()
    with pytest.raises(asyncio.CancelledError):
        await caller
    await running.finish(0.001)
    assert not mutation.ended
    mutation.may_end.set()
    await running.finish(5)
    assert mutation.ended


async def test_there_is_nothing_to_finish_without_mutations() -> None:
    async with asyncio.timeout(30):
        await RunningMutations().finish(60)
