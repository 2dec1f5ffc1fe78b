"""The table of the auth service's stores, by the scheme of the database URL.

The store in PostgreSQL is imported when it is opened, because most processes do not need its driver.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from subgraphs.auth.store.sqlite import SqliteAuthStore
from subgraphs.kit.store_factory import SQLITE

if TYPE_CHECKING:
    from subgraphs.auth.store.protocol import AuthStore
    from subgraphs.kit.store_factory import Clock, StoreAddress, Stores


async def _open_postgres(address: StoreAddress, clock: Clock) -> AuthStore:
    from subgraphs.auth.store.postgres import PostgresAuthStore  # noqa: PLC0415 - see above

    return await PostgresAuthStore.open_at(address, clock)


STORES: Final[Stores[AuthStore]] = {
    SQLITE: SqliteAuthStore.open_at,
    "postgresql": _open_postgres,
    "postgres": _open_postgres,
}
