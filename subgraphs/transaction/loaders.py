"""Batches the look-ups of one request: each level of it costs one query, however many accounts it lists."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass
from typing import TYPE_CHECKING, TypeAlias, TypeVar

from strawberry.dataloader import DataLoader

from subgraphs.transaction.store.protocol import Listing, Sums, TurnoverRequest

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable, Mapping, Sequence

    from subgraphs.transaction.domain import Transaction
    from subgraphs.transaction.store.protocol import TransactionStore

Question = TypeVar("Question", Listing, TurnoverRequest)
Found = TypeVar("Found")

# By account id and currency.
SumsByAccount: TypeAlias = "Mapping[tuple[str, str], Sums]"


@dataclass(frozen=True, slots=True)
class Loaders:
    """The loaders of one request; nothing is cached beyond it.

    Attributes:
        transactions: by id, whoever asks; None where there is none.
        listings: the page of an account. counts: the length of an account's whole list.
        turnovers: sums of an account, by account id and currency.
    """

    transactions: DataLoader[str, Transaction | None]
    listings: DataLoader[tuple[str, Listing], Sequence[Transaction]]
    counts: DataLoader[tuple[str, Listing], int]
    turnovers: DataLoader[tuple[str, TurnoverRequest], SumsByAccount]


def create_loaders(store: TransactionStore) -> Loaders:
    async def transactions(ids: list[str]) -> list[Transaction | None]:
        found = await store.by_ids(ids)
        return [found.get(transaction_id) for transaction_id in ids]

    async def turnovers(keys: list[tuple[str, TurnoverRequest]]) -> list[SumsByAccount]:
        sums = await _ask_once_each(keys, store.turnover)
        return [sums[question] for _, question in keys]

    return Loaders(
        transactions=DataLoader(load_fn=transactions),
        listings=_per_account(store.listing_of_accounts),
        counts=_per_account(store.count_of_accounts),
        turnovers=DataLoader(load_fn=turnovers),
    )


def _per_account(
    ask: Callable[[Sequence[str], Listing], Awaitable[Mapping[str, Found]]],
) -> DataLoader[tuple[str, Listing], Found]:
    """A loader of what ``ask`` finds for an account; ``ask`` answers for each account it is asked about."""

    async def load(keys: list[tuple[str, Listing]]) -> list[Found]:
        answers = await _ask_once_each(keys, ask)
        return [answers[question][account_id] for account_id, question in keys]

    return DataLoader(load_fn=load)


async def _ask_once_each(
    keys: Sequence[tuple[str, Question]], ask: Callable[[Sequence[str], Question], Awaitable[Found]]
) -> dict[Question, Found]:
    """One call of ``ask`` for each distinct question, with all the accounts it is asked about."""
    accounts: dict[Question, list[str]] = {}
    for account_id, question in keys:
        accounts.setdefault(question, []).append(account_id)
    answers = await asyncio.gather(*(ask(ids, question) for question, ids in accounts.items()))
    return dict(zip(accounts, answers, strict=True))
