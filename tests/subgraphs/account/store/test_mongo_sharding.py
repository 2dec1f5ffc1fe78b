"""What the store sends to MongoDB: each query of a request has the shard key, and the server uses an index for it.

Covers `subgraphs/account/store/mongo_migrations.py`.
"""

from __future__ import annotations

import hashlib
from collections import Counter
from typing import TYPE_CHECKING, Any, Final

import pytest

from bank.values import new_object_id, new_user_id
from subgraphs.account.statements import Period
from subgraphs.account.store.mongo_sharding import HOT_QUERIES, SHARD_KEYS, HotQuery
from subgraphs.account.store.protocol import AccountFilter
from subgraphs.kit.pages import PageRequest
from tests.subgraphs.account.hold_contract import in_an_hour
from tests.subgraphs.account.support import current, funded, opened, person, transfer, withdrawal
from tests.subgraphs.recorded_commands import explained, found_in, record_commands, scans

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from pymongo import MongoClient

    from tests.subgraphs.account.support import StoreFactory
    from tests.subgraphs.recorded_commands import CommandRecorder

SHARDS: Final = 16


def queries(recorder: CommandRecorder) -> Iterator[tuple[HotQuery, dict[str, Any]]]:
    """Yield each query of a sharded collection, and its command."""
    for command in recorder.commands:
        name = next(iter(command))
        if command[name] in SHARD_KEYS:
            yield HotQuery(command[name], name, frozenset(filter_of(name, command))), command


def filter_of(name: str, command: dict[str, Any]) -> dict[str, Any]:
    conditions: dict[str, Any]
    match name:
        case "update":
            conditions = command["updates"][0]["q"]
        case "aggregate":
            conditions = command["pipeline"][0]["$match"]
        case _:
            conditions = command["filter"]
    return conditions


@pytest.fixture
async def recorded(mongo_stores: StoreFactory, monkeypatch: pytest.MonkeyPatch) -> CommandRecorder:
    """The commands of one of each operation that requests run."""
    recorder = record_commands(monkeypatch)
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


async def test_each_query_of_a_request_is_in_the_table_and_has_the_shard_key(recorded: CommandRecorder) -> None:
    assert {query for query, _ in queries(recorded)} == HOT_QUERIES
    for query in HOT_QUERIES:
        assert SHARD_KEYS[query.collection] in query.fields


async def test_the_server_uses_an_index_for_each_query(
    recorded: CommandRecorder, mongo_database: MongoClient[dict[str, Any]]
) -> None:
    database = mongo_database.get_default_database()
    for query, command in queries(recorded):
        explanation = explained(database, command)
        assert set(found_in(explanation, "stage")) & {"IXSCAN", "IDHACK"}, query
        assert not scans(explanation), query


@pytest.mark.parametrize("new_id", [new_user_id, new_object_id])
def test_new_ids_are_spread_evenly_over_shards(new_id: Callable[[], str], request: pytest.FixtureRequest) -> None:
    """Hashed shard keys order documents by 64 bits of an MD5, and each shard has an equal part of them."""
    count = 1_000_000 if request.config.getoption("--all-ids") else 50_000
    shards = Counter(hashlib.md5(new_id().encode()).digest()[0] * SHARDS // 256 for _ in range(count))  # noqa: S324
    assert len(shards) == SHARDS
    assert max(shards.values()) < 1.1 * count / SHARDS
