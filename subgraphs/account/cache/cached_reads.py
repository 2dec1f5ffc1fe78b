"""The `AccountReads` with a cache: accounts by id, and the first and last pages of lists with their counts.

A cached list has only the ids of its accounts, because the ids of a list do not change with the balances.
"""

from __future__ import annotations

import hashlib
import json
from typing import TYPE_CHECKING, Final

from bank.values import is_object_id
from subgraphs.account.cache.account_json import account_from_json, account_to_json
from subgraphs.account.cache.keys import EVERYBODY, account_key, owner_key

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable, Collection, Mapping, Sequence
    from datetime import datetime
    from decimal import Decimal

    from subgraphs.account.cache.account_cache import AccountCache
    from subgraphs.account.domain import Account
    from subgraphs.account.statements import LedgerEntry, Period
    from subgraphs.account.store.protocol import AccountFilter, AccountReads
    from subgraphs.kit.pages import PageRequest

_ACCOUNT: Final = "account"


class CachedReads:
    """Reads through `cache` what it may have, and everything else from `store`."""

    def __init__(self, store: AccountReads, cache: AccountCache) -> None:
        self._store = store
        self._cache = cache

    async def by_ids(self, ids: Collection[str]) -> Mapping[str, Account]:
        keys = {account_key(account_id): account_id for account_id in ids if is_object_id(account_id)}

        async def load(missing: Sequence[str]) -> dict[str, bytes]:
            found = await self._store.by_ids([keys[key] for key in missing])
            return {account_key(account_id): account_to_json(account) for account_id, account in found.items()}

        found = await self._cache.get(keys, _ACCOUNT, load) if keys else {}
        return {keys[key]: account_from_json(value) for key, value in found.items()}

    async def by_numbers(self, numbers: Collection[str]) -> Mapping[str, Account]:
        return await self._store.by_numbers(numbers)

    async def page(self, wanted: AccountFilter, page: PageRequest) -> Sequence[Account]:
        if not _is_cached(page):
            return await self._store.page(wanted, page)

        async def read(owners: Collection[str]) -> Mapping[str, Sequence[Account]]:
            return dict.fromkeys(owners, await self._store.page(wanted, page))

        return (await self._pages({EVERYBODY: EVERYBODY}, wanted, page, read)).get(EVERYBODY, [])

    async def count(self, wanted: AccountFilter) -> int:
        async def read(owners: Collection[str]) -> Mapping[str, int]:
            return dict.fromkeys(owners, await self._store.count(wanted))

        return (await self._counts({EVERYBODY: EVERYBODY}, wanted, read)).get(EVERYBODY, 0)

    async def pages_of(
        self, owners: Collection[str], wanted: AccountFilter, page: PageRequest
    ) -> Mapping[str, Sequence[Account]]:
        if not _is_cached(page):
            return await self._store.pages_of(owners, wanted, page)
        keys = {owner_key(owner): owner for owner in owners}
        return await self._pages(keys, wanted, page, lambda missing: self._store.pages_of(missing, wanted, page))

    async def counts_of(self, owners: Collection[str], wanted: AccountFilter) -> Mapping[str, int]:
        keys = {owner_key(owner): owner for owner in owners}
        return await self._counts(keys, wanted, lambda missing: self._store.counts_of(missing, wanted))

    async def entries(
        self, wanted: Collection[tuple[str, Period]], page: PageRequest
    ) -> Mapping[tuple[str, Period], Sequence[LedgerEntry]]:
        return await self._store.entries(wanted, page)

    async def balances_before(
        self, moments: Collection[tuple[str, datetime]]
    ) -> Mapping[tuple[str, datetime], Decimal]:
        return await self._store.balances_before(moments)

    async def wrong_receivers(self, user_id: str, at: datetime) -> Sequence[datetime]:
        return await self._store.wrong_receivers(user_id, at)

    async def _pages(
        self,
        keys: Mapping[str, str],
        wanted: AccountFilter,
        page: PageRequest,
        read: Callable[[Collection[str]], Awaitable[Mapping[str, Sequence[Account]]]],
    ) -> Mapping[str, Sequence[Account]]:
        """Return a page for each owner that has accounts. `keys` maps the keys of lists to owners."""

        async def load(missing: Sequence[str]) -> dict[str, bytes]:
            found = await read([keys[key] for key in missing])
            ids = {key: [account.id for account in found.get(keys[key], ())] for key in missing}
            return {key: json.dumps(of_owner).encode() for key, of_owner in ids.items()}

        found = await self._cache.get(keys, _field("page", wanted, page.limit, page.backwards), load)
        ids: dict[str, list[str]] = {keys[key]: json.loads(value) for key, value in found.items()}
        accounts = await self.by_ids([account_id for of_owner in ids.values() for account_id in of_owner])
        # An account may have changed after the ids were read, so that it does not belong to the list any more.
        changed = [
            owner
            for owner, of_owner in ids.items()
            if not all(each in accounts and _matches(accounts[each], wanted) for each in of_owner)
        ]
        pages = {owner: [accounts[each] for each in ids[owner]] for owner in ids if owner not in changed and ids[owner]}
        return {**pages, **(await read(changed))} if changed else pages

    async def _counts(
        self,
        keys: Mapping[str, str],
        wanted: AccountFilter,
        read: Callable[[Collection[str]], Awaitable[Mapping[str, int]]],
    ) -> Mapping[str, int]:
        async def load(missing: Sequence[str]) -> dict[str, bytes]:
            found = await read([keys[key] for key in missing])
            return {key: str(found.get(keys[key], 0)).encode() for key in missing}

        found = await self._cache.get(keys, _field("count", wanted), load)
        return {keys[key]: int(value) for key, value in found.items() if int(value)}


def _is_cached(page: PageRequest) -> bool:
    return page.after is None and page.before is None


def _field(kind: str, wanted: AccountFilter, *more: object) -> str:
    """Return the name of a value in the entry of lists. A filter of any length has a short name."""
    lists = [each and sorted(each) for each in (wanted.statuses, wanted.types, wanted.currencies)]
    return hashlib.sha256(json.dumps([kind, *lists, *more]).encode()).hexdigest()[:32]


def _matches(account: Account, wanted: AccountFilter) -> bool:
    conditions = (
        (wanted.statuses, account.status),
        (wanted.types, account.type),
        (wanted.currencies, account.currency),
    )
    return all(allowed is None or value in allowed for allowed, value in conditions)
