"""Concurrent histories of postings and reads on real stores are linearizable; the checker finds those that are not."""

from __future__ import annotations

import asyncio
import random
from itertools import count
from typing import TYPE_CHECKING

import pytest

from bank.values import to_minor_units
from subgraphs.account.postings import CustomerAccount
from tests.subgraphs.account.linearizability import Operation, is_linearizable
from tests.subgraphs.account.support import deposit, funded, person, sqlite_factory, transfer, withdrawal

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from subgraphs.account.domain import Account
    from subgraphs.account.postings import OnBehalfOf, Posting
    from subgraphs.account.store.protocol import AccountStore
    from tests.subgraphs.account.support import StoreFactory

CLIENTS, STEPS = 4, 6


def test_the_checker_accepts_an_order_and_refuses_what_has_none() -> None:
    start = {"a": 10, "b": 0}
    pay = Operation(0, 5, {"a": -10, "b": 10})
    assert is_linearizable([pay, Operation(6, 7, seen={"a": 0, "b": 10})], start)
    # During the payment, a read may see both, but no part of it.
    assert is_linearizable([pay, Operation(1, 2, seen={"a": 10}), Operation(3, 4, seen={"a": 0})], start)
    assert not is_linearizable([pay, Operation(1, 2, seen={"a": 0}), Operation(3, 4, seen={"a": 10})], start)
    assert not is_linearizable([pay, Operation(1, 2, seen={"a": 0, "b": 0})], start)
    # A read after the payment sees it, and only one of two payments of all money is posted.
    assert not is_linearizable([pay, Operation(6, 7, seen={"a": 10})], start)
    assert not is_linearizable([pay, Operation(0, 5, {"a": -10})], start)
    assert is_linearizable([pay, Operation(0, 5, {"a": -10}, posted=False)], start)
    assert not is_linearizable([Operation(0, 5, {"a": -10}, posted=False)], start)
    assert is_linearizable([Operation(0, 5, {"a": -10}, posted=None), Operation(6, 7, seen={"a": 10})], start)


class History:
    """Records what clients do at the same time."""

    def __init__(self, accounts: list[Account]) -> None:
        self.ids = [account.id for account in accounts]
        self.operations: list[Operation] = []
        self._clock = count()

    async def post(self, store: AccountStore, posting: Posting) -> None:
        moves = {
            entry.account.id: to_minor_units(entry.amount, posting.currency)
            for entry in posting.entries
            if isinstance(entry.account, CustomerAccount)
        }
        called = next(self._clock)
        outcome = await store.post(posting)
        self.operations.append(Operation(called, next(self._clock), moves, outcome.posted))

    async def read(self, store: AccountStore) -> None:
        called = next(self._clock)
        found = await store.by_ids(self.ids)
        seen = {each.id: to_minor_units(each.balance, each.currency) for each in found.values()}
        self.operations.append(Operation(called, next(self._clock), seen=seen))


async def recorded(factory: StoreFactory, seed: int) -> tuple[History, dict[str, int]]:
    """A history of clients on two connections, and the balances before it."""
    chosen, ann = random.Random(seed), person()
    async with factory() as one, factory() as other:
        accounts = [await funded(one, ann, amount) for amount in ("0.03", "0.02", "0.01")]
        history = History(accounts)

        async def client(store: AccountStore) -> None:
            for _ in range(STEPS):
                if chosen.random() < 0.4:
                    await history.read(store)
                else:
                    await history.post(store, a_posting(chosen, ann, history.ids))

        await asyncio.gather(*(client((one, other)[number % 2]) for number in range(CLIENTS)))
    return history, {account.id: to_minor_units(account.balance, "USD") for account in accounts}


def a_posting(chosen: random.Random, ann: OnBehalfOf, ids: list[str]) -> Posting:
    source, destination = chosen.sample(ids, 2)
    amount = f"0.0{chosen.randint(1, 4)}"
    make: Callable[[], Posting] = chosen.choice(
        [
            lambda: transfer(ann, source, destination, amount),
            lambda: transfer(ann, source, destination, amount),
            lambda: withdrawal(ann, source, amount),
            lambda: deposit(ann, source, amount),
        ]
    )
    return make()


@pytest.mark.parametrize("seed", range(5))
async def test_histories_on_sqlite_are_linearizable(seed: int, tmp_path: Path) -> None:
    history, start = await recorded(sqlite_factory(tmp_path / "account.sqlite3"), seed)
    assert len(history.operations) == CLIENTS * STEPS
    assert is_linearizable(history.operations, start)


@pytest.mark.parametrize("seed", range(3))
async def test_histories_on_mongodb_are_linearizable(seed: int, mongo_stores: StoreFactory) -> None:
    history, start = await recorded(mongo_stores, seed)
    assert len(history.operations) == CLIENTS * STEPS
    assert is_linearizable(history.operations, start)
