"""What the account service asks of a store, whichever it is."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Final, Protocol, TypeVar

from subgraphs.account.domain import OPEN_STATUSES, Account, AccountStatus, AccountType

if TYPE_CHECKING:
    from collections.abc import Callable, Collection, Mapping, Sequence

    from subgraphs.account.postings import Outcome, Posting
    from subgraphs.kit.connections import PageRequest

R = TypeVar("R")

# Accounts are listed by id alone.
SORT_KEY_WIDTH: Final = 1


@dataclass(frozen=True, slots=True)
class AccountFilter:
    """Which accounts a list shows; None means any."""

    statuses: tuple[AccountStatus, ...] | None = OPEN_STATUSES
    types: tuple[AccountType, ...] | None = None
    currencies: tuple[str, ...] | None = None


class AccountStore(Protocol):
    """Every method raises Unavailable when the store cannot be reached or stays locked.

    Lists are in order of account ids, which is the order of opening; the sort key of a page is ``(id,)``. A list
    method returns up to ``page.limit + 1`` accounts, last first when ``page.backwards``.
    """

    async def by_ids(self, ids: Collection[str]) -> Mapping[str, Account]:
        """Customers' accounts by id; ids that do not exist are left out."""

    async def by_numbers(self, numbers: Collection[str]) -> Mapping[str, Account]:
        """Customers' accounts by account number; numbers that do not exist are left out."""

    async def page(self, wanted: AccountFilter, page: PageRequest) -> Sequence[Account]:
        """All customers' accounts, one page."""

    async def count(self, wanted: AccountFilter) -> int:
        """How many accounts all pages of :meth:`page` have together."""

    async def pages_of(
        self, owners: Collection[str], wanted: AccountFilter, page: PageRequest
    ) -> Mapping[str, Sequence[Account]]:
        """The same page of each owner's accounts, in one query; owners without accounts are left out."""

    async def counts_of(self, owners: Collection[str], wanted: AccountFilter) -> Mapping[str, int]:
        """How many accounts all pages of each owner have together; owners without accounts are left out."""

    async def open(self, user_id: str, rule: Callable[[int], Account | R]) -> Account | R:
        """Insert the account that ``rule`` makes of the number of the user's accounts that are not closed.

        ``rule`` is called again, for another account number, when the number was ever given out before.
        """

    async def change(self, account_id: str, rule: Callable[[Account | None], Account | R]) -> Account | R:
        """Replace the account by what ``rule`` makes of it, unless that is a refusal or the same account.

        Nobody else changes the account meanwhile. Only type, status, version and ``updated_at`` may differ.
        """

    async def post(self, posting: Posting) -> Outcome:
        """Decide ``posting`` and carry it out, at most once: the first outcome is remembered and answered again.

        Raises:
            TransactionIdReused: the id belongs to a posting with other content.
        """

    async def ping(self) -> None:
        """Raise unless the store answers."""

    async def close(self) -> None: ...
