"""The table of the auth service's stores, by the scheme of the database URL."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from subgraphs.auth.store.sqlite import SqliteAuthStore
from subgraphs.kit.store_factory import SQLITE

if TYPE_CHECKING:
    from subgraphs.auth.store.protocol import AuthStore
    from subgraphs.kit.store_factory import Stores

STORES: Final[Stores[AuthStore]] = {SQLITE: SqliteAuthStore.open_at}
