"""The store of the transaction service.

`tests/subgraphs/transaction/store_contract.py` tests every implementation.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Final, Protocol

from subgraphs.kit.connections import PageRequest
from subgraphs.kit.outbox import Outbox
from subgraphs.kit.store_identity import IdentifiedStore
from subgraphs.kit.times import to_milliseconds

if TYPE_CHECKING:
    from collections.abc import Collection, Mapping, Sequence
    from datetime import datetime
    from decimal import Decimal

    from subgraphs.transaction.domain import Transaction, TransactionStatus, TransactionType
    from subgraphs.transaction.idempotency import KeyEntry, KeyScope, UsedKey
    from subgraphs.transaction.lease import Lease
    from subgraphs.transaction.problems import Problem


@dataclass(frozen=True, slots=True)
class Filter:
    """Which transactions a list shows; None sets no condition.

    Attributes:
        created_from: inclusive.
        created_to: exclusive.
        min_amount: inclusive, in any currency.
        max_amount: inclusive, in any currency.
    """

    types: frozenset[TransactionType] | None = None
    statuses: frozenset[TransactionStatus] | None = None
    created_from: datetime | None = None
    created_to: datetime | None = None
    min_amount: Decimal | None = None
    max_amount: Decimal | None = None

    @property
    def is_by_time_only(self) -> bool:
        """Whether the indexes of a store, which are ordered by time, find the rows without reading others."""
        return all(each is None for each in (self.types, self.statuses, self.min_amount, self.max_amount))


@dataclass(frozen=True, slots=True)
class Listing:
    """A page of a list, newest first.

    Attributes:
        viewer_id: the user who may see the transactions (`Transaction.visible_to`); None sees all.
        page: its sort keys are those of `sort_key`.
    """

    viewer_id: str | None
    filter: Filter = Filter()
    page: PageRequest = field(default_factory=PageRequest)


@dataclass(frozen=True, slots=True)
class TurnoverRequest:
    """Sums over COMPLETED transactions; `created_from` is inclusive, `created_to` exclusive."""

    viewer_id: str | None
    created_from: datetime | None = None
    created_to: datetime | None = None


@dataclass(frozen=True, slots=True)
class Sums:
    """The sums that credited and debited one account, in one currency, with the currency's decimals."""

    credited: Decimal
    debited: Decimal


class TransactionStore(Outbox, IdentifiedStore, Protocol):
    """Transactions, idempotency keys and leases (bank §2.7).

    Every method raises Unavailable when the store cannot be reached or stays locked. `record` and `conclude` write the
    events of `subgraphs.transaction.events` to the outbox in the same database transaction. A list method makes one
    query for any number of accounts.
    """

    async def record(self, transaction: Transaction, key: KeyEntry, lease: Lease | None = None) -> UsedKey | None:
        """Insert the transaction, its key and its lease together, unless the key is used already.

        Returns:
            None if everything was inserted; otherwise the order that already uses the key.
        """

    async def find_key(self, scope: KeyScope, at: datetime) -> UsedKey | None:
        """The order that uses a key at the time `at`; None if the key is unknown or `idempotency.may_be_reused`."""

    async def conclude(
        self, transaction_id: str, status: TransactionStatus, problem: Problem | None, at: datetime
    ) -> Transaction:
        """Take the step that `subgraphs.transaction.domain.conclude` decides, and end the lease.

        Returns:
            The transaction after the step.

        Raises:
            IllegalTransition: see `domain.conclude`.
        """

    async def claim(self, transaction_id: str, lease: Lease, at: datetime) -> Transaction | None:
        """Set `lease` on a PENDING transaction without a live lease.

        Of several claims at once, one succeeds.

        Returns:
            The claimed transaction, or None when there is no such transaction or it cannot be claimed.
        """

    async def renew(self, transaction_ids: Collection[str], lease: Lease) -> None:
        """Replace the leases that `lease.owner` has on these transactions by `lease`."""

    async def release(self, transaction_id: str, owner: str) -> None:
        """End the lease of `owner`; a lease of another owner stays."""

    async def unclaimed_ids(self, at: datetime, *, after: str, limit: int) -> Sequence[str]:
        """Ids of PENDING transactions without a live lease, greater than `after`, ascending (oldest first)."""

    async def delete_expired_keys(self, at: datetime) -> int:
        """Delete the keys that `idempotency.may_be_reused` at the time `at`; returns their number."""

    async def settled_ids(self, *, after: str, limit: int) -> Sequence[str]:
        """Return the ids of transactions with a status in `domain.SETTLED` that are greater than `after`, ascending."""

    async def by_ids(self, transaction_ids: Sequence[str]) -> Mapping[str, Transaction]:
        """The transactions by id, for any viewer; ids that do not exist are left out."""

    async def listing(self, listing: Listing) -> Sequence[Transaction]:
        """Up to `page.limit + 1` transactions that the viewer may see, in the direction of the page."""

    async def listing_of_accounts(
        self, account_ids: Sequence[str], listing: Listing
    ) -> Mapping[str, Sequence[Transaction]]:
        """Return a page for each account.

        It contains transactions that debit or credit the account and that the viewer may see.
        """

    async def count(self, listing: Listing) -> int:
        """The number of transactions on all pages of `listing`."""

    async def count_of_accounts(self, account_ids: Sequence[str], listing: Listing) -> Mapping[str, int]:
        """Return, for each account, the number of its transactions on all pages."""

    async def turnover(self, account_ids: Sequence[str], request: TurnoverRequest) -> Mapping[tuple[str, str], Sums]:
        """Sums by (account id, currency); accounts without transactions are left out."""

    async def ping(self) -> None:
        """Raise unless the store responds."""

    async def close(self) -> None:
        """Release the connections; the store cannot be used afterwards."""


# The number of parts of a sort key.
SORT_KEY_WIDTH: Final = 2


def sort_key(transaction: Transaction) -> tuple[str, str]:
    """Milliseconds since the epoch, then the id."""
    return str(to_milliseconds(transaction.created_at)), transaction.id
