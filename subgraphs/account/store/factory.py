"""The table of the account service's stores, by the scheme of the database URL."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from subgraphs.account.store.mongo import MongoAccountStore
from subgraphs.account.store.sqlite import SqliteAccountStore
from subgraphs.kit.store_factory import MONGODB, SQLITE

if TYPE_CHECKING:
    from subgraphs.account.store.protocol import AccountStore
    from subgraphs.kit.store_factory import Stores

STORES: Final[Stores[AccountStore]] = {
    SQLITE: SqliteAccountStore.open_at,
    MONGODB: MongoAccountStore.open_at,
}
