"""The store of the transaction service.

`tests/subgraphs/transaction/store_contract.py` tests every implementation.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Final, Protocol, TypeAlias

from subgraphs.kit.outbox import Outbox
from subgraphs.kit.pages import PageRequest
from subgraphs.kit.store_identity import IdentifiedStore
from subgraphs.kit.times import to_milliseconds
from subgraphs.transaction.notifications import NotificationStore

if TYPE_CHECKING:
    from collections.abc import Collection, Mapping, Sequence
    from datetime import datetime
    from decimal import Decimal

    from subgraphs.transaction.domain import Transaction, TransactionStatus, TransactionType
    from subgraphs.transaction.idempotency import KeyEntry, KeyScope, UsedKey
    from subgraphs.transaction.lease import Lease
    from subgraphs.transaction.payments.provider_event import ProviderEvent
    from subgraphs.transaction.states import StatusChange


# A pure function that returns a transaction after a change, such as `states.moved`.
Change: TypeAlias = Callable[["Transaction"], "Transaction"]


@dataclass(frozen=True, slots=True)
class Filter:
    """The filter of a list of transactions. A field that is None sets no condition.

    Attributes:
        created_from: the earliest time, inclusive.
        created_to: the end of the time range, exclusive.
        min_amount: the smallest amount, inclusive, in any currency.
        max_amount: the largest amount, inclusive, in any currency.
    """

    types: frozenset[TransactionType] | None = None
    statuses: frozenset[TransactionStatus] | None = None
    created_from: datetime | None = None
    created_to: datetime | None = None
    min_amount: Decimal | None = None
    max_amount: Decimal | None = None

    @property
    def is_by_time_only(self) -> bool:
        """Whether the filter has no condition except on the time.

        With such a filter, a store reads only transactions that match, because its indexes are ordered by time.
        """
        return all(each is None for each in (self.types, self.statuses, self.min_amount, self.max_amount))


@dataclass(frozen=True, slots=True)
class Listing:
    """A page of a list of transactions, newest first.

    Attributes:
        viewer_id: the user whose visible transactions are listed (`Transaction.visible_to`); None lists all
            transactions.
        page: the requested page. `sort_key` makes its sort keys.
    """

    viewer_id: str | None
    filter: Filter = Filter()
    page: PageRequest = field(default_factory=PageRequest)


@dataclass(frozen=True, slots=True)
class TurnoverRequest:
    """A request for the sums of settled transactions. `created_from` is inclusive, and `created_to` is exclusive."""

    viewer_id: str | None
    created_from: datetime | None = None
    created_to: datetime | None = None


@dataclass(frozen=True, slots=True)
class Sums:
    """The sum of the credits and the sum of the debits of an account, in one currency, with the currency's decimals."""

    credited: Decimal
    debited: Decimal


class TransactionStore(NotificationStore, Outbox, IdentifiedStore, Protocol):
    """Transactions, idempotency keys, leases (bank §2.7), and notifications.

    Every method raises Unavailable when the store cannot be reached or stays locked. `record` and `change` write the
    events of `subgraphs.transaction.events` to the outbox in the same database transaction. A list method makes one
    query for any number of accounts.
    """

    async def record(self, transaction: Transaction, key: KeyEntry, lease: Lease | None = None) -> UsedKey | None:
        """Insert the transaction, its key and its lease together, unless the key is used already.

        Returns:
            None if everything was inserted; otherwise the order that already uses the key.

        Raises:
            NotReversible: another reversal of the same transaction was recorded, and has not failed.
        """

    async def find_key(self, scope: KeyScope, at: datetime) -> UsedKey | None:
        """Return the order that uses a key at the time `at`.

        Return None if the key is unknown, or if it may be used for another order (`idempotency.may_be_reused`).
        """

    async def change(
        self, transaction_id: str, decide: Change, *, by: str | None = None, known: Transaction | None = None
    ) -> Transaction:
        """Replace the transaction by the result of `decide`, in one database transaction.

        Only the status, the time of the change, and the decisions about the order may differ. A new status ends the
        lease, and is added to the history: as a change by the member of staff `by`, or by the service if `by` is None.

        `decide` is a pure function. It may be called more than once. Its result counts only if it was called with the
        newest state.

        Args:
            transaction_id: the transaction.
            decide: returns the new state for the present one.
            by: see above.
            known: the transaction as the caller has seen it last. If this is still its state, the store need not read
                it. A wrong `known` has no effect.

        Returns:
            The transaction after the change.

        Raises:
            IllegalTransition: there is no such transaction, or `decide` raised the error.
        """

    async def histories(self, transaction_ids: Sequence[str]) -> Mapping[str, Sequence[StatusChange]]:
        """Return the statuses of each transaction, the first one first. Ids that do not exist are left out."""

    async def claim(self, transaction_id: str, lease: Lease, at: datetime) -> Transaction | None:
        """Set `lease` on a PENDING transaction without a live lease.

        If several processes claim it at the same time, one of them succeeds.

        Returns:
            The claimed transaction. None if there is no such transaction, or if it cannot be claimed.
        """

    async def renew(self, transaction_ids: Collection[str], lease: Lease) -> None:
        """Replace the leases that `lease.owner` has on these transactions with `lease`."""

    async def release(self, transaction_id: str, owner: str) -> None:
        """End the lease if it belongs to `owner`. A lease of another owner is not changed."""

    async def unclaimed_ids(self, at: datetime, *, after: str, limit: int) -> Sequence[str]:
        """Return ids of PENDING transactions without a live lease: the ids greater than `after`, oldest first."""

    async def delete_expired_keys(self, at: datetime) -> int:
        """Delete the keys for which `idempotency.may_be_reused` is true at the time `at`. Return their number."""

    async def settled_ids(self, *, after: str, limit: int) -> Sequence[str]:
        """Return ids of transactions with a status in `domain.SETTLED`: the ids greater than `after`, ascending."""

    async def record_provider_event(self, event: ProviderEvent) -> bool:
        """Record an event of the payment provider as open. Return False if its id is recorded already."""

    async def open_provider_events(self, *, limit: int) -> Sequence[ProviderEvent]:
        """Return events that are open, the oldest first."""

    async def end_provider_event(self, event_id: str) -> None:
        """Record that nothing is left to do for an event."""

    async def delete_provider_events(self, before: datetime) -> int:
        """Delete the events that were received before a time. Return their number."""

    async def by_ids(self, transaction_ids: Sequence[str]) -> Mapping[str, Transaction]:
        """Return the transactions by id, for any viewer. Ids that do not exist are left out."""

    async def listing(self, listing: Listing) -> Sequence[Transaction]:
        """Return up to `page.limit + 1` transactions that the viewer may see, in the direction of the page."""

    async def listing_of_accounts(
        self, account_ids: Sequence[str], listing: Listing
    ) -> Mapping[str, Sequence[Transaction]]:
        """Return a page for each account.

        It contains the debits and credits of the account that the viewer may see.
        """

    async def count(self, listing: Listing) -> int:
        """Return the number of transactions on all pages of `listing`."""

    async def count_of_accounts(self, account_ids: Sequence[str], listing: Listing) -> Mapping[str, int]:
        """Return, for each account, the number of its transactions on all pages."""

    async def turnover(self, account_ids: Sequence[str], request: TurnoverRequest) -> Mapping[tuple[str, str], Sums]:
        """Return sums by (account id, currency). Accounts without transactions are left out."""

    async def ping(self) -> None:
        """Check that the store responds. Raises an error if it does not."""

    async def close(self) -> None:
        """Release the connections; the store cannot be used afterwards."""


# The number of parts of a sort key.
SORT_KEY_WIDTH: Final = 2


def sort_key(transaction: Transaction) -> tuple[str, str]:
    """Return the sort key of a transaction: its time in milliseconds since 1970, and its id."""
    return str(to_milliseconds(transaction.created_at)), transaction.id
