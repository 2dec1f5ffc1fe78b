"""Results that several fields of one request share."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass
from decimal import Decimal
from typing import Any

import pytest

from subgraphs.kit.shared_results import SharedResults, frozen


@dataclass
class Entity:
    id: str
    claim: str = ""


class Resolver:
    """Counts its calls; each returns another number."""

    def __init__(self) -> None:
        self.calls = 0

    async def __call__(self) -> int:
        self.calls += 1
        number = self.calls
        await asyncio.sleep(0)
        return number


async def test_equal_objects_and_keys_share_one_result() -> None:
    shared, resolver = SharedResults(), Resolver()
    results = await asyncio.gather(
        shared.get("accounts", Entity("1"), resolver),
        shared.get("accounts", Entity("1"), resolver),
        shared.get("accounts", Entity("2"), resolver),
        shared.get("other", Entity("1"), resolver),
    )
    assert list(results) == [1, 1, 2, 3]


async def test_objects_of_one_id_that_claim_different_things_share_nothing() -> None:
    shared, resolver = SharedResults(), Resolver()
    results = [await shared.get("turnover", Entity("1", claim), resolver) for claim in ("EUR", "USD", "EUR")]
    assert results == [1, 2, 1]


async def test_an_object_without_an_id_shares_with_itself_only() -> None:
    shared, resolver = SharedResults(), Resolver()
    first, second = ["a"], ["a"]
    assert [await shared.get("count", each, resolver) for each in (first, second, first)] == [1, 2, 1]


async def test_a_field_that_is_no_longer_needed_leaves_the_result_to_the_others() -> None:
    shared, resolver = SharedResults(), Resolver()
    first = asyncio.ensure_future(shared.get("a", None, resolver))
    second = asyncio.ensure_future(shared.get("a", None, resolver))
    await asyncio.sleep(0)
    first.cancel()
    assert await second == 1


async def test_the_end_of_the_request_cancels_what_still_runs() -> None:
    shared, ended = SharedResults(), asyncio.Event()

    async def slow() -> None:
        try:
            await asyncio.Event().wait()
        finally:
            ended.set()

    waiting = asyncio.ensure_future(shared.get("a", None, slow))
    await asyncio.sleep(0)
    await asyncio.sleep(0)
    await shared.cancel()
    assert ended.is_set()
    with pytest.raises(asyncio.CancelledError):
        await waiting


@pytest.mark.parametrize(
    ("one", "other", "same"),
    [
        ({"a": 1, "b": [2]}, {"b": [2], "a": 1}, True),
        ({"a": 1}, {"a": True}, False),
        ({"a": 1}, {"a": 1.0}, False),
        ({"a": None}, {}, False),
        ({"a": [1]}, {"a": 1}, False),
        ([["a", 1]], {"a": 1}, False),
        ({"a": Decimal(1)}, {"a": Decimal(1)}, True),
    ],
)
def test_keys_are_equal_for_equal_arguments_only(one: Any, other: Any, same: bool) -> None:  # noqa: FBT001 - a case
    assert (hash(frozen(one)) == hash(frozen(other)) and frozen(one) == frozen(other)) is same
