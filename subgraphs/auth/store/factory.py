"""The kinds of store that this service can keep its data in."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from subgraphs.auth.store.sqlite import SqliteAuthStore
from subgraphs.kit.store_factory import SQLITE

if TYPE_CHECKING:
    from subgraphs.auth.store.protocol import AuthStore
    from subgraphs.kit.store_factory import Stores

STORES: Final[Stores[AuthStore]] = {SQLITE: SqliteAuthStore.open_at}
