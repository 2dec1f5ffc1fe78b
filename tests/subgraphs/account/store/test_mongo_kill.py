"""The ledger in MongoDB when the server is killed or its primary steps down amid postings.

Each posting whose outcome is not known is sent again with its transaction id. Afterwards nothing is lost, nothing is
posted twice, and the ledger check finds nothing. `KILL_ROUNDS=50` kills the server more often.
"""

from __future__ import annotations

import asyncio
import os
from contextlib import suppress
from typing import TYPE_CHECKING

import pytest
from pymongo import MongoClient
from pymongo.errors import PyMongoError

from bank import values
from mosafe.local_servers.mongod import Mongod
from servicekit.errors import Unavailable
from subgraphs.account.store.mongo import MongoAccountStore
from tests.servers import running
from tests.subgraphs.account.support import KEY, code_of, funded, mongo_address, person, transfer

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from subgraphs.account.domain import Account
    from subgraphs.account.postings import OnBehalfOf, Posting

WORKERS = 4
BEFORE_AND_AFTER = 3
KILLS = int(os.environ.get("KILL_ROUNDS", "2"))


def kill(server: Mongod) -> None:
    server.kill()
    server.start()


def step_down(server: Mongod) -> None:
    # The primary may close the connection before it responds.
    with MongoClient[dict[str, object]](server.url("admin")) as client, suppress(PyMongoError):
        client.admin.command("replSetStepDown", 1, force=True)


class Load:
    """Transfers between two accounts without end; each is sent again until its outcome is known."""

    def __init__(self, store: MongoAccountStore, ann: OnBehalfOf, accounts: list[Account]) -> None:
        self._store = store
        self._ann = ann
        self._accounts = accounts
        self.posted: list[Posting] = []
        self.done = asyncio.Event()

    async def worker(self, number: int) -> None:
        turn = number
        while not self.done.is_set():
            source, destination = self._accounts[turn % 2], self._accounts[1 - turn % 2]
            posting = transfer(self._ann, source.id, destination.id, "1.00")
            await self._until_known(posting)
            turn += 1

    async def _until_known(self, posting: Posting) -> None:
        while True:
            try:
                outcome = await self._store.post(posting)
            except Unavailable:
                continue
            assert code_of(outcome) is None
            self.posted.append(posting)
            return

    async def reaches(self, count: int) -> None:
        while len(self.posted) < count:
            await asyncio.sleep(0.01)


@pytest.mark.parametrize("disturb", [kill, step_down], ids=["kill", "step down"])
async def test_nothing_is_lost_or_posted_twice(disturb: Callable[[Mongod], None], tmp_path: Path) -> None:
    with running(Mongod(tmp_path)) as server:
        store = await MongoAccountStore.open_chained(mongo_address(server.url("accounts")), KEY, values.now)
        try:
            await disturbed(store, lambda: disturb(server), rounds=KILLS if disturb is kill else 1)
        finally:
            await store.close()


async def disturbed(store: MongoAccountStore, disturb: Callable[[], None], rounds: int) -> None:
    """Post amid disturbances, and check the ledger afterwards."""
    ann = person()
    accounts = [await funded(store, ann, "1000.00") for _ in range(2)]
    load = Load(store, ann, accounts)
    async with asyncio.TaskGroup() as tasks:
        for number in range(WORKERS):
            tasks.create_task(load.worker(number))
        for _ in range(rounds):
            await load.reaches(len(load.posted) + BEFORE_AND_AFTER)
            await asyncio.to_thread(disturb)
            await load.reaches(len(load.posted) + BEFORE_AND_AFTER)
        load.done.set()
    report = await store.check(KEY)
    assert report.sound, report.violations
    assert report.posted == len(load.posted) + len(accounts)
    ids = {posting.transaction_id for posting in load.posted}
    assert await store.which_posted(ids) == ids
    assert report.customer_sums == {"USD": 200_000}
