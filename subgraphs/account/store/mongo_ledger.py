"""Postings in MongoDB: reads what the rules need, and writes what they decide, in the caller's transaction."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

import structlog
from bson import ObjectId
from pymongo import UpdateOne

from bank.values import from_minor_units, parse_timestamp
from subgraphs.account import events
from subgraphs.account.limits import day_of, next_day
from subgraphs.account.posting_rules import WRONG_RECEIVER_WINDOW, LedgerView
from subgraphs.account.postings import InternalAccount, Posting
from subgraphs.account.settlement import names_wrong_receiver, repeated, settle
from subgraphs.account.store.mongo_documents import (
    Document,
    internal_account_id,
    money,
    posted_fields,
    posting_document,
    to_recorded,
)
from subgraphs.account.store.mongo_schema import ACCOUNTS, CUSTOMERS, ENTRIES, POSTINGS

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable, Collection, Iterable, Mapping
    from datetime import datetime

    from pymongo.asynchronous.client_session import AsyncClientSession

    from subgraphs.account.domain import Account
    from subgraphs.account.limits import Limits
    from subgraphs.account.settlement import Outcome, Settlement
    from subgraphs.kit.mongo import MongoDatabase
    from subgraphs.kit.outbox import Event

# A person's document keeps at least this many refusals.
_KEPT_REFUSALS: Final = 1000

_log = structlog.stdlib.get_logger("account.store")


def wrong_receivers(customer: Mapping[str, Any] | None, at: datetime) -> list[datetime]:
    """Return the times in a document of `customers` that `AccountStore.wrong_receivers` returns."""
    times: list[datetime] = (customer or {}).get("wrongReceivers", [])
    return sorted(time for time in times if abs(time - at) < WRONG_RECEIVER_WINDOW)


class MongoLedger:
    """The reading and writing of postings.

    Args:
        database: the store's database.
        accounts_by_ids: returns accounts by id, in a transaction.
        append_events: writes events to the outbox, in a transaction.
    """

    def __init__(
        self,
        database: MongoDatabase,
        accounts_by_ids: Callable[[Collection[str], AsyncClientSession], Awaitable[dict[str, Account]]],
        append_events: Callable[[Iterable[tuple[Event, int]], AsyncClientSession], Awaitable[None]],
    ) -> None:
        self._accounts = database.collection(ACCOUNTS)
        self._customers = database.collection(CUSTOMERS)
        self._entries = database.collection(ENTRIES)
        self._postings = database.collection(POSTINGS)
        self._accounts_by_ids = accounts_by_ids
        self._append_events = append_events

    async def post(
        self, posting: Posting, limits: Limits, at: datetime, session: AsyncClientSession
    ) -> tuple[Outcome, int]:
        """Decide and write `posting`. Return the outcome and the number of changes."""
        recorded = await self._postings.find_one({"_id": ObjectId(posting.transaction_id)}, session=session)
        if recorded is not None:
            return repeated(posting, to_recorded(recorded)), 0
        settlement = settle(posting, await self._view(posting, limits, at, session))
        await self._write(posting, settlement, limits, session)
        if settlement.bound_reached:
            _log.error("ledger bound reached", currency=posting.currency, transaction=posting.transaction_id)
        return settlement.outcome, 1

    async def _view(self, posting: Posting, limits: Limits, at: datetime, session: AsyncClientSession) -> LedgerView:
        customer = await self._customers.find_one({"_id": posting.on_behalf_of.user_id}, session=session)
        moved = (customer or {}).get("moved", {}).get(posting.currency, {}).get(posting.direction.value)
        # See the SQLite store: the sum of the next day counts if the clock was set back over midnight.
        counts = moved is not None and moved["day"] in {day_of(at), next_day(day_of(at))}
        return LedgerView(
            at=at,
            customers=await self._accounts_by_ids(posting.customer_ids(), session),
            limits=limits,
            moved_today=moved["amount"].to_decimal() if counts else from_minor_units(0, posting.currency),
            wrong_receivers=len(wrong_receivers(customer, at)),
        )

    async def _write(
        self, posting: Posting, settlement: Settlement, limits: Limits, session: AsyncClientSession
    ) -> None:
        # The documents that other transactions may write, too, come first, so that a conflict is noticed early.
        if settlement.accounts:
            await self._accounts.bulk_write([_update(account) for account in settlement.accounts], session=session)
        await self._write_customer(posting, settlement, limits, session)
        await self._postings.insert_one(posting_document(posting, settlement.outcome), session=session)
        if settlement.movements:
            await self._entries.insert_many(_entries(posting, settlement), session=session)
        versions = {account.id: account.version for account in settlement.accounts}
        made = events.of_settlement(posting, settlement)
        await self._append_events(((event, versions[event.subject]) for event in made), session)

    async def _write_customer(
        self, posting: Posting, settlement: Settlement, limits: Limits, session: AsyncClientSession
    ) -> None:
        update: Document = {}
        if settlement.day_sum is not None:
            moved = settlement.day_sum
            sums = {"day": moved.day, "amount": money(moved.amount, moved.currency)}
            update = {"$set": {f"moved.{moved.currency}.{moved.direction.value}": sums}}
        elif names_wrong_receiver(posting, settlement.outcome):
            kept = max(_KEPT_REFUSALS, 2 * limits.receiver_tries)
            refused = {"$each": [parse_timestamp(settlement.outcome.decided_at)], "$slice": -kept}
            update = {"$push": {"wrongReceivers": refused}}
        if update:
            await self._customers.update_one(
                {"_id": posting.on_behalf_of.user_id}, update, upsert=True, session=session
            )


def _update(account: Account) -> UpdateOne:
    return UpdateOne({"userId": account.user_id, "_id": ObjectId(account.id)}, {"$set": posted_fields(account)})


def _entries(posting: Posting, settlement: Settlement) -> list[Document]:
    rows = []
    for line, movement in enumerate(settlement.movements):
        account = movement.account
        row: Document = {
            "_id": ObjectId(),
            "transactionId": ObjectId(posting.transaction_id),
            "line": line,
            "currency": posting.currency,
            "amount": money(movement.amount, posting.currency),
            "postedAt": parse_timestamp(settlement.outcome.decided_at),
        }
        if isinstance(account, InternalAccount):
            row["accountId"] = internal_account_id(account.name, posting.currency, posting.transaction_id)
            row["internalName"] = account.name
        else:
            row["accountId"] = ObjectId(account.id)
        if movement.balance_after is not None:
            row["balanceAfter"] = money(movement.balance_after, posting.currency)
        rows.append(row)
    return rows
