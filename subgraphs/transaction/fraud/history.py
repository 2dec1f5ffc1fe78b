"""The history of a user or an account, read from the store of transactions."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Final, Protocol

from subgraphs.kit.pages import PageRequest
from subgraphs.kit.times import from_milliseconds
from subgraphs.transaction.domain import TransactionStatus
from subgraphs.transaction.fraud.order_facts import OrderFacts
from subgraphs.transaction.fraud.windows.series import ScopeKind
from subgraphs.transaction.store.protocol import Filter, Listing, sort_key

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Sequence

    from subgraphs.transaction.domain import Transaction
    from subgraphs.transaction.fraud.windows.series import Scope
    from subgraphs.transaction.store.protocol import TransactionStore

_PAGE_SIZE: Final = 500


class History(Protocol):
    """A source of the past orders of a user or an account."""

    def orders(self, scope: Scope, since: int) -> AsyncIterator[Sequence[OrderFacts]]:
        """Yield the orders of the scope that were recorded at `since` or later, the newest first, in batches.

        Orders that were refused before the fraud rules judged them are left out.

        Args:
            scope: a user's own orders, or the orders that debit or credit an account.
            since: milliseconds since 1970.

        Raises:
            Unavailable: the store does not respond.
        """


class StoreHistory:
    """The history in the store of transactions. Each batch is a query that reads a range of an index."""

    def __init__(self, store: TransactionStore) -> None:
        self._store = store

    async def orders(self, scope: Scope, since: int) -> AsyncIterator[Sequence[OrderFacts]]:
        """See `History.orders`."""
        page = PageRequest(limit=_PAGE_SIZE)
        created = Filter(created_from=from_milliseconds(max(0, since)))
        while True:
            rows = await self._page(scope, created, page)
            yield [OrderFacts.of(row) for row in rows[:_PAGE_SIZE] if _was_judged(row) and _belongs(row, scope)]
            if len(rows) <= _PAGE_SIZE:
                return
            page = replace(page, after=sort_key(rows[_PAGE_SIZE - 1]))

    async def _page(self, scope: Scope, created: Filter, page: PageRequest) -> Sequence[Transaction]:
        if scope.kind is ScopeKind.ACCOUNT:
            pages = await self._store.listing_of_accounts([scope.id], Listing(None, created, page))
            return pages.get(scope.id, ())
        return await self._store.listing(Listing(scope.id, created, page))


def _was_judged(transaction: Transaction) -> bool:
    if transaction.order.reversal is not None:
        return False
    # An order that was refused at once was never judged. It is FAILED, has no decision, and was not changed since it
    # was recorded. A FAILED order that was changed later may have been judged without a stored decision, because
    # earlier releases did not store decisions.
    if transaction.status is not TransactionStatus.FAILED or transaction.decision is not None:
        return True
    return transaction.updated_at != transaction.created_at


def _belongs(transaction: Transaction, scope: Scope) -> bool:
    return scope.kind is ScopeKind.ACCOUNT or transaction.principal_user_id == scope.id
