"""The context that resolvers of the account service get for a request."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from bank import values
from subgraphs.account.loaders import Loaders
from subgraphs.kit.context import BaseContext

if TYPE_CHECKING:
    from bank.identity import Caller
    from servicekit.errors import ServiceError
    from subgraphs.account.exports.export import ExportStore
    from subgraphs.account.store.protocol import AccountReads, AccountWrites
    from subgraphs.kit.connections import CursorCodec
    from subgraphs.kit.staff_audit.recorder import StaffAudit
    from subgraphs.kit.subscriptions.live_feed import LiveFeed


@dataclass(frozen=True, slots=True)
class AccountServices:
    """The objects that all requests share.

    Attributes:
        reads: reads accounts for responses, from the cache if there is one.
        writes: changes accounts, and invalidates the cache if there is one.
        exports: the exports of statements.
        statement_cursors: makes the cursors of entries.
        max_per_user: the number of accounts, not counting closed ones, that a user may own.
        feed: the events for subscriptions.
        audit: records operations of staff in the audit log.
    """

    reads: AccountReads
    writes: AccountWrites
    exports: ExportStore
    cursors: CursorCodec
    statement_cursors: CursorCodec
    max_per_user: int
    feed: LiveFeed
    audit: StaffAudit


class AccountContext(BaseContext):
    def __init__(self, caller: Caller | ServiceError | None, services: AccountServices) -> None:
        super().__init__(caller)
        self.services = services
        self.loaders = Loaders(services.reads)
        # All fields of one response use the same time.
        self.now = values.now()
