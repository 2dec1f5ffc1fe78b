"""The operations of a ledger: make a posting, reserve, capture and release money. All stores use these functions.

Each function reads, decides and writes inside one database transaction. A store implements `LedgerTransaction`. The
rules for the decisions are in `settlement` and `holds`.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Protocol

import structlog

from subgraphs.account import holds
from subgraphs.account.errors import TransactionIdReused
from subgraphs.account.holds import HoldStatus
from subgraphs.account.settlement import repeated, settle

if TYPE_CHECKING:
    from datetime import datetime
    from decimal import Decimal

    from subgraphs.account.holds import Hold, HoldChange
    from subgraphs.account.limits import Limits
    from subgraphs.account.posting_rules import LedgerView
    from subgraphs.account.postings import Posting
    from subgraphs.account.settlement import Outcome, RecordedPosting, Settlement

_log = structlog.stdlib.get_logger("account.store")


class LedgerTransaction(Protocol):
    """The reads and writes of one database transaction. Each store implements them."""

    async def recorded(self, transaction_id: str) -> RecordedPosting | None:
        """Return the posting that is recorded under a transaction id, or None."""

    async def hold(self, transaction_id: str) -> Hold | None:
        """Return the hold with this transaction id."""

    async def view(self, posting: Posting, limits: Limits, at: datetime) -> LedgerView:
        """Return the data that the rules need to decide `posting`."""

    async def write_posting(self, posting: Posting, settlement: Settlement, limits: Limits) -> None:
        """Record the outcome under the posting's transaction id, and write entries, accounts, sums and events."""

    async def write_hold(self, change: HoldChange) -> None:
        """Insert or replace the hold of `change`, and write the accounts, sums and events of `change`.

        `change.settlement` is not written here, but by `write_posting`.
        """


async def post(transaction: LedgerTransaction, posting: Posting, limits: Limits, at: datetime) -> tuple[Outcome, bool]:
    """Execute `AccountStore.post`.

    Returns:
        The outcome, and whether anything was written.
    """
    recorded = await transaction.recorded(posting.transaction_id)
    if recorded is not None:
        return repeated(posting, recorded), False
    view = await transaction.view(posting, limits, at)
    # If the order has an active hold, at least one of its accounts has held money. So the hold is looked up only if an
    # account has held money.
    if any(account.held for account in view.customers.values()):
        hold = await transaction.hold(posting.transaction_id)
        if hold is not None:
            _check_same(hold, posting)
            return await _end(transaction, holds.capture(hold, None, view), hold, limits), True
    settlement = settle(posting, view)
    await _write_posting(transaction, posting, settlement, limits)
    return settlement.outcome, True


async def reserve(
    transaction: LedgerTransaction, posting: Posting, expires_at: datetime, limits: Limits, at: datetime
) -> tuple[Hold | Outcome, bool]:
    """Execute `AccountStore.reserve`. The second value says whether anything was written, as for `post`."""
    recorded = await transaction.recorded(posting.transaction_id)
    if recorded is not None:
        return repeated(posting, recorded), False
    hold = await transaction.hold(posting.transaction_id)
    if hold is not None:
        _check_same(hold, posting)
        return hold, False
    change = holds.reserve(posting, expires_at, await transaction.view(posting, limits, at))
    if change.settlement is not None:
        await _write_posting(transaction, posting, change.settlement, limits)
        return change.settlement.outcome, True
    await transaction.write_hold(change)
    assert change.hold is not None  # noqa: S101 - a change has a hold or a settlement
    return change.hold, True


async def capture(
    transaction: LedgerTransaction, transaction_id: str, amount: Decimal | None, limits: Limits, at: datetime
) -> tuple[Outcome | None, bool]:
    """Execute `AccountStore.capture`. The second value says whether anything was written, as for `post`."""
    hold = await transaction.hold(transaction_id)
    if hold is None:
        return None, False
    if hold.status is not HoldStatus.HELD:
        recorded = await transaction.recorded(transaction_id)
        holds.repeated_capture(hold, amount)
        return recorded.outcome if recorded else None, False
    view = await transaction.view(hold.posting, limits, at)
    return await _end(transaction, holds.capture(hold, amount, view), hold, limits), True


async def end(
    transaction: LedgerTransaction, transaction_id: str, status: HoldStatus, limits: Limits, at: datetime
) -> tuple[Hold | None, bool]:
    """End a hold: execute `AccountStore.release`, or let the hold expire if its time has come."""
    hold = await transaction.hold(transaction_id)
    if hold is None or hold.status is not HoldStatus.HELD:
        return hold, False
    if status is HoldStatus.EXPIRED and hold.expires_at > at:
        return hold, False
    change = holds.end(hold, status, await transaction.view(hold.posting, limits, at))
    await _end(transaction, change, hold, limits)
    return change.hold, True


async def _end(transaction: LedgerTransaction, change: HoldChange, hold: Hold, limits: Limits) -> Outcome:
    assert change.settlement is not None  # noqa: S101 - a hold that ends leaves an outcome
    await transaction.write_hold(change)
    await _write_posting(transaction, hold.posting, change.settlement, limits)
    return change.settlement.outcome


async def _write_posting(
    transaction: LedgerTransaction, posting: Posting, settlement: Settlement, limits: Limits
) -> None:
    await transaction.write_posting(posting, settlement, limits)
    if settlement.bound_reached:
        _log.error("ledger bound reached", currency=posting.currency, transaction=posting.transaction_id)


def _check_same(hold: Hold, posting: Posting) -> None:
    if hold.posting.content_hash() != posting.content_hash():
        raise TransactionIdReused
