"""The platform on servers that `mosafe up --infra` starts, seen with the plain clients of these servers.

Covers `mosafe/infrastructure.py` and `mosafe/events.py`.
"""

from __future__ import annotations

import json
import re
import subprocess
import sys
from datetime import datetime
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import TYPE_CHECKING, Any

import asyncpg
import psutil
import pytest
from aiokafka import AIOKafkaConsumer
from bson import Decimal128, ObjectId
from pymongo import MongoClient
from redis import Redis

from tests.e2e.platform import STOP_SECONDS, Platform, clean_environment, start_platform

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

pytestmark = pytest.mark.xdist_group("real servers")

EPOCH = "2020-01-01"
QUERY_OF_THE_README = """{ me { name accounts { nodes { balance transactions(first: 5) { nodes {
  amount type counterparty { owner { name } } } } } } } }"""

# The types of the documented fields, which other programs read (README of the first release).
ACCOUNT = {
    "_id": ObjectId,
    "userId": str,
    "accountNumber": str,
    "balance": Decimal128,
    "currency": str,
    "status": str,
    "type": str,
    "createdAt": datetime,
    "updatedAt": datetime,
}
TRANSACTION = {
    "_id": ObjectId,
    "sourceAccountId": ObjectId,
    "destinationAccountId": ObjectId,
    "amount": Decimal128,
    "currency": str,
    "type": str,
    "status": str,
    "metadata": dict,
    "createdAt": datetime,
}


@pytest.fixture
def data_dir() -> Iterator[Path]:
    """A folder that the user of PostgreSQL may enter. Each start of pytest closes its temporary folders to others."""
    with TemporaryDirectory(prefix="platform-") as folder:
        yield Path(folder)


async def test_users_accounts_orders_and_events_are_there_for_plain_clients(data_dir: Path) -> None:
    # In an empty cache of tools there is no Apache Kafka, which takes longer to start.
    platform = start_platform(data_dir, "--infra", XDG_CACHE_HOME=str(data_dir / "cache"))
    children = platform.children()
    try:
        servers = variables(platform)
        brokers = servers["KAFKA_BROKERS"]
        ada, grace = platform.register("Ada"), platform.register("Grace")
        source = platform.open_account(ada, deposit="100.00")
        destination = platform.open_account(grace)
        transfer = {
            "sourceAccountId": source["id"],
            "destinationAccountId": destination["id"],
            "amount": "30.00",
            "currency": "EUR",
        }
        order = platform.call("POST", "/api/transactions/transfer", ada, json=transfer)
        assert order["status"] == "COMPLETED"
        assert platform.graphql(QUERY_OF_THE_README, ada)["data"]["me"] == {
            "name": "Ada",
            "accounts": {
                "nodes": [
                    {
                        "balance": "70.00",
                        "transactions": {
                            "nodes": [
                                {"amount": "30.00", "type": "TRANSFER", "counterparty": {"owner": {"name": "Grace"}}},
                                {"amount": "100.00", "type": "DEPOSIT", "counterparty": None},
                            ]
                        },
                    }
                ]
            },
        }
        users = await users_of(servers["AUTH_DB_URL"])
        assert {(ada.id, ada.email), (grace.id, grace.email)} <= users
        platform.call("DELETE", "/api/auth/logout", grace)
        assert platform.client.get(f"{platform.rest_url}/api/accounts", headers=grace.headers).status_code == 401
        with Redis.from_url(servers["REDIS_URL"]) as redis:
            assert any(redis.scan_iter("mosafe:{revocations}:*:ended:*"))
            assert any(redis.scan_iter("mosafe:limit:register-account:*"))
            assert any(source["id"].encode() in key for key in redis.scan_iter("mosafe:{accounts}:*"))

        assert documented_types(servers, source["id"], order["id"]) == (ACCOUNT, TRANSACTION)
        records = await consume(brokers, "transactions.v1", of=order["id"], count=2)
        assert [record.key.decode() for record in records] == [source["id"]] * 2
        assert [json.loads(record.value)["status"] for record in records] == ["PENDING", "COMPLETED"]

        events = tail(data_dir, servers, "--topic", "accounts.v1")
        posted = [event["data"] for event in events if event["data"].get("transactionId") == order["id"]]
        assert {data["accountId"]: data["balance"] for data in posted} == {
            source["id"]: "70.00",
            destination["id"]: "30.00",
        }
        assert mosafe(data_dir, servers, "replay", "--from", EPOCH).startswith("published ")
        twice = tail(data_dir, servers, "--topic", "accounts.v1")
        assert len(twice) == 2 * len(events)
        assert {event["id"] for event in twice} == {event["id"] for event in events}
        # Without Kafka, the same events come from the stores.
        stores = {**servers, "KAFKA_BROKERS": ""}
        assert {each["id"] for each in tail(data_dir, stores, "--topic", "accounts.v1")} == {e["id"] for e in events}
        assert {each["type"] for each in tail(data_dir, stores, "--topic", "fraud.v1")} == {"fraud.decided"}
    finally:
        platform.client.close()
        for child in children:
            if "kafka_mock" in " ".join(child.cmdline()):
                child.kill()
        code = platform.ended(STOP_SECONDS)
    assert code == 1
    platform.wait_for_line("mosafe: Kafka mock broker ended with exit code -9")
    assert not psutil.wait_procs(children, timeout=30)[1]


def variables(platform: Platform) -> dict[str, str]:
    """The variables that the closing box prints."""
    platform.wait_for_line("KAFKA_BROKERS=")
    found = (re.fullmatch(r"  ([A-Z_]+)=(\S+)", line) for line in list(platform.lines))
    return {match[1]: match[2] for match in found if match is not None}


async def users_of(url: str) -> set[tuple[str, str]]:
    """Id and e-mail address of each user, as a plain client of PostgreSQL reads them."""
    connection = await asyncpg.connect(url)
    try:
        return {(row["id"], row["email"]) for row in await connection.fetch("SELECT id, email FROM users")}
    finally:
        await connection.close()


def documented_types(
    servers: Mapping[str, str], account_id: str, transaction_id: str
) -> tuple[Mapping[str, type], Mapping[str, type]]:
    """The types of the documented fields of an account and a transaction, as a plain client of MongoDB reads them."""
    found: list[Mapping[str, type]] = []
    for name, collection, key, fields in (
        ("ACCOUNT_DB_URL", "accounts", account_id, ACCOUNT),
        ("TRANSACTION_DB_URL", "transactions", transaction_id, TRANSACTION),
    ):
        with MongoClient[dict[str, Any]](servers[name]) as client:
            document = client.get_default_database()[collection].find_one({"_id": ObjectId(key)})
        assert document is not None
        found.append({field: type(document.get(field)) for field in fields})
    return found[0], found[1]


async def consume(brokers: str, topic: str, *, of: str, count: int) -> Sequence[Any]:
    """The first `count` records about the transaction `of`."""
    found: list[Any] = []
    async with AIOKafkaConsumer(topic, bootstrap_servers=brokers, auto_offset_reset="earliest") as consumer:
        while len(found) < count:
            record = await consumer.getone()
            if json.loads(record.value)["transactionId"] == of:
                found.append(record)
    return found


def mosafe(data_dir: Path, servers: Mapping[str, str], *arguments: str) -> str:
    """What `mosafe events` prints."""
    result = subprocess.run(
        [sys.executable, "-m", "mosafe", "events", *arguments],
        env=clean_environment(MOSAFE_DATA_DIR=str(data_dir), **servers),
        cwd=data_dir,
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    assert result.returncode == 0, result.stderr
    return result.stdout


def tail(data_dir: Path, servers: Mapping[str, str], *arguments: str) -> list[dict[str, Any]]:
    output = mosafe(data_dir, servers, "tail", "--no-follow", "--from", EPOCH, *arguments)
    return [json.loads(line) for line in output.splitlines()]
