"""The store of the account service; `tests/subgraphs/account/store_contract.py` tests every implementation."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Final, Protocol, TypeVar

from subgraphs.account.domain import OPEN_STATUSES, Account, AccountStatus, AccountType
from subgraphs.account.exports.export import ExportStore
from subgraphs.account.limits import Limits
from subgraphs.kit.outbox import Outbox
from subgraphs.kit.store_identity import IdentifiedStore

if TYPE_CHECKING:
    from collections.abc import Callable, Collection, Mapping, Sequence
    from datetime import datetime
    from decimal import Decimal

    from subgraphs.account.holds import Hold
    from subgraphs.account.postings import Posting
    from subgraphs.account.settlement import Outcome
    from subgraphs.account.statements import LedgerEntry, Period
    from subgraphs.kit.pages import PageRequest

R = TypeVar("R")

# The number of parts of a sort key: accounts are listed by their id only.
SORT_KEY_WIDTH: Final = 1
DEFAULT_LIMITS: Final = Limits()
# How many random account numbers are tried for a new account. An account number has nine random digits. So ten numbers
# are all taken only if there are almost a billion accounts.
NUMBER_DRAWS: Final = 10


@dataclass(frozen=True, slots=True)
class AccountFilter:
    """The filter of a list of accounts. A field that is None sets no condition."""

    statuses: tuple[AccountStatus, ...] | None = OPEN_STATUSES
    types: tuple[AccountType, ...] | None = None
    currencies: tuple[str, ...] | None = None


class AccountReads(Protocol):
    """Reads of accounts and entries.

    Lists are ordered by account id, which is the order of opening; the sort key of a page is `(id,)`. A list method
    returns up to `page.limit + 1` accounts. If `page.backwards`, they are in reverse order.
    """

    async def by_ids(self, ids: Collection[str]) -> Mapping[str, Account]:
        """Return customers' accounts by id. Ids that do not exist are left out."""

    async def by_numbers(self, numbers: Collection[str]) -> Mapping[str, Account]:
        """Return customers' accounts by account number. Numbers that do not exist are left out."""

    async def page(self, wanted: AccountFilter, page: PageRequest) -> Sequence[Account]:
        """Return one page of the list of all customers' accounts that match `wanted`."""

    async def count(self, wanted: AccountFilter) -> int:
        """Return how many accounts match `wanted`, on all pages together."""

    async def pages_of(
        self, owners: Collection[str], wanted: AccountFilter, page: PageRequest
    ) -> Mapping[str, Sequence[Account]]:
        """Return the same page of accounts for each owner, by the owner's id, with one query.

        Owners without accounts are left out.
        """

    async def counts_of(self, owners: Collection[str], wanted: AccountFilter) -> Mapping[str, int]:
        """Return how many accounts of each owner match `wanted`, by the owner's id.

        Owners without accounts are left out.
        """

    async def entries(
        self, wanted: Collection[tuple[str, Period]], page: PageRequest
    ) -> Mapping[tuple[str, Period], Sequence[LedgerEntry]]:
        """Return a page of entries for each pair of an account id and a period.

        Entries are in the order of `statements`, and `statements.sort_key` makes the sort keys of the page. If
        `page.backwards`, they are in reverse order. Each pair has up to `page.limit + 1` entries.
        """

    async def balances_before(
        self, moments: Collection[tuple[str, datetime]]
    ) -> Mapping[tuple[str, datetime], Decimal]:
        """Return the balance before the moment for each pair of an account id and a moment.

        A pair is left out if the account has no entry before the moment.
        """

    async def wrong_receivers(self, user_id: str, at: datetime) -> Sequence[datetime]:
        """Return the times of the person's transfers that were refused for a reason in `posting_rules.WRONG_RECEIVERS`.

        The times are in ascending order, and differ from `at` by less than `WRONG_RECEIVER_WINDOW`. If the clock was
        set back, a time can be later than `at`. Times that are much later are left out, because the clock was wrong
        when they were recorded.
        """


class AccountWrites(Protocol):
    """Changes of accounts and postings.

    A method that changes an account writes the events of `subgraphs.account.events` to the outbox in the same database
    transaction.
    """

    async def open(self, user_id: str, rule: Callable[[int], Account | R]) -> Account | R:
        """Insert the account that `rule` returns, or nothing when it returns a refusal.

        `rule` gets the number of the user's accounts that are not closed. If the account number belongs or belonged to
        another account, `rule` is called again, to get another number.

        Returns:
            What `rule` returned.

        Raises:
            Unavailable: the store does not respond, or no free account number was found.
        """

    async def change(self, account_id: str, rule: Callable[[Account | None], Account | R]) -> Account | R:
        """Replace the account by the account that `rule` returns.

        If `rule` refuses or returns an equal account, nothing changes. No other writer changes the account while `rule`
        decides. The new account may differ only in type, status, version, `staff_action` and `updated_at`.

        Returns:
            What `rule` returned.
        """

    async def post(self, posting: Posting, limits: Limits = DEFAULT_LIMITS) -> Outcome:
        """Decide about `posting` with `subgraphs.account.settlement.settle`, and write the result (bank §2.7).

        All reads and writes are in one database transaction.

        Args:
            posting: the order.
            limits: the limits that apply.

        Returns:
            The outcome. A repetition of the posting returns the first outcome again.

        Raises:
            TransactionIdReused: the transaction id belongs to a posting with other content.
        """

    async def reserve(self, posting: Posting, expires_at: datetime, limits: Limits = DEFAULT_LIMITS) -> Hold | Outcome:
        """Reserve the money of `posting` until `expires_at`, if the posting could be made now (bank §2.15).

        Returns:
            The hold, or the outcome if the order is refused or already has an outcome. If the call is repeated, the
            present state of the hold is returned.

        Raises:
            TransactionIdReused: the transaction id belongs to an order with other content.
        """

    async def capture(
        self, transaction_id: str, amount: Decimal | None = None, limits: Limits = DEFAULT_LIMITS
    ) -> Outcome | None:
        """Post the order of a hold. If `amount` is None, the whole held amount is posted.

        Returns:
            The outcome. It is a refusal if the hold was released or has expired. If the capture is repeated, the first
            outcome is returned again. None if there is no such hold.

        Raises:
            InvalidValue: the amount is greater than the held amount.
            TransactionIdReused: the hold was captured with another amount.
        """

    async def release(self, transaction_id: str) -> Hold | None:
        """End a hold without a posting, and return the hold. If it has already ended, it is not changed.

        Return None if there is no such hold.
        """

    async def expire(self, transaction_id: str) -> bool:
        """End a hold if its time has come. Return whether it was ended."""


class CacheEpochs(Protocol):
    """Whether cached accounts may be used (`subgraphs.account.cache`)."""

    async def cache_epoch(self) -> str | None:
        """Return the id of the present epoch, or None while the cache is suspended."""

    async def suspend_cache(self, seconds: float) -> None:
        """Begin a new epoch, and suspend the cache for `seconds` from now."""


class AccountStore(AccountReads, AccountWrites, CacheEpochs, ExportStore, Outbox, IdentifiedStore, Protocol):
    """Customers' accounts, the ledger (bank §2.7), and statement exports.

    Every method raises Unavailable when the store cannot be reached or stays locked.
    """

    async def due_holds(self, *, limit: int) -> Sequence[str]:
        """Return the transaction ids of up to `limit` holds whose time has come and that have not ended."""

    async def accounts_of_hold(self, transaction_id: str) -> Collection[str]:
        """Return the ids of the customers' accounts in the order of a hold. Without such a hold, there are none."""

    async def last_hashes(self, period: Period) -> Sequence[tuple[str, bytes]]:
        """Return two values for each account with entries in a period: its id, and the hash of its last entry."""

    async def posted_ids(self, *, after: str, limit: int) -> Sequence[str]:
        """Return transaction ids of postings that were made, in ascending order, beginning after the id `after`."""

    async def which_posted(self, transaction_ids: Collection[str]) -> frozenset[str]:
        """Return the ids in `transaction_ids` for which a posting was made."""

    async def ping(self) -> None:
        """Check that the store responds. Raises an error if it does not."""

    async def close(self) -> None:
        """Release the connections; the store cannot be used afterwards."""
