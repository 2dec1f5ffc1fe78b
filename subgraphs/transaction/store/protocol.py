"""What the service asks of a store. ``tests/subgraphs/transaction/store_contract.py`` is this page as tests."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Final, Protocol

from subgraphs.kit.connections import PageRequest

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from datetime import datetime
    from decimal import Decimal

    from subgraphs.transaction.domain import Transaction, TransactionStatus, TransactionType
    from subgraphs.transaction.idempotency import KeyEntry, KeyScope, Remembered
    from subgraphs.transaction.problems import Problem


@dataclass(frozen=True, slots=True)
class Filter:
    """Which transactions of a list are wanted; None leaves open.

    Attributes:
        created_from: inclusive. created_to: exclusive.
        min_amount: inclusive, in whatever currency. max_amount: inclusive.
    """

    types: frozenset[TransactionType] | None = None
    statuses: frozenset[TransactionStatus] | None = None
    created_from: datetime | None = None
    created_to: datetime | None = None
    min_amount: Decimal | None = None
    max_amount: Decimal | None = None


@dataclass(frozen=True, slots=True)
class Listing:
    """A page of a list, newest first.

    Attributes:
        viewer_id: whose transactions, as ``Transaction.visible_to`` says; None sees all.
        page: sort keys are those of :func:`sort_key`.
    """

    viewer_id: str | None
    filter: Filter = Filter()
    page: PageRequest = field(default_factory=PageRequest)


@dataclass(frozen=True, slots=True)
class TurnoverRequest:
    """Sums over COMPLETED transactions; ``created_from`` is inclusive, ``created_to`` exclusive."""

    viewer_id: str | None
    created_from: datetime | None = None
    created_to: datetime | None = None


@dataclass(frozen=True, slots=True)
class Sums:
    """What one account received and gave, in one currency, with the currency's decimals."""

    credited: Decimal
    debited: Decimal


class TransactionStore(Protocol):
    """Every method raises Unavailable when the store cannot be reached or stays locked.

    A list method makes one query, however many accounts it is asked about.
    """

    async def record(self, transaction: Transaction, key: KeyEntry) -> Remembered | None:
        """Insert both, or neither: returns what the key stands for already, None when it was free."""

    async def remembered(self, scope: KeyScope, at: datetime) -> Remembered | None:
        """What a key stands for at ``at``; an expired one nothing, unless its transaction is still open."""

    async def conclude(
        self, transaction_id: str, status: TransactionStatus, problem: Problem | None, at: datetime
    ) -> Transaction:
        """Take one step to ``status``; a transaction that is there already is returned as it is.

        Raises:
            IllegalTransition: ``domain.TRANSITIONS`` has no such step.
        """

    async def pending_ids(self, *, after: str, limit: int) -> Sequence[str]:
        """Ids of PENDING transactions greater than ``after``, ascending, which is oldest first."""

    async def forget_keys(self, at: datetime) -> int:
        """Delete keys that stand for nothing at ``at``; returns how many."""

    async def by_ids(self, transaction_ids: Sequence[str]) -> Mapping[str, Transaction]:
        """The transactions that exist, whoever asks."""

    async def listing(self, listing: Listing) -> Sequence[Transaction]:
        """Up to ``page.limit + 1`` transactions of the viewer in the direction asked."""

    async def listing_of_accounts(
        self, account_ids: Sequence[str], listing: Listing
    ) -> Mapping[str, Sequence[Transaction]]:
        """The same for each account: transactions that debit or credit it, as far as the viewer may see them."""

    async def count(self, listing: Listing) -> int:
        """How many transactions the whole list has, its page left aside."""

    async def count_of_accounts(self, account_ids: Sequence[str], listing: Listing) -> Mapping[str, int]:
        """The same for each account."""

    async def turnover(self, account_ids: Sequence[str], request: TurnoverRequest) -> Mapping[tuple[str, str], Sums]:
        """Sums by (account id, currency); an account without transactions is left out."""

    async def ping(self) -> None:
        """Raise unless the store answers."""


# Parts of a sort key.
SORT_KEY_WIDTH: Final = 2


def sort_key(transaction: Transaction) -> tuple[str, str]:
    """Milliseconds since the epoch, and the id for those of one millisecond."""
    return str(milliseconds(transaction.created_at)), transaction.id


def milliseconds(moment: datetime) -> int:
    """Since the epoch; exact for times cut to milliseconds."""
    return round(moment.timestamp() * 1000)
