"""The table of the transaction service's stores, by the scheme of the database URL."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from subgraphs.kit.store_factory import MONGODB, SQLITE
from subgraphs.transaction.store.mongo import MongoTransactionStore
from subgraphs.transaction.store.sqlite import SqliteTransactionStore

if TYPE_CHECKING:
    from subgraphs.kit.store_factory import Stores
    from subgraphs.transaction.store.protocol import TransactionStore

STORES: Final[Stores[TransactionStore]] = {
    SQLITE: SqliteTransactionStore.open_at,
    MONGODB: MongoTransactionStore.open_at,
}
