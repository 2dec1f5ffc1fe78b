"""The cache of accounts: what is read from the store, and that no answered posting is missed.

Covers `subgraphs/account/cache/account_cache.py`, `subgraphs/account/cache/account_json.py`,
`subgraphs/account/cache/cache_permits.py`, `subgraphs/account/cache/open_cache.py`,
`subgraphs/account/cache/keys.py`, `subgraphs/account/cache/redis_entries.py` and
`subgraphs/account/cache/sealed_values.py`.
"""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, Any

import pytest
from redis import Redis
from structlog.testing import capture_logs

from bank.values import new_object_id
from mosafe.local_servers.redis_server import RedisServer
from subgraphs.account.cache import cache_permits
from subgraphs.account.cache.keys import account_key
from subgraphs.account.cache.redis_entries import ENTRY_SECONDS
from subgraphs.account.domain import AccountStatus
from subgraphs.account.store.protocol import AccountFilter
from subgraphs.kit.pages import PageRequest
from tests.servers import running
from tests.subgraphs.account.cache.replicas import NOWHERE, replica
from tests.subgraphs.account.hold_contract import in_an_hour
from tests.subgraphs.account.support import (
    code_of,
    current,
    deposit,
    funded,
    opened,
    person,
    transfer,
    with_status,
    withdrawal,
)

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable, Mapping
    from pathlib import Path

    from subgraphs.account.domain import Account
    from tests.subgraphs.account.support import StoreFactory

ALL = AccountFilter()
FIRST = PageRequest()


async def balance(process: Any, account: Account) -> str:
    return str((await process.reads.by_ids([account.id]))[account.id].balance)


def forget_all(redis_url: str) -> None:
    with Redis.from_url(redis_url) as redis:
        redis.flushall()


async def test_repeated_reads_of_accounts_and_first_pages_need_no_store(stores: StoreFactory, redis_url: str) -> None:
    async with replica(stores, redis_url) as process:
        account = await funded(process, ann := person(), "1.00")

        async def read() -> object:
            return [
                await process.reads.by_ids([account.id]),
                await process.reads.pages_of([ann.user_id], ALL, FIRST),
                await process.reads.pages_of([ann.user_id], ALL, PageRequest(backwards=True)),
                await process.reads.counts_of([ann.user_id], ALL),
                await process.reads.page(ALL, FIRST),
                await process.reads.count(ALL),
            ]

        first = await read()
        assert process.counting.reads() > 0
        assert await read() == first
        assert process.counting.reads() == 0
        await process.reads.pages_of([ann.user_id], ALL, PageRequest(after=(account.id,)))
        assert process.counting.reads() == 1


async def test_readers_at_a_time_share_a_read_of_the_store(stores: StoreFactory, redis_url: str) -> None:
    async with replica(stores, redis_url) as process:
        account = await funded(process, ann := person(), "1.00")
        for amount in ("3.00", "5.00"):
            await process.post(deposit(ann, account.id, "2.00"))
            process.counting.reads()
            assert set(await asyncio.gather(*(balance(process, account) for _ in range(10)))) == {amount}
            assert process.counting.reads() == 1


async def test_each_kind_of_change_is_seen_by_other_processes(stores: StoreFactory, redis_url: str) -> None:
    async with replica(stores, redis_url) as one, replica(stores, redis_url) as other:
        account = await funded(one, ann := person(), "9.00")

        async def seen() -> tuple[object, ...]:
            """What the other process reads; the same as without a cache."""
            filters = (ALL, AccountFilter((AccountStatus.FROZEN,)))
            found: list[object] = [await other.reads.by_ids([account.id])]
            expected: list[object] = [await one.store.by_ids([account.id])]
            for wanted in filters:
                for process, into in ((other.reads, found), (one.store, expected)):
                    into += [
                        await process.pages_of([ann.user_id], wanted, FIRST),
                        await process.counts_of([ann.user_id], wanted),
                        list(await process.page(wanted, FIRST)),
                        await process.count(wanted),
                    ]
            assert found == expected
            return tuple(map(str, found))

        order, released, late = (withdrawal(ann, account.id, "1.00") for _ in range(3))
        changes: list[Callable[[], Awaitable[object]]] = [
            lambda: one.post(withdrawal(ann, account.id, "1.00")),
            lambda: one.reserve(order, in_an_hour()),
            lambda: one.capture(order.transaction_id),
            lambda: one.reserve(released, in_an_hour()),
            lambda: one.release(released.transaction_id),
            lambda: one.reserve(late, account.created_at),
            lambda: one.expire(late.transaction_id),
            lambda: with_status(one, account, AccountStatus.FROZEN),
            lambda: opened(one, ann),
        ]
        states = [await seen()]
        for change in changes:
            await change()
            states.append(await seen())
        assert len(set(states)) == len(states)
        assert await one.capture(new_object_id()) is None


@pytest.mark.parametrize("event", ["nothing else", "flush"])
async def test_a_late_reader_does_not_cache_the_balance_before_a_posting(
    stores: StoreFactory, redis_url: str, event: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A reader reads the old balance, and stores it only after the posting has invalidated it."""
    async with replica(stores, redis_url) as reader, replica(stores, redis_url) as writer:
        account = await funded(writer, ann := person(), "1.00")
        forget_all(redis_url)
        has_read, may_go_on, by_ids = asyncio.Event(), asyncio.Event(), reader.store.by_ids

        async def slow(ids: list[str]) -> Mapping[str, Account]:
            found: Mapping[str, Account] = await by_ids(ids)
            has_read.set()
            await may_go_on.wait()
            return found

        monkeypatch.setattr(reader.store, "by_ids", slow)
        late = asyncio.create_task(balance(reader, account))
        await has_read.wait()
        monkeypatch.setattr(reader.store, "by_ids", by_ids)
        if event == "flush":
            forget_all(redis_url)
        await writer.post(deposit(ann, account.id, "2.00"))
        # A reader after the posting does not join the read that began before it.
        assert await balance(reader, account) == "3.00"
        may_go_on.set()
        assert await late == "1.00"
        assert [await balance(process, account) for process in (reader, writer)] == ["3.00", "3.00"]


async def test_while_an_account_changes_nobody_caches_it(stores: StoreFactory, redis_url: str) -> None:
    """A process that dies between its commit and the invalidation leaves nothing old behind."""
    async with replica(stores, redis_url) as reader, replica(stores, redis_url) as writer:
        account = await funded(writer, ann := person(), "1.00")
        assert await balance(reader, account) == "1.00"
        async with writer.cache.changing([account_key(account.id)]):
            assert await balance(reader, account) == "1.00"
            await writer.store.post(deposit(ann, account.id, "2.00"))
            assert await balance(reader, account) == "3.00"
            reader.counting.reads()
            assert await balance(reader, account) == "3.00"
            assert reader.counting.reads() == 1


@pytest.mark.usefixtures("short_times")
async def test_without_redis_everything_works_and_is_logged_once(stores: StoreFactory, tmp_path: Path) -> None:
    with running(RedisServer(tmp_path / "redis")) as server, capture_logs() as lines:
        async with replica(stores, server.url) as process:
            account = await funded(process, ann := person(), "1.00")
            assert await balance(process, account) == "1.00"
            server.kill()
            for amount in ("2.00", "3.00", "4.00"):
                await process.post(deposit(ann, account.id, "1.00"))
                assert await balance(process, account) == amount
                await asyncio.sleep(0.03)  # longer than the pause after a failure
            failures = process.cache.counts()["failures"]
            assert failures > 1
            server.start()
            process.cache.hits = 0
            while process.cache.hits == 0:
                assert await balance(process, account) == "4.00"
    events = [(line["log_level"], line["event"]) for line in lines if "the cache of accounts" in line["event"]]
    assert events == [
        ("warning", "the cache of accounts is not available, the store is read instead"),
        ("info", "the cache of accounts is used again"),
    ]


@pytest.mark.usefixtures("short_times")
async def test_a_posting_that_cannot_reach_redis_is_seen_by_those_who_can(
    stores: StoreFactory, redis_url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(cache_permits, "SUSPENSION_SECONDS", 4.0)  # the second posting is in the first half of it
    async with replica(stores, redis_url) as reader, replica(stores, NOWHERE) as cut_off:
        account = await funded(reader, ann := person(), "1.00")
        for amount in ("3.00", "5.00"):
            await balance(reader, account)
            await cut_off.post(deposit(ann, account.id, "2.00"))
            assert await balance(reader, account) == amount
        assert cut_off.cache.counts()["suspensions"] == 1
        reader.cache.hits = 0
        while reader.cache.hits == 0:  # the suspension ends by itself
            assert await balance(reader, account) == "5.00"


@pytest.mark.usefixtures("short_times", "short_timeout")
async def test_a_redis_that_hangs_during_a_posting_has_nothing_old_afterwards(
    stores: StoreFactory, tmp_path: Path
) -> None:
    with running(RedisServer(tmp_path / "redis")) as server:
        async with replica(stores, server.url) as reader, replica(stores, server.url) as writer:
            account = await funded(writer, ann := person(), "1.00")
            assert await balance(reader, account) == "1.00"
            server.pause()
            await writer.post(deposit(ann, account.id, "2.00"))
            server.resume()
            assert await balance(reader, account) == "3.00"


@pytest.mark.usefixtures("short_times")
async def test_a_redis_that_restarts_from_an_old_copy_has_no_valid_entries(
    stores: StoreFactory, tmp_path: Path
) -> None:
    with running(RedisServer(tmp_path / "redis")) as server:
        async with replica(stores, server.url) as reader, replica(stores, server.url) as writer:
            account = await funded(writer, ann := person(), "1.00")
            for _ in range(2):
                assert await balance(reader, account) == "1.00"
            with Redis.from_url(server.url) as redis:
                redis.save()
            await writer.post(deposit(ann, account.id, "2.00"))
            server.kill()
            server.start()
            with Redis.from_url(server.url) as redis:
                assert any(account.id.encode() in key for key in redis.scan_iter())
            for _ in range(3):
                assert await balance(reader, account) == "3.00"
                await asyncio.sleep(0.03)  # longer than the pause after a failure


async def test_what_is_in_redis_expires_and_cannot_be_read_or_moved(stores: StoreFactory, redis_url: str) -> None:
    async with replica(stores, redis_url) as process:
        rich, poor = await funded(process, ann := person(), "77.77"), await funded(process, person(), "1.00")
        for account in (rich, poor):
            await balance(process, account)
        await process.reads.pages_of([ann.user_id], ALL, FIRST)
        with Redis.from_url(redis_url) as redis:
            keys = redis.keys()
            for key in keys:
                assert 0 < redis.ttl(key) <= ENTRY_SECONDS
                for value in redis.hgetall(key).values():
                    assert b"77.77" not in value
                    assert rich.number.encode() not in value
            by_id = {each.id: next(key for key in keys if each.id.encode() in key) for each in (rich, poor)}
            redis.hset(by_id[poor.id], b"account", redis.hget(by_id[rich.id], b"account"))
            redis.hset(by_id[rich.id], b"account", b"nonsense")
        assert [await balance(process, each) for each in (rich, poor)] == ["77.77", "1.00"]


async def test_a_client_cannot_fill_an_entry_with_any_number_of_pages(stores: StoreFactory, redis_url: str) -> None:
    async with replica(stores, redis_url) as process:
        await funded(process, ann := person(), "1.00")
        for limit in range(1, 40):
            await process.reads.pages_of([ann.user_id], ALL, PageRequest(limit))
        with Redis.from_url(redis_url) as redis:
            assert max(redis.hlen(key) for key in redis.scan_iter()) == 22


async def test_decisions_do_not_read_the_cache(stores: StoreFactory, redis_url: str) -> None:
    async with replica(stores, redis_url) as process:
        account, ann = await funded(process, owner := person(), "9.00"), owner
        other = await opened(process, person())
        await balance(process, account)
        # Another program changes the store, without the cache.
        await process.store.post(withdrawal(ann, account.id, "8.00"))
        assert await balance(process, account) == "9.00"
        outcome = await process.post(transfer(ann, account.id, other.id, "2.00"))
        assert code_of(outcome) == "INSUFFICIENT_FUNDS"
        await balance(process, account)
        await with_status(process.store, await current(process.store, account), AccountStatus.FROZEN)
        assert code_of(await process.post(transfer(ann, account.id, other.id, "1.00"))) == "ACCOUNT_FROZEN"
