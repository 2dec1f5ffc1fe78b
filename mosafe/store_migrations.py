"""The migrations of each store, by its name and its kind. A module is imported when it is needed."""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any, Final

from subgraphs.kit.store_factory import MONGODB, SQLITE

if TYPE_CHECKING:
    from collections.abc import Sequence

POSTGRESQL: Final = "postgresql"

_MODULES: Final = {
    ("auth", SQLITE): "subgraphs.auth.store.migrations",
    ("auth", POSTGRESQL): "subgraphs.auth.store.postgres_schema",
    ("account", SQLITE): "subgraphs.account.store.sqlite_migrations",
    ("account", MONGODB): "subgraphs.account.store.mongo_migrations",
    ("transaction", SQLITE): "subgraphs.transaction.store.sqlite_migrations",
    ("transaction", MONGODB): "subgraphs.transaction.store.mongo_schema",
}


def migrations_of(name: str, kind: str) -> Sequence[Any]:
    """Return the migrations of a store.

    Raises:
        KeyError: the store cannot be of this kind.
    """
    found: Sequence[Any] = import_module(_MODULES[name, kind]).MIGRATIONS
    return found


def newest_migration(name: str, kind: str) -> int:
    """Return the number of the last migration of a store. Raises KeyError as `migrations_of`."""
    numbers: list[int] = [migration.number for migration in migrations_of(name, kind)]
    return max(numbers)
