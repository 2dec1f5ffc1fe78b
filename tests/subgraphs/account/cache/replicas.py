"""Processes of the account service that share one store and one Redis, each with its own cache."""

from __future__ import annotations

from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from pydantic import SecretStr

from bank.service_credential import ServiceCredential
from subgraphs.account.cache.cached_reads import CachedReads
from subgraphs.account.cache.invalidating_writes import InvalidatingWrites
from subgraphs.account.cache.open_cache import open_cache

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

    from subgraphs.account.cache.account_cache import AccountCache
    from subgraphs.account.store.protocol import AccountStore
    from tests.subgraphs.account.support import StoreFactory

CREDENTIAL = ServiceCredential("s" * 32)
# A port on which nothing listens.
NOWHERE = "redis://127.0.0.1:9/0"


@dataclass
class CountingStore:
    """Passes on everything to the store, and counts the calls of each method."""

    store: AccountStore
    calls: list[str] = field(default_factory=list)

    def __getattr__(self, name: str) -> Any:
        self.calls.append(name)
        return getattr(self.store, name)

    def reads(self) -> int:
        """How many reads there were since the last call of this method."""
        reads = sum(name in {"by_ids", "page", "count", "pages_of", "counts_of"} for name in self.calls)
        self.calls.clear()
        return reads


@dataclass
class Replica:
    """A process: reads and writes with a cache, and everything else with the store itself."""

    counting: CountingStore
    store: AccountStore
    cache: AccountCache
    reads: CachedReads = field(init=False)
    writes: InvalidatingWrites = field(init=False)

    def __post_init__(self) -> None:
        counting: Any = self.counting
        self.reads, self.writes = CachedReads(counting, self.cache), InvalidatingWrites(counting, self.cache)

    def __getattr__(self, name: str) -> Any:
        for part in (self.reads, self.writes):
            if hasattr(part, name):
                return getattr(part, name)
        return getattr(self.store, name)


@asynccontextmanager
async def replica(factory: StoreFactory, redis_url: str) -> AsyncIterator[Any]:
    """A replica. Its type is Any, because it is used as an `AccountStore`, too."""
    async with factory() as store, open_cache(SecretStr(redis_url), store, CREDENTIAL) as cache:
        yield Replica(CountingStore(store), store, cache)


def cached_factory(factory: StoreFactory, redis_url: str) -> StoreFactory:
    """Opens stores like `factory`, each with its own cache."""
    return lambda: replica(factory, redis_url)
