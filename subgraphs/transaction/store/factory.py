"""The table of the transaction service's stores, by the scheme of the database URL.

A store is imported when it is opened. The driver of MongoDB takes long to import, and most processes do not need it.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from subgraphs.kit.store_factory import MONGODB, SQLITE
from subgraphs.transaction.store.sqlite import SqliteTransactionStore

if TYPE_CHECKING:
    from subgraphs.kit.store_factory import Clock, StoreAddress, Stores
    from subgraphs.transaction.store.protocol import TransactionStore


async def _open_mongodb(address: StoreAddress, clock: Clock) -> TransactionStore:
    from subgraphs.transaction.store.mongo import MongoTransactionStore  # noqa: PLC0415 - see above

    return await MongoTransactionStore.open_at(address, clock)


STORES: Final[Stores[TransactionStore]] = {
    SQLITE: SqliteTransactionStore.open_at,
    MONGODB: _open_mongodb,
}
