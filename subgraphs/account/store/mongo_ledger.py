"""One transaction in MongoDB: reads what the rules of the ledger need, and writes what they decide."""

from __future__ import annotations

from decimal import Decimal
from typing import TYPE_CHECKING, Any, Final

from bson import ObjectId
from pymongo import UpdateOne

from bank.values import parse_timestamp, to_minor_units
from subgraphs.account import events
from subgraphs.account.hash_chain import ChainedEntry, Line, lines_of
from subgraphs.account.posting_rules import WRONG_RECEIVER_WINDOW, LedgerView, Movement
from subgraphs.account.postings import InternalAccount, Posting
from subgraphs.account.settlement import names_wrong_receiver
from subgraphs.account.store.mongo_documents import (
    Document,
    balance_fields,
    hold_document,
    internal_account_id,
    link_document,
    money,
    moved_fields,
    posting_document,
    to_account,
    to_hold,
    to_link,
    to_moved,
    to_recorded,
)
from subgraphs.account.store.mongo_schema import ACCOUNTS, CUSTOMERS, ENTRIES, HOLDS, POSTINGS

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable, Collection, Iterable, Mapping
    from datetime import datetime

    from pymongo.asynchronous.client_session import AsyncClientSession

    from subgraphs.account.domain import Account
    from subgraphs.account.holds import Hold, HoldChange
    from subgraphs.account.limits import Limits
    from subgraphs.account.settlement import RecordedPosting, Settlement
    from subgraphs.kit.hash_chain import ChainKey, Link
    from subgraphs.kit.mongo import MongoDatabase
    from subgraphs.kit.outbox import Event

# A person's document keeps at least this number of refusals for wrong receivers. Older refusals are removed.
_KEPT_REFUSALS: Final = 1000


def wrong_receivers(customer: Mapping[str, Any] | None, at: datetime) -> list[datetime]:
    """Return what `AccountStore.wrong_receivers` returns, from the person's document in `customers`."""
    times: list[datetime] = (customer or {}).get("wrongReceivers", [])
    return sorted(time for time in times if abs(time - at) < WRONG_RECEIVER_WINDOW)


class MongoLedgerTransaction:
    """The `LedgerTransaction` of a session whose transaction has begun.

    Args:
        database: the store's database.
        session: the session.
        key: the key of the hash chains.
        accounts_by_ids: returns documents of accounts by id, in a transaction.
        append_events: writes events to the outbox, in a transaction.
    """

    def __init__(
        self,
        database: MongoDatabase,
        session: AsyncClientSession,
        key: ChainKey,
        accounts_by_ids: Callable[[Collection[str], AsyncClientSession], Awaitable[dict[str, Document]]],
        append_events: Callable[[Iterable[tuple[Event, int]], AsyncClientSession], Awaitable[None]],
    ) -> None:
        self._accounts = database.collection(ACCOUNTS)
        self._customers = database.collection(CUSTOMERS)
        self._entries = database.collection(ENTRIES)
        self._holds = database.collection(HOLDS)
        self._postings = database.collection(POSTINGS)
        self._session = session
        self._key = key
        self._accounts_by_ids = accounts_by_ids
        self._append_events = append_events
        # Maps the id of each account that `view` has read to the last link of the account's chain.
        self._links: dict[str, Link] = {}

    async def recorded(self, transaction_id: str) -> RecordedPosting | None:
        found = await self._postings.find_one({"_id": ObjectId(transaction_id)}, session=self._session)
        return None if found is None else to_recorded(found)

    async def hold(self, transaction_id: str) -> Hold | None:
        found = await self._holds.find_one({"_id": ObjectId(transaction_id)}, session=self._session)
        return None if found is None else to_hold(found)

    async def view(self, posting: Posting, limits: Limits, at: datetime) -> LedgerView:
        person = posting.on_behalf_of.user_id
        customer = await self._customers.find_one({"_id": person}, session=self._session) or {"_id": person}
        documents = await self._accounts_by_ids(posting.customer_ids(), self._session)
        self._links |= {account_id: to_link(document) for account_id, document in documents.items()}
        return LedgerView(
            at=at,
            customers={account_id: to_account(document) for account_id, document in documents.items()},
            limits=limits,
            moved=to_moved(customer, posting.currency, posting.direction),
            wrong_receivers=len(wrong_receivers(customer, at)),
        )

    async def write_posting(self, posting: Posting, settlement: Settlement, limits: Limits) -> None:
        # Documents that other transactions may write, too, are written first, so that a conflict is noticed early.
        rows, links = self._entry_documents(posting, settlement)
        if settlement.accounts:
            updates = [_update(account, links[account.id]) for account in settlement.accounts]
            await self._accounts.bulk_write(updates, session=self._session)
        update: Document = {"$set": moved_fields(settlement.moved)} if settlement.moved else {}
        if not settlement.outcome.posted:
            # A hold and a refusal with the same transaction id must not both be made. So both write the person's
            # document, which causes a conflict.
            update["$inc"] = {"refusals": 1}
        if names_wrong_receiver(posting, settlement.outcome):
            kept = max(_KEPT_REFUSALS, 2 * limits.receiver_tries)
            refused = {"$each": [parse_timestamp(settlement.outcome.decided_at)], "$slice": -kept}
            update["$push"] = {"wrongReceivers": refused}
        await self._update_customer(posting, update)
        await self._postings.insert_one(posting_document(posting, settlement.outcome), session=self._session)
        if rows:
            await self._entries.insert_many(rows, session=self._session)
        versions = {account.id: account.version for account in settlement.accounts}
        made = events.of_settlement(posting, settlement)
        await self._append_events(((event, versions[event.subject]) for event in made), self._session)

    async def _update_customer(self, posting: Posting, update: Document) -> None:
        if update:
            person = {"_id": posting.on_behalf_of.user_id}
            await self._customers.update_one(person, update, upsert=True, session=self._session)

    def _entry_documents(self, posting: Posting, settlement: Settlement) -> tuple[list[Document], dict[str, Link]]:
        """Return the documents of the entries, and a map from each account's id to the new last link of its chain."""
        rows, links = [], {}
        lines = lines_of(settlement.movements)
        for line, movement in enumerate(settlement.movements):
            account = movement.account
            row = _entry(posting, movement, line)
            row["postedAt"] = parse_timestamp(settlement.outcome.decided_at)
            if isinstance(account, InternalAccount):
                row["accountId"] = internal_account_id(account.name, movement.currency, posting.transaction_id)
                row["internalName"] = account.name
            else:
                row["accountId"] = ObjectId(account.id)
                row["balanceAfter"] = money(movement.balance_after or Decimal(0), movement.currency)
                chained = _chained(posting, settlement, movement, lines, line)
                links[account.id] = self._key.next(self._links[account.id], chained)
                row |= link_document(links[account.id])
            rows.append(row)
        return rows, links

    async def write_hold(self, change: HoldChange) -> None:
        hold = change.hold
        if hold is None:
            return
        for account in change.accounts:
            await self._accounts.bulk_write([_update(account, None)], session=self._session)
        moved = {"$set": moved_fields(change.moved)} if change.moved else {}
        await self._update_customer(hold.posting, moved)
        document = hold_document(hold)
        if hold.ended_at is None:
            await self._holds.insert_one(document, session=self._session)
        else:
            await self._holds.replace_one({"_id": document["_id"]}, document, session=self._session)
        made = ((events.of_hold(hold, account), account.version) for account in change.accounts)
        await self._append_events(made, self._session)


def _update(account: Account, link: Link | None) -> UpdateOne:
    fields = balance_fields(account)
    if link is not None:
        fields["chain"] = link_document(link)
    return UpdateOne({"userId": account.user_id, "_id": ObjectId(account.id)}, {"$set": fields})


def _entry(posting: Posting, movement: Movement, line: int) -> Document:
    row: Document = {
        "_id": ObjectId(),
        "transactionId": ObjectId(posting.transaction_id),
        "line": line,
        "currency": movement.currency,
        "amount": money(movement.amount, movement.currency),
    }
    return row if movement.released is None else {**row, "released": money(movement.released, movement.currency)}


def _chained(
    posting: Posting, settlement: Settlement, movement: Movement, lines: tuple[Line, ...], line: int
) -> ChainedEntry:
    return ChainedEntry(
        posting.transaction_id,
        settlement.outcome.decided_at,
        movement.currency,
        to_minor_units(movement.balance_after or Decimal(0), movement.currency),
        lines,
        line,
    )
