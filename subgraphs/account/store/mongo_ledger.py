"""One transaction in MongoDB: reads what the rules of the ledger need, and writes what they decide.

A transaction has a group of operations (`subgraphs.kit.mongo_groups`). What they write is kept here, so that the next
operation of the group sees it, and is sent at the end, with one command for each collection.
"""

from __future__ import annotations

from decimal import Decimal
from typing import TYPE_CHECKING, Any, Final

from bson import ObjectId
from pymongo import InsertOne, ReplaceOne, UpdateOne

from bank.values import parse_timestamp, to_minor_units
from subgraphs.account import events
from subgraphs.account.hash_chain import ChainedEntry, Line, lines_of
from subgraphs.account.posting_rules import WRONG_RECEIVER_WINDOW, LedgerView, Movement
from subgraphs.account.postings import InternalAccount, Posting
from subgraphs.account.settlement import RecordedPosting, names_wrong_receiver
from subgraphs.account.store.mongo_documents import (
    Document,
    balance_fields,
    changed_fields,
    hold_document,
    internal_account_id,
    link_document,
    money,
    moved_fields,
    posting_document,
    to_moved,
    with_moved,
)
from subgraphs.account.store.mongo_ledger_unit import MongoLedgerUnit

if TYPE_CHECKING:
    from collections.abc import Mapping
    from datetime import datetime

    from subgraphs.account.domain import Account
    from subgraphs.account.holds import Hold, HoldChange
    from subgraphs.account.limits import Limits
    from subgraphs.account.settlement import Settlement
    from subgraphs.kit.hash_chain import Link

# A person's document keeps at least this number of refusals for wrong receivers. Older refusals are removed.
_KEPT_REFUSALS: Final = 1000


def wrong_receivers(customer: Mapping[str, Any] | None, at: datetime) -> list[datetime]:
    """Return what `AccountStore.wrong_receivers` returns, from the person's document in `customers`."""
    times: list[datetime] = (customer or {}).get("wrongReceivers", [])
    return sorted(time for time in times if abs(time - at) < WRONG_RECEIVER_WINDOW)


class MongoLedgerTransaction(MongoLedgerUnit):
    """The `LedgerTransaction` of a session whose transaction has begun."""

    async def recorded(self, transaction_id: str) -> RecordedPosting | None:
        await self._load_recorded([transaction_id])
        return self._state.recorded[transaction_id]

    async def hold(self, transaction_id: str) -> Hold | None:
        await self._load_holds([transaction_id])
        return self._state.holds[transaction_id]

    async def account(self, account_id: str) -> Account | None:
        await self._load_accounts([account_id])
        return self._state.accounts[account_id]

    async def view(self, posting: Posting, limits: Limits, at: datetime) -> LedgerView:
        person, ids = posting.on_behalf_of.user_id, posting.customer_ids()
        await self._load_persons([person])
        await self._load_accounts(ids)
        found = ((each, self._state.accounts[each]) for each in ids)
        customer = self._state.persons[person]
        return LedgerView(
            at=at,
            customers={account_id: account for account_id, account in found if account is not None},
            limits=limits,
            moved=to_moved(customer, posting.currency, posting.direction),
            wrong_receivers=len(wrong_receivers(customer, at)),
        )

    async def write_posting(self, posting: Posting, settlement: Settlement, limits: Limits) -> None:
        state = self._state
        rows, links = self._entry_documents(posting, settlement)
        for account in settlement.accounts:
            chain = {"chain": link_document(links[account.id])}
            self._set_account(account, {**balance_fields(account), **chain})
        state.links |= links
        update: Document = {"$set": moved_fields(settlement.moved)} if settlement.moved else {}
        if not settlement.outcome.posted:
            # A hold and a refusal with the same transaction id must not both be made. So both write the person's
            # document, which causes a conflict.
            update["$inc"] = {"refusals": 1}
        if names_wrong_receiver(posting, settlement.outcome):
            kept = max(_KEPT_REFUSALS, 2 * limits.receiver_tries)
            refused = {"$each": [parse_timestamp(settlement.outcome.decided_at)], "$slice": -kept}
            update["$push"] = {"wrongReceivers": refused}
        self._update_customer(posting, update)
        state.postings.append(posting_document(posting, settlement.outcome))
        state.recorded[posting.transaction_id] = RecordedPosting(posting.content_hash(), settlement.outcome)
        state.entries += rows
        versions = {account.id: account.version for account in settlement.accounts}
        state.events += [(event, versions[event.subject]) for event in events.of_settlement(posting, settlement)]

    def change_account(self, before: Account, after: Account) -> None:
        """Write a change by a person, with its event."""
        self._set_account(after, changed_fields(after))
        self._state.events += [(event, after.version) for event in events.of_change(before, after)]

    def _set_account(self, account: Account, changed: Document) -> None:
        self._state.accounts[account.id] = account
        self._state.account_fields[account.id] = {**self._state.account_fields.get(account.id, {}), **changed}

    def _update_customer(self, posting: Posting, update: Document) -> None:
        if not update:
            return
        person = posting.on_behalf_of.user_id
        self._state.person_updates.append(UpdateOne({"_id": person}, update, upsert=True))
        after = with_moved(self._state.persons[person], update.get("$set", {}))
        refused = update.get("$push", {}).get("wrongReceivers")
        if refused is not None:
            times = [*after.get("wrongReceivers", ()), *refused["$each"]]
            after = {**after, "wrongReceivers": times[refused["$slice"] :]}
        self._state.persons[person] = after

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
                links[account.id] = self._key.next(self._state.links[account.id], chained)
                row |= link_document(links[account.id])
            rows.append(row)
        return rows, links

    async def write_hold(self, change: HoldChange) -> None:
        hold = change.hold
        if hold is None:
            return
        for account in change.accounts:
            self._set_account(account, balance_fields(account))
        self._update_customer(hold.posting, {"$set": moved_fields(change.moved)} if change.moved else {})
        document = hold_document(hold)
        is_new = hold.ended_at is None
        write = InsertOne(document) if is_new else ReplaceOne({"_id": document["_id"]}, document)
        self._state.hold_writes.append(write)
        self._state.holds[hold.id] = hold
        self._state.events += [(events.of_hold(hold, account), account.version) for account in change.accounts]


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
