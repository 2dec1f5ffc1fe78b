"""Loaders batch the look-ups of one request, so that each level of an operation needs only one store query."""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING, NamedTuple

from strawberry.dataloader import DataLoader

if TYPE_CHECKING:
    from collections.abc import Sequence
    from datetime import datetime
    from decimal import Decimal

    from subgraphs.account.domain import Account
    from subgraphs.account.statements import LedgerEntry, Period
    from subgraphs.account.store.protocol import AccountFilter, AccountReads
    from subgraphs.kit.pages import PageRequest


class OwnedPage(NamedTuple):
    """The key for the loader of pages: an owner, a filter of accounts, and a page."""

    owner_id: str
    wanted: AccountFilter
    page: PageRequest


class OwnedCount(NamedTuple):
    """The key for the loader of counts: an owner and a filter of accounts."""

    owner_id: str
    wanted: AccountFilter


class EntryPage(NamedTuple):
    """The key for the loader of entries: an account, a period, and a page."""

    account_id: str
    period: Period
    page: PageRequest


class Loaders:
    """The loaders of one request. They do not check whether the caller may see an account."""

    def __init__(self, store: AccountReads) -> None:
        # The functions do not refer to this object: such a reference cycle would keep the accounts in memory until the
        # garbage collector finds it.
        self.by_id: DataLoader[str, Account | None] = DataLoader(load_fn=partial(_load_by_id, store))
        self.by_number: DataLoader[str, Account | None] = DataLoader(load_fn=partial(_load_by_number, store))
        self.pages: DataLoader[OwnedPage, Sequence[Account]] = DataLoader(load_fn=partial(_load_pages, store))
        self.counts: DataLoader[OwnedCount, int] = DataLoader(load_fn=partial(_load_counts, store))
        self.entries: DataLoader[EntryPage, Sequence[LedgerEntry]] = DataLoader(load_fn=partial(_load_entries, store))
        self.balances: DataLoader[tuple[str, datetime], Decimal | None] = DataLoader(
            load_fn=partial(_load_balances, store)
        )

    def clear(self) -> None:
        """Drop the cached results, because a mutation may have changed them."""
        for loader in (self.by_id, self.by_number, self.pages, self.counts, self.entries, self.balances):
            loader.clear_all()


async def _load_by_id(store: AccountReads, ids: list[str]) -> list[Account | None]:
    found = await store.by_ids(ids)
    return [found.get(account_id) for account_id in ids]


async def _load_by_number(store: AccountReads, numbers: list[str]) -> list[Account | None]:
    found = await store.by_numbers(numbers)
    return [found.get(number) for number in numbers]


async def _load_pages(store: AccountReads, keys: list[OwnedPage]) -> list[Sequence[Account]]:
    # The store is queried once for each combination of filter and page. Most operations have only one combination.
    # Only an operation with aliases has more.
    owners: dict[tuple[AccountFilter, PageRequest], list[str]] = {}
    for key in keys:
        owners.setdefault((key.wanted, key.page), []).append(key.owner_id)
    found = {(wanted, page): await store.pages_of(ids, wanted, page) for (wanted, page), ids in owners.items()}
    return [found[key.wanted, key.page].get(key.owner_id, ()) for key in keys]


async def _load_counts(store: AccountReads, keys: list[OwnedCount]) -> list[int]:
    owners: dict[AccountFilter, list[str]] = {}
    for key in keys:
        owners.setdefault(key.wanted, []).append(key.owner_id)
    found = {wanted: await store.counts_of(ids, wanted) for wanted, ids in owners.items()}
    return [found[key.wanted].get(key.owner_id, 0) for key in keys]


async def _load_entries(store: AccountReads, keys: list[EntryPage]) -> list[Sequence[LedgerEntry]]:
    accounts: dict[PageRequest, list[tuple[str, Period]]] = {}
    for key in keys:
        accounts.setdefault(key.page, []).append((key.account_id, key.period))
    found = {page: await store.entries(wanted, page) for page, wanted in accounts.items()}
    return [found[key.page].get((key.account_id, key.period), ()) for key in keys]


async def _load_balances(store: AccountReads, keys: list[tuple[str, datetime]]) -> list[Decimal | None]:
    found = await store.balances_before(keys)
    return [found.get(key) for key in keys]
