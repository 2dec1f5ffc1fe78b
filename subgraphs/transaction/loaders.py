"""Loaders batch the look-ups of one request, so that each level of an operation needs only one store query."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass
from typing import TYPE_CHECKING, TypeAlias, TypeVar

from strawberry.dataloader import DataLoader

from subgraphs.transaction.store.protocol import Listing, Sums, TurnoverRequest

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable, Mapping, Sequence

    from subgraphs.transaction.domain import Transaction
    from subgraphs.transaction.history_read_limit import HistoryReadLimit
    from subgraphs.transaction.states import StatusChange
    from subgraphs.transaction.store.protocol import TransactionStore

Request = TypeVar("Request", Listing, TurnoverRequest)
Result = TypeVar("Result")

# The sums of accounts, by account id and currency.
SumsByAccount: TypeAlias = "Mapping[tuple[str, str], Sums]"


@dataclass(frozen=True, slots=True)
class Loaders:
    """The loaders of one request; nothing is cached for longer.

    Attributes:
        transactions: loads a transaction by its id, for any viewer; None for an unknown id.
        histories: loads the statuses of a transaction by its id.
        listings: loads a page of an account's transactions.
        counts: loads the number of an account's transactions on all pages.
        turnovers: loads the sums of the credits and the debits, by account id and currency.
    """

    transactions: DataLoader[str, Transaction | None]
    histories: DataLoader[str, Sequence[StatusChange]]
    listings: DataLoader[tuple[str, Listing], Sequence[Transaction]]
    counts: DataLoader[tuple[str, Listing], int]
    turnovers: DataLoader[tuple[str, TurnoverRequest], SumsByAccount]


def create_loaders(store: TransactionStore, history_reads: HistoryReadLimit) -> Loaders:
    """Create loaders for `store`. `history_reads` counts those queries that read a whole history."""

    async def transactions(ids: list[str]) -> list[Transaction | None]:
        found = await store.by_ids(ids)
        return [found.get(transaction_id) for transaction_id in ids]

    async def histories(ids: list[str]) -> list[Sequence[StatusChange]]:
        found = await store.histories(ids)
        return [found.get(transaction_id, ()) for transaction_id in ids]

    async def listings(account_ids: Sequence[str], listing: Listing) -> Mapping[str, Sequence[Transaction]]:
        if not listing.filter.is_by_time_only:
            history_reads.begin()
        return await store.listing_of_accounts(account_ids, listing)

    async def counts(account_ids: Sequence[str], listing: Listing) -> Mapping[str, int]:
        history_reads.begin()
        return await store.count_of_accounts(account_ids, listing)

    async def sums(account_ids: Sequence[str], request: TurnoverRequest) -> SumsByAccount:
        history_reads.begin()
        return await store.turnover(account_ids, request)

    async def turnovers(keys: list[tuple[str, TurnoverRequest]]) -> list[SumsByAccount]:
        found = await _read_each_once(keys, sums)
        return [found[request] for _, request in keys]

    return Loaders(
        transactions=DataLoader(load_fn=transactions),
        histories=DataLoader(load_fn=histories),
        listings=_per_account(listings),
        counts=_per_account(counts),
        turnovers=DataLoader(load_fn=turnovers),
    )


def _per_account(
    read: Callable[[Sequence[str], Listing], Awaitable[Mapping[str, Result]]],
) -> DataLoader[tuple[str, Listing], Result]:
    """Return a loader whose keys are an account id and a listing. It calls `read` once for many accounts."""

    async def load(keys: list[tuple[str, Listing]]) -> list[Result]:
        results = await _read_each_once(keys, read)
        return [results[request][account_id] for account_id, request in keys]

    return DataLoader(load_fn=load)


async def _read_each_once(
    keys: Sequence[tuple[str, Request]], read: Callable[[Sequence[str], Request], Awaitable[Result]]
) -> dict[Request, Result]:
    """Return the result of each request in `keys`, by request.

    `read` is called once for each different request, with the accounts of all keys that contain the request.
    """
    accounts: dict[Request, list[str]] = {}
    for account_id, request in keys:
        accounts.setdefault(request, []).append(account_id)
    results = await asyncio.gather(*(read(ids, request) for request, ids in accounts.items()))
    return dict(zip(accounts, results, strict=True))
