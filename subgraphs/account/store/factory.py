"""The table of the account service's stores, by the scheme of the database URL.

A store is imported when it is opened. The driver of MongoDB takes long to import, and most processes do not need it.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from subgraphs.account.store.sqlite import SqliteAccountStore
from subgraphs.kit.store_factory import MONGODB, SQLITE

if TYPE_CHECKING:
    from subgraphs.account.store.mongo import MongoAccountStore
    from subgraphs.account.store.protocol import AccountStore
    from subgraphs.kit.hash_chain import ChainKey
    from subgraphs.kit.store_factory import Clock, StoreAddress, Stores


async def open_mongodb(address: StoreAddress, clock: Clock) -> MongoAccountStore:
    """Open a store in MongoDB without the key of the hash chains; see `MongoAccountStore.open_at`."""
    from subgraphs.account.store.mongo import MongoAccountStore  # noqa: PLC0415 - see above

    return await MongoAccountStore.open_at(address, clock)


# The table for programs that only read stores, for example to compare them. The stores that it opens have no key of the
# hash chains, and cannot make postings.
READABLE_STORES: Final[Stores[AccountStore]] = {
    SQLITE: SqliteAccountStore.open_at,
    MONGODB: open_mongodb,
}


def account_stores(key: ChainKey) -> Stores[AccountStore]:
    """Return the table of stores whose hash chains are made with `key`."""

    async def sqlite(address: StoreAddress, clock: Clock) -> AccountStore:
        return await SqliteAccountStore.open_chained(address.sqlite_file, key, clock)

    async def mongodb(address: StoreAddress, clock: Clock) -> AccountStore:
        from subgraphs.account.store.mongo import MongoAccountStore  # noqa: PLC0415 - see above

        return await MongoAccountStore.open_chained(address, key, clock)

    return {SQLITE: sqlite, MONGODB: mongodb}
