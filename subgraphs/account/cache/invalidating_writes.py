"""The `AccountWrites` with a cache: while accounts change, their entries are neither read nor made."""

from __future__ import annotations

from typing import TYPE_CHECKING, TypeVar

from subgraphs.account.cache.keys import EVERYBODY, account_key, owner_key
from subgraphs.account.store.protocol import DEFAULT_LIMITS

if TYPE_CHECKING:
    from collections.abc import Callable, Collection
    from datetime import datetime
    from decimal import Decimal

    from subgraphs.account.cache.account_cache import AccountCache
    from subgraphs.account.domain import Account
    from subgraphs.account.holds import Hold
    from subgraphs.account.limits import Limits
    from subgraphs.account.postings import Posting
    from subgraphs.account.settlement import Outcome
    from subgraphs.account.store.protocol import AccountStore

R = TypeVar("R")


class InvalidatingWrites:
    """Writes to `store` inside `AccountCache.changing`. A repetition that writes nothing invalidates, too.

    Otherwise, a client that repeats an order whose first response was lost could read the old balance.
    """

    def __init__(self, store: AccountStore, cache: AccountCache) -> None:
        self._store = store
        self._cache = cache

    async def open(self, user_id: str, rule: Callable[[int], Account | R]) -> Account | R:
        async with self._cache.changing([owner_key(user_id), EVERYBODY]):
            return await self._store.open(user_id, rule)

    async def change(self, account_id: str, rule: Callable[[Account | None], Account | R]) -> Account | R:
        # The owner of an account never changes.
        owners = {account.user_id for account in (await self._store.by_ids([account_id])).values()}
        async with self._cache.changing([account_key(account_id), *map(owner_key, owners), EVERYBODY]):
            return await self._store.change(account_id, rule)

    async def post(self, posting: Posting, limits: Limits = DEFAULT_LIMITS) -> Outcome:
        async with self._cache.changing(_keys(posting.customer_ids())):
            return await self._store.post(posting, limits)

    async def reserve(self, posting: Posting, expires_at: datetime, limits: Limits = DEFAULT_LIMITS) -> Hold | Outcome:
        async with self._cache.changing(_keys(posting.customer_ids())):
            return await self._store.reserve(posting, expires_at, limits)

    async def capture(
        self, transaction_id: str, amount: Decimal | None = None, limits: Limits = DEFAULT_LIMITS
    ) -> Outcome | None:
        keys = await self._of_hold(transaction_id)
        if not keys:
            return None
        async with self._cache.changing(keys):
            return await self._store.capture(transaction_id, amount, limits)

    async def release(self, transaction_id: str) -> Hold | None:
        keys = await self._of_hold(transaction_id)
        if not keys:
            return None
        async with self._cache.changing(keys):
            return await self._store.release(transaction_id)

    async def expire(self, transaction_id: str) -> bool:
        keys = await self._of_hold(transaction_id)
        if not keys:
            return False
        async with self._cache.changing(keys):
            return await self._store.expire(transaction_id)

    async def _of_hold(self, transaction_id: str) -> list[str]:
        return _keys(await self._store.accounts_of_hold(transaction_id))


def _keys(account_ids: Collection[str]) -> list[str]:
    return [account_key(account_id) for account_id in account_ids]
