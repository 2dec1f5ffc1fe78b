"""Checks the stores and the servers: versions, replica set, migrations, pairing, clocks, topics. Nothing is changed."""

from __future__ import annotations

import asyncio
import sqlite3
import time
from contextlib import closing
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any, Final

from bank.events.topics import TOPICS
from bank.store_records import StoreRecords, StoreState, find_mismatch
from mosafe.doctor.findings import Context, Finding, clock_finding, failed, ok, warning
from mosafe.store_migrations import POSTGRESQL, newest_migration
from servicekit.errors import StartupError
from servicekit.sqlite_failures import explain
from servicekit.sqlite_page_check import check_pages
from subgraphs.kit.store_factory import MONGODB, SQLITE

if TYPE_CHECKING:
    from pathlib import Path

    from mosafe.doctor.findings import Context
    from subgraphs.kit.store_factory import StoreAddress

_SECONDS: Final = 3.0
_MIN_POSTGRES: Final = 14
_MIN_MONGODB: Final = 6
_MIN_REDIS: Final = 6
_PAGE_CHECK_SECONDS: Final = 2.0
_UNAUTHORIZED: Final = 13
_HOW_TO_START: Final = "the service creates it at its first start"


async def check_stores(context: Context) -> list[Finding]:
    """Each store: its server, its migrations, and whether it belongs to the data directory."""
    found = await asyncio.gather(*(_store(name, context) for name in context.settings))
    return [finding for findings in found for finding in findings]


async def _store(name: str, context: Context) -> list[Finding]:
    settings = context.settings[name]
    address, check = settings.store, f"store {name}"
    look = {SQLITE: _sqlite, MONGODB: _mongodb, POSTGRESQL: _postgres, "postgres": _postgres}.get(address.scheme)
    if look is None:
        return [failed(check, f"{address.variable}: unknown scheme", "correct the variable in .env")]
    try:
        async with asyncio.timeout(_SECONDS):
            findings, state = await look(check, name, address)
    except TimeoutError:
        return [failed(check, f"{address.variable}: no response in {_SECONDS:g} s", "see its server's log")]
    return [*findings, *_pairing(check, name, settings.data_dir, state)]


def _pairing(check: str, name: str, data_dir: Path, state: StoreState | None) -> list[Finding]:
    if state is None:
        return []
    try:
        # A running service changes its store first, and its record afterwards. The store was read before the record
        # here, so it may have fewer changes for a moment; only another store counts.
        record = StoreRecords(data_dir).read().get(name)
    except StartupError as error:
        return [failed(check, str(error), "mosafe stores check")]
    if record is None or record.id == state.id:
        return []
    return [failed(check, find_mismatch(name, state, {}, {name: record}) or "", "mosafe stores check")]


def _migration_finding(check: str, server: str, kind: tuple[str, str], number: int) -> Finding:
    newest = newest_migration(*kind)
    if number > newest:
        text = f"{server}, schema version {number} of a newer release (this one has {newest})"
        return failed(check, text, "install the newer release of MoSafe")
    if number < newest:
        text = f"{server}, schema version {number} of {newest}"
        return warning(check, text, "start the service, which applies the migrations")
    return ok(check, f"{server}, schema version {number}")


async def _sqlite(check: str, name: str, address: StoreAddress) -> tuple[list[Finding], StoreState | None]:
    return await asyncio.to_thread(_sqlite_in_thread, check, name, address.sqlite_file)


def _sqlite_in_thread(check: str, name: str, path: Path) -> tuple[list[Finding], StoreState | None]:
    if not path.exists():
        return [warning(check, f"{path} does not exist", _HOW_TO_START)], None
    try:
        uri = f"{path.absolute().as_uri()}?mode=ro"
        with closing(sqlite3.connect(uri, uri=True, timeout=1)) as connection:
            (number,) = connection.execute("PRAGMA user_version").fetchone()
            row = connection.execute("SELECT id, changes FROM store_identity").fetchone()
            check_pages(connection, _PAGE_CHECK_SECONDS)
    except sqlite3.DatabaseError as error:
        return [failed(check, explain(path, error), "mosafe backup restore")], None
    return [_migration_finding(check, str(path), (name, SQLITE), number)], StoreState(*row)


async def _postgres(check: str, name: str, address: StoreAddress) -> tuple[list[Finding], StoreState | None]:
    import asyncpg  # noqa: PLC0415 - only installations with PostgreSQL have it

    from subgraphs.kit.postgres_failures import DATABASE_ERRORS  # noqa: PLC0415 - see above
    from subgraphs.kit.postgres_failures import explain as explain_postgres  # noqa: PLC0415 - see above

    url = address.url.get_secret_value() if address.url else ""
    try:
        connection = await asyncpg.connect(url, timeout=_SECONDS, server_settings={"application_name": "mosafe-doctor"})
        try:
            row = await connection.fetchrow(
                "SELECT current_setting('server_version_num')::int / 10000 AS major, pg_is_in_recovery() AS standby,"
                " now() AS at, to_regclass('store_identity') IS NOT NULL AS is_store"
            )
            facts = (
                await connection.fetchrow(
                    "SELECT id, changes, (SELECT max(number) FROM migrations) AS number FROM store_identity"
                )
                if row["is_store"]
                else None
            )
        finally:
            connection.terminate()
    except ValueError:
        return [failed(check, f"{address.variable}: not a URL of PostgreSQL", "correct it in .env")], None
    except DATABASE_ERRORS as error:
        text = f"{address.variable}: {explain_postgres(error, 'the PostgreSQL server')}"
        return [failed(check, text, "pg_isready; docker compose -f docker-compose.infra.yml logs postgres")], None
    server = f"PostgreSQL {row['major']}"
    found = clock_finding(check, (row["at"] - datetime.now(UTC)).total_seconds())
    if row["major"] < _MIN_POSTGRES:
        found.append(failed(check, f"{server} is too old", f"install {_MIN_POSTGRES} or newer"))
    if row["standby"]:
        found.append(failed(check, f"{server} is a standby", f"{address.variable}: name the primary"))
    if facts is None:
        return [*found, warning(check, f"{server} has no store yet", _HOW_TO_START)], None
    found.append(_migration_finding(check, server, (name, POSTGRESQL), facts["number"] or 0))
    return found, StoreState(facts["id"], facts["changes"])


async def _mongodb(check: str, name: str, address: StoreAddress) -> tuple[list[Finding], StoreState | None]:
    from pymongo import AsyncMongoClient  # noqa: PLC0415 - only installations with MongoDB have it
    from pymongo import errors as mongo_errors  # noqa: PLC0415 - see above

    from subgraphs.kit.mongo_failures import explain as explain_mongodb  # noqa: PLC0415 - see above

    url = address.url.get_secret_value() if address.url else ""
    milliseconds = round(_SECONDS * 600)
    try:
        client: AsyncMongoClient[dict[str, Any]] = AsyncMongoClient(
            url, serverSelectionTimeoutMS=milliseconds, connectTimeoutMS=milliseconds, appname="mosafe-doctor"
        )
        database = client.get_default_database()
    except (mongo_errors.ConfigurationError, mongo_errors.InvalidName, ValueError):
        return [failed(check, f"{address.variable}: not a URL of MongoDB", "correct it in .env")], None
    try:
        return await _mongo_facts(check, name, database)
    except mongo_errors.PyMongoError as error:
        text = f"{address.variable}: {explain_mongodb(error, client.topology_description)}"
        fix = "docker exec -it mongodb mongosh --eval \"db.adminCommand('ping')\""
        return [failed(check, text, fix)], None
    finally:
        await client.close()


async def _mongo_facts(check: str, name: str, database: Any) -> tuple[list[Finding], StoreState | None]:
    from subgraphs.kit.mongo import MIGRATIONS, RESTORING  # noqa: PLC0415 - only installations with MongoDB have it
    from subgraphs.kit.mongo_store import IDENTITY  # noqa: PLC0415 - see above

    hello = await database.client.admin.command("hello")
    version = (await database.client.server_info())["version"]
    server = f"MongoDB {version}"
    found = clock_finding(check, (hello["localTime"].replace(tzinfo=UTC) - datetime.now(UTC)).total_seconds())
    if int(version.partition(".")[0]) < _MIN_MONGODB:
        found.append(failed(check, f"{server} is too old", f"install {_MIN_MONGODB}.0 or newer"))
    if "setName" not in hello and hello.get("msg") != "isdbgrid":
        fix = "start mongod with --replSet rs0, then mongosh --eval 'rs.initiate()'"
        return [*found, failed(check, f"{server} is not a replica set: no transactions", fix)], None
    found += await _members(check, database)
    marks = [row["_id"] async for row in database[MIGRATIONS].find({})]
    if RESTORING in marks:
        found.append(failed(check, f"{server}: a restore was interrupted", "mosafe backup restore --replace"))
    identity = await database[IDENTITY].find_one({})
    if identity is None:
        return [*found, warning(check, f"{server} has no store yet", _HOW_TO_START)], None
    number = max((mark for mark in marks if isinstance(mark, int)), default=0)
    return [*found, _migration_finding(check, server, (name, MONGODB), number)], StoreState(identity["id"], 0)


async def _members(check: str, database: Any) -> list[Finding]:
    """Members of the replica set that are not healthy. A user without the right to see them gets no line."""
    from pymongo.errors import OperationFailure  # noqa: PLC0415 - only installations with MongoDB have it

    try:
        status = await database.client.admin.command("replSetGetStatus")
    except OperationFailure as error:
        if error.code == _UNAUTHORIZED or error.code is None:
            return []
        raise
    down = [f"{member['name']} is {member['stateStr']}" for member in status["members"] if member["health"] != 1]
    return [warning(check, f"replica set: {', '.join(down)}", "mongosh --eval 'rs.status()'")] if down else []


async def check_redis(context: Context) -> list[Finding]:
    """Whether Redis responds, and does not throw away what it should keep."""
    settings = context.any_settings
    if settings is None or settings.redis_url is None:
        return [ok("redis", "not configured; each process keeps its own counts")]
    from redis.asyncio import Redis  # noqa: PLC0415 - only installations with Redis have it
    from redis.exceptions import AuthenticationError, RedisError  # noqa: PLC0415 - see above

    try:
        client = Redis.from_url(
            settings.redis_url.get_secret_value(), socket_timeout=_SECONDS, socket_connect_timeout=_SECONDS
        )
        async with client:
            facts: Any = await client.info()
            seconds, microseconds = await client.time()
    except AuthenticationError:
        return [failed("redis", "REDIS_URL: refuses the user name or the password", "correct it in .env")]
    except (RedisError, OSError, ValueError, TypeError):
        return [failed("redis", "REDIS_URL: does not respond", "docker compose -f docker-compose.infra.yml logs redis")]
    version = str(facts["redis_version"])
    found = clock_finding("redis", seconds + microseconds / 1e6 - time.time())
    if int(version.partition(".")[0]) < _MIN_REDIS:
        found.append(failed("redis", f"Redis {version} is too old", f"install {_MIN_REDIS} or newer"))
    policy = str(facts.get("maxmemory_policy", "noeviction"))
    if facts.get("maxmemory") and policy.startswith("allkeys"):
        text = f"Redis {version} may evict counts of rate limits and ended sessions ({policy})"
        found.append(warning("redis", text, "redis-cli CONFIG SET maxmemory-policy noeviction"))
    return found or [ok("redis", f"Redis {version} responds")]


async def check_kafka(context: Context) -> list[Finding]:
    """Whether Kafka responds, and has the topics of the platform."""
    brokers = context.brokers
    if brokers is None:
        return [ok("kafka", "not configured; events stay in the outboxes")]
    from aiokafka.admin import AIOKafkaAdminClient  # noqa: PLC0415 - only installations with Kafka have it
    from aiokafka.errors import KafkaError  # noqa: PLC0415 - see above

    wanted = set(TOPICS.values())
    client = AIOKafkaAdminClient(bootstrap_servers=brokers.split(","), client_id="mosafe-doctor")
    try:
        async with asyncio.timeout(_SECONDS):
            await client.start()
            existing = set(await client.list_topics())
    except (KafkaError, TimeoutError, OSError):
        text = f"KAFKA_BROKERS: {brokers} does not respond"
        return [failed("kafka", text, "docker compose -f docker-compose.infra.yml logs kafka")]
    finally:
        await client.close()
    missing = sorted(wanted - existing)
    if missing:
        text = f"has no topics {', '.join(missing)}; the first event creates them, if the brokers allow it"
        fix = f"kafka-topics.sh --create --topic {missing[0]} --bootstrap-server {brokers.split(',')[0]}"
        return [warning("kafka", text, fix)]
    return [ok("kafka", f"has the {len(existing & wanted)} topics")]
