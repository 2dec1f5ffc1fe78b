"""What the store sends to MongoDB: each query of a request has the shard key, and the server uses an index for it.

Covers `subgraphs/account/store/mongo_migrations.py`.
"""

from __future__ import annotations

import hashlib
from collections import Counter
from functools import partial
from typing import TYPE_CHECKING, Any, Final

import pytest
from pymongo import AsyncMongoClient
from pymongo.monitoring import CommandListener

from bank.values import new_object_id, new_user_id
from subgraphs.account.statements import Period
from subgraphs.account.store.mongo_sharding import HOT_QUERIES, SHARD_KEYS, HotQuery
from subgraphs.account.store.protocol import AccountFilter
from subgraphs.kit import mongo
from subgraphs.kit.connections import PageRequest
from tests.subgraphs.account.hold_contract import in_an_hour
from tests.subgraphs.account.support import current, funded, opened, person, transfer, withdrawal

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from pymongo import MongoClient
    from pymongo.monitoring import CommandFailedEvent, CommandStartedEvent, CommandSucceededEvent

    from tests.subgraphs.account.support import StoreFactory

SHARDS: Final = 16


class Recorder(CommandListener):
    """Keeps the commands that name documents of a sharded collection by a filter."""

    def __init__(self) -> None:
        self.commands: list[dict[str, Any]] = []

    def started(self, event: CommandStartedEvent) -> None:
        if event.command_name in {"find", "update", "aggregate", "delete", "findAndModify"}:
            self.commands.append(dict(event.command))

    def succeeded(self, event: CommandSucceededEvent) -> None: ...

    def failed(self, event: CommandFailedEvent) -> None: ...

    def queries(self) -> Iterator[tuple[HotQuery, dict[str, Any]]]:
        """Yield each query with what `explain` takes."""
        for command in self.commands:
            name = next(iter(command))
            collection = command[name]
            if collection not in SHARD_KEYS:
                continue
            for query in filters(name, command):
                explained = {"find": collection, "filter": query, "sort": command.get("sort", {})}
                yield HotQuery(collection, name, frozenset(query)), explained


def filters(name: str, command: dict[str, Any]) -> list[dict[str, Any]]:
    if name == "update":
        return [update["q"] for update in command["updates"]]
    if name == "aggregate":
        return [command["pipeline"][0]["$match"]]
    return [command["filter"]]


@pytest.fixture
async def recorded(mongo_stores: StoreFactory, monkeypatch: pytest.MonkeyPatch) -> Recorder:
    """The commands of one of each operation that requests run."""
    recorder = Recorder()
    monkeypatch.setattr(mongo, "AsyncMongoClient", partial(AsyncMongoClient, event_listeners=[recorder]))
    async with mongo_stores() as store:
        ann, bob = person(), person()
        source, destination = await funded(store, ann, "10.00"), await opened(store, bob)
        await store.by_numbers([source.number])
        await store.change(source.id, lambda found: found)
        await store.pages_of([ann.user_id], AccountFilter(), PageRequest())
        await store.pages_of([ann.user_id], AccountFilter(), PageRequest(after=(source.id,)))
        await store.pages_of([ann.user_id, bob.user_id], AccountFilter(), PageRequest())
        await store.counts_of([ann.user_id], AccountFilter())
        await store.wrong_receivers(ann.user_id, source.created_at)
        await store.post(transfer(ann, source.id, destination.id, "1.00"))
        await store.post(transfer(ann, source.id, new_object_id(), "1.00"))
        for end in (store.capture, store.release):
            order = withdrawal(ann, source.id, "1.00")
            await store.reserve(order, in_an_hour())
            await end(order.transaction_id)
        period = Period(source.created_at, in_an_hour())
        for place in (None, ("0", "0")):
            await store.entries([(source.id, period)], PageRequest(after=place))
        await store.balances_before([(source.id, in_an_hour())])
        await current(store, source)
    return recorder


async def test_each_query_of_a_request_is_in_the_table_and_has_the_shard_key(recorded: Recorder) -> None:
    assert {query for query, _ in recorded.queries()} == HOT_QUERIES
    for query in HOT_QUERIES:
        assert SHARD_KEYS[query.collection] in query.fields


async def test_the_server_uses_an_index_for_each_query(
    recorded: Recorder, mongo_database: MongoClient[dict[str, Any]]
) -> None:
    database = mongo_database.get_default_database()
    for query, command in recorded.queries():
        plan = database.command("explain", command, verbosity="queryPlanner")["queryPlanner"]["winningPlan"]
        stages = set(_stages(plan))
        assert stages & {"IXSCAN", "IDHACK"}, (query, stages)
        assert "COLLSCAN" not in stages, query


def _stages(plan: dict[str, Any]) -> Iterator[str]:
    yield plan.get("stage", "")
    for child in (*plan.get("inputStages", ()), *(plan[key] for key in ("inputStage", "queryPlan") if key in plan)):
        yield from _stages(child)


@pytest.mark.parametrize("new_id", [new_user_id, new_object_id])
def test_new_ids_are_spread_evenly_over_shards(new_id: Callable[[], str]) -> None:
    """Hashed shard keys order documents by 64 bits of an MD5, and each shard has an equal part of them."""
    count = 50_000
    shards = Counter(hashlib.md5(new_id().encode()).digest()[0] * SHARDS // 256 for _ in range(count))  # noqa: S324
    assert len(shards) == SHARDS
    assert max(shards.values()) < 1.1 * count / SHARDS
