"""The context that resolvers of the transaction service get for a request."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from subgraphs.kit.context import BaseContext
from subgraphs.transaction.domain import reads_all
from subgraphs.transaction.history_read_limit import HistoryReadLimit
from subgraphs.transaction.loaders import create_loaders

if TYPE_CHECKING:
    from bank.identity import Caller
    from servicekit.errors import ServiceError
    from subgraphs.kit.connections import CursorCodec
    from subgraphs.kit.staff_audit.recorder import StaffAudit
    from subgraphs.kit.subscriptions.live_feed import LiveFeed
    from subgraphs.transaction.saga import Orders
    from subgraphs.transaction.store.protocol import TransactionStore


@dataclass(frozen=True, slots=True)
class Cursors:
    """The cursors of each kind of list."""

    transactions: CursorCodec
    notifications: CursorCodec


@dataclass(frozen=True, slots=True)
class TransactionServices:
    """The objects that all requests share."""

    store: TransactionStore
    orders: Orders
    cursors: Cursors
    feed: LiveFeed
    audit: StaffAudit


class TransactionContext(BaseContext):
    """The context of one request, with the store, the orders and new loaders."""

    def __init__(self, caller: Caller | ServiceError | None, services: TransactionServices) -> None:
        super().__init__(caller)
        self.feed = services.feed
        self.audit = services.audit
        self.store = services.store
        self.orders = services.orders
        self.cursors = services.cursors.transactions
        self.notification_cursors = services.cursors.notifications
        self.history_reads = HistoryReadLimit()
        self.reset_loaders()

    def reset_loaders(self) -> None:
        """Replace the loaders, because each mutation of an operation changes the lists that the loaders have cached."""
        self.loaders = create_loaders(self.store, self.history_reads)

    @property
    def viewer_id(self) -> str | None:
        """Return the user whose transactions may be listed; None for staff, who may see all.

        Raise the same errors as `caller`.
        """
        return None if reads_all(self.caller) else self.caller.user_id
