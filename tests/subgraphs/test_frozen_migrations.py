"""Released migrations never change: each makes the same database as when it was written.

A new migration needs a new row in the table. If a row of an old migration differs, take the change of that migration
back, and write a new migration.
"""

from __future__ import annotations

import ast
import hashlib
import json
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

import pytest
from bson import json_util
from pymongo import MongoClient

from subgraphs.account.store import mongo_migrations as account_mongo
from subgraphs.account.store import sqlite_migrations as account_sqlite
from subgraphs.auth.store import migrations as auth_sqlite
from subgraphs.kit.mongo import MongoDatabase
from subgraphs.transaction.store import mongo_schema as transaction_mongo
from subgraphs.transaction.store import sqlite_migrations as transaction_sqlite
from tests.subgraphs.account.support import mongo_address

if TYPE_CHECKING:
    from collections.abc import Sequence

    from servicekit.sqlite import Migration
    from subgraphs.kit.mongo import MongoMigration

ROOT: Final = Path(__file__).parents[2]
IN_SQLITE: Final[dict[str, Sequence[Migration]]] = {
    "account": account_sqlite.MIGRATIONS,
    "auth": auth_sqlite.MIGRATIONS,
    "transaction": transaction_sqlite.MIGRATIONS,
}
IN_MONGODB: Final[dict[str, Sequence[MongoMigration]]] = {
    "account": account_mongo.MIGRATIONS,
    "transaction": transaction_mongo.MIGRATIONS,
}
# The digest of the statements of each migration in SQLite, in their order.
SQLITE_DIGESTS: Final[dict[str, list[str]]] = {
    "account": [
        "723183e73e41a8c6",
        "1659bd21c8d82038",
        "5c1eb9c0dd3b8b5e",
        "adb2db35cce3c6c7",
        "bfa2a617b890af22",
        "d16047488d1d256e",
        "308c4402702fdf17",
        "25057f9dfaf0f988",
        "2c5c9deb08f8c322",
        "d7bbfffcd940775f",
        "4cc44b780fb1fbbb",
        "eb33da60a0eb5ea2",
        "786304a9ba80f37e",
    ],
    "auth": [
        "d2de06bbf7f4ac4a",
        "abd7c049e9f8578d",
        "4cb7eb223e874764",
        "966bf8b521b5a96f",
        "07d0f440d54215be",
        "e7233ae2db5105b1",
        "4e11db34c989afd8",
        "5ab57a74be5228fc",
        "1abbbabf3a54165f",
        "eb8a4b27054fd280",
        "07e9d522b213c26c",
        "c8116198e7581d4a",
        "da8efab32c233f41",
    ],
    "transaction": [
        "29d2217b8d7f8fd1",
        "0129cb58b9c8fec4",
        "7fef963f9ec8bd7a",
        "865007cc5c69d39a",
        "308c4402702fdf17",
        "f989240571afb5cb",
        "fe56d641fc60c41a",
        "e3d1bd4a49c2ae78",
        "54642af61511419a",
        "f7f2839d2fbc4706",
        "4cc44b780fb1fbbb",
        "2f0cf3f4ae12ba96",
        "b20b4a2ed5c4ea94",
        "ea93f49dd7dd7689",
    ],
}
# The digest of the database after each migration in MongoDB: collections with their validators, and indexes.
MONGODB_DIGESTS: Final[dict[str, list[str]]] = {
    "account": [
        "675e2a291f9fd5fd",
        "675e2a291f9fd5fd",
        "b0885ac1be13e37f",
        "e94cbc2e12967330",
        "72a67bdadd61d43d",
        "7d8e3c9582e518f9",
        "799bc0f2b1b52a75",
    ],
    "transaction": [
        "e870e4367f3673b7",
        "04a260313a0b9c5e",
        "1db1b5c31116dd35",
        "002e30f9796427be",
        "6ed426df7163f5fe",
        "ff7a081b85b232a2",
        "b4a5d6b03fecaa2f",
        "0d74223755732eac",
        "2e4f7d32c57aed86",
        "527cf8c5071a5a64",
    ],
}
# Modules with migrations may import these packages of ours, which have no rules of the bank.
ALLOWED: Final = ("servicekit.", "subgraphs.kit.")


def digest(content: object) -> str:
    return hashlib.sha256(json.dumps(content, sort_keys=True).encode()).hexdigest()[:16]


@pytest.mark.parametrize("service", IN_SQLITE)
def test_statements_in_sqlite_are_as_they_were_released(service: str) -> None:
    assert [digest(migration.statements) for migration in IN_SQLITE[service]] == SQLITE_DIGESTS[service]


@pytest.mark.parametrize("service", IN_MONGODB)
async def test_databases_in_mongodb_are_as_they_were_released(service: str, mongo_url: str) -> None:
    found = []
    for migration in IN_MONGODB[service]:
        await (await MongoDatabase.open(mongo_address(mongo_url), IN_MONGODB[service][: migration.number])).close()
        found.append(digest(schema_of(mongo_url)))
    assert found == MONGODB_DIGESTS[service]


def schema_of(url: str) -> Any:
    """The collections of a database with their options and indexes; nothing that is drawn at random."""
    with MongoClient[dict[str, Any]](url) as client:
        database = client.get_default_database()
        names = sorted(database.list_collection_names())
        options = {each["name"]: each["options"] for each in database.list_collections()}
        indexes = {name: sorted(map(json_util.dumps, database[name].list_indexes())) for name in names}
        return [(name, json_util.dumps(options[name], sort_keys=True), indexes[name]) for name in names]


MODULES: Final = sorted(
    path
    for pattern in ("*migrations*.py", "mongo_schema.py", "mongo_sharding.py", "*_cache_epochs.py")
    for path in ROOT.glob(f"subgraphs/*/store/{pattern}")
)


@pytest.mark.parametrize("path", MODULES, ids=lambda path: f"{path.parts[-3]}-{path.stem}")
def test_modules_with_migrations_import_no_rules_of_the_bank(path: Path) -> None:
    """If a migration used an enum of the domain, a new value would change it."""
    imported = {
        node.module or ""
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8")))
        if isinstance(node, ast.ImportFrom)
    }
    own = {f"{'.'.join(each.relative_to(ROOT).with_suffix('').parts)}" for each in MODULES}
    ours = {name for name in imported if name.startswith(("subgraphs.", "servicekit.", "bank"))}
    assert {name for name in ours if not name.startswith(ALLOWED)} <= own
