"""Transactions, idempotency keys and leases in MongoDB.

An order, its idempotency key and its lease are one document, so a unique index keeps a second order from using the key.
A change of status and its event are one database transaction.
"""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from bson import ObjectId

from bank import values
from bank.values import from_minor_units, is_object_id
from servicekit.errors import Unavailable
from subgraphs.kit.batched_reads import BatchedReads
from subgraphs.kit.mongo import OPERATION_SECONDS
from subgraphs.kit.mongo_groups import MongoGroups
from subgraphs.transaction.domain import OPEN, SETTLED, IllegalTransition, TransactionStatus
from subgraphs.transaction.idempotency import UsedKey, may_be_reused
from subgraphs.transaction.lease import MAX_AHEAD
from subgraphs.transaction.reversal import NotReversible
from subgraphs.transaction.store import mongo_queries as queries
from subgraphs.transaction.store.mongo_documents import (
    SCOPE_FIELDS,
    from_document,
    history_entry,
    key_document,
    lease_document,
    scope_document,
    to_document,
    to_history,
)
from subgraphs.transaction.store.mongo_notifications import MongoNotifications
from subgraphs.transaction.store.mongo_orders import KeyTaken, MongoOrders
from subgraphs.transaction.store.mongo_provider_events import MongoProviderEvents
from subgraphs.transaction.store.mongo_schema import MIGRATIONS
from subgraphs.transaction.store.protocol import Sums

if TYPE_CHECKING:
    from collections.abc import Collection, Mapping, Sequence
    from datetime import datetime
    from typing import Any

    from pymongo.asynchronous.collection import AsyncCollection

    from subgraphs.kit.mongo import Document, MongoDatabase
    from subgraphs.kit.store_factory import Clock
    from subgraphs.transaction.domain import Transaction
    from subgraphs.transaction.idempotency import KeyEntry, KeyScope
    from subgraphs.transaction.lease import Lease
    from subgraphs.transaction.states import StatusChange
    from subgraphs.transaction.store.protocol import Change, Listing, TurnoverRequest


class MongoTransactionStore(MongoProviderEvents, MongoNotifications):
    """The `TransactionStore` in one database of MongoDB."""

    migrations = MIGRATIONS

    def __init__(self, database: MongoDatabase, *, clock: Clock = values.now) -> None:
        super().__init__(database, clock=clock)
        self._groups = MongoGroups(self._changing, lambda session: MongoOrders(database, session))
        self._holders = BatchedReads(self._read_holders, OPERATION_SECONDS)

    @property
    def _transactions(self) -> AsyncCollection[Document]:
        return self._database.collection(queries.COLLECTION)

    async def record(self, transaction: Transaction, key: KeyEntry, lease: Lease | None = None) -> UsedKey | None:
        while True:
            try:
                await self._insert(transaction, key, lease)
            except KeyTaken:
                taken = await self._holder(key.scope)
            except NotReversible:
                taken = await self._holder(key.scope)
                if taken is None:
                    raise
            except Unavailable:
                # The order may have been recorded although the server did not respond. If it was, the key is taken.
                taken = await self._holder(key.scope)
                if taken is None:
                    raise
            else:
                return None
            if taken is None or await self._freed(taken, transaction.created_at):
                continue
            used = _used_key(taken)
            return None if used.transaction.id == transaction.id else used

    async def _insert(self, transaction: Transaction, key: KeyEntry, lease: Lease | None) -> None:
        document = {
            **to_document(transaction),
            "history": [history_entry(transaction, None)],
            "key": key_document(key),
            "lease": lease_document(lease),
        }

        async def insert(orders: MongoOrders) -> None:
            orders.insert(document, transaction)

        await self._groups.run((), insert)

    async def find_key(self, scope: KeyScope, at: datetime) -> UsedKey | None:
        document = await self._holder(scope)
        return None if document is None or self._is_expired(document, at) else _used_key(document)

    async def _holder(self, scope: KeyScope) -> Document | None:
        """Return the document that has the key, even if the key has expired. Return None if no document has it."""
        parts = tuple(scope_document(scope).values())
        return (await self._holders.get([parts])).get(parts)

    async def _read_holders(self, scopes: Sequence[tuple[str, ...]]) -> dict[tuple[str, ...], Document]:
        """Return the documents that have the keys, by the values of `scope_document`."""
        filters = [{f"key.{name}": part for name, part in zip(SCOPE_FIELDS, scope, strict=True)} for scope in scopes]
        with self._database.failures():
            found = await self._transactions.find(filters[0] if len(filters) == 1 else {"$or": filters}).to_list()
        return {tuple(document["key"][name] for name in SCOPE_FIELDS): document for document in found}

    async def _freed(self, holder: Document, at: datetime) -> bool:
        """If the key of the document `holder` has expired, remove it, and return True. Otherwise, return False."""
        if not self._is_expired(holder, at):
            return False
        with self._database.failures():
            await self._transactions.update_one({"_id": holder["_id"], "key": holder["key"]}, {"$unset": {"key": ""}})
        return True

    def _is_expired(self, holder: Document, at: datetime) -> bool:
        # `self._clock` is cautious: it does not follow a clock that jumps ahead. If it did, valid keys would expire,
        # and a repeated order would be executed twice.
        return may_be_reused(holder["key"]["expiresAt"], from_document(holder), min(at, self._clock()))

    async def change(
        self, transaction_id: str, decide: Change, *, by: str | None = None, known: Transaction | None = None
    ) -> Transaction:
        # One read finds all transactions of a group, so a known state would save hardly anything.
        del known

        async def change(orders: MongoOrders) -> Transaction:
            found = orders.find(transaction_id)
            if found is None:
                raise IllegalTransition(f"{transaction_id} does not exist")
            changed = decide(found.transaction)
            if changed != found.transaction:
                orders.replace(found, changed, by)
            return changed

        return await self._groups.run((transaction_id,), change)

    async def histories(self, transaction_ids: Sequence[str]) -> Mapping[str, Sequence[StatusChange]]:
        with self._database.failures():
            wanted = {"_id": {"$in": queries.object_ids(transaction_ids)}}
            found = await self._transactions.find(wanted, projection=["history"]).to_list()
        return {str(document["_id"]): to_history(document) for document in found}

    async def claim(self, transaction_id: str, lease: Lease, at: datetime) -> Transaction | None:
        if not is_object_id(transaction_id):
            return None
        with self._database.failures():
            document = await self._transactions.find_one_and_update(
                {"_id": ObjectId(transaction_id), **claimable(at)}, {"$set": {"lease": lease_document(lease)}}
            )
        return None if document is None else from_document(document)

    async def renew(self, transaction_ids: Collection[str], lease: Lease) -> None:
        with self._database.failures():
            await self._transactions.update_many(
                {"_id": {"$in": queries.object_ids(transaction_ids)}, "lease.owner": lease.owner},
                {"$set": {"lease": lease_document(lease)}},
            )

    async def release(self, transaction_id: str, owner: str) -> None:
        with self._database.failures():
            await self._transactions.update_one(
                {"_id": {"$in": queries.object_ids([transaction_id])}, "lease.owner": owner}, {"$set": {"lease": None}}
            )

    async def unclaimed_ids(self, at: datetime, *, after: str, limit: int) -> Sequence[str]:
        conditions = claimable(at)
        if after:
            conditions["_id"] = {"$gt": ObjectId(after)}
        with self._database.failures():
            found = self._transactions.find(conditions, projection=["_id"]).sort("_id").limit(limit)
            return [str(document["_id"]) for document in await found.to_list()]

    async def delete_expired_keys(self, at: datetime) -> int:
        # The filter is the same condition as idempotency.may_be_reused.
        with self._database.failures():
            result = await self._transactions.update_many(
                {"key.expiresAt": {"$lte": at}, "status": {"$nin": sorted(OPEN)}}, {"$unset": {"key": ""}}
            )
            return result.modified_count

    async def settled_ids(self, *, after: str, limit: int) -> Sequence[str]:
        conditions: Document = {"status": {"$in": sorted(SETTLED)}}
        if after:
            conditions["_id"] = {"$gt": ObjectId(after)}
        with self._database.failures():
            found = self._transactions.find(conditions, projection=["_id"]).sort("_id").limit(limit)
            return [str(document["_id"]) for document in await found.to_list()]

    async def by_ids(self, transaction_ids: Sequence[str]) -> Mapping[str, Transaction]:
        with self._database.failures():
            found = self._transactions.find({"_id": {"$in": queries.object_ids(transaction_ids)}})
            return {str(document["_id"]): from_document(document) for document in await found.to_list()}

    async def listing(self, listing: Listing) -> Sequence[Transaction]:
        return [from_document(document) for document in await self._aggregate(queries.page(listing))]

    async def listing_of_accounts(
        self, account_ids: Sequence[str], listing: Listing
    ) -> Mapping[str, Sequence[Transaction]]:
        pages: dict[str, Sequence[Transaction]] = {account_id: [] for account_id in account_ids}
        with self._database.failures():
            cursor = await self._database.database.aggregate(queries.page_of_accounts(account_ids, listing))
            for found in await cursor.to_list():
                # A transaction from an account to itself is in both branches.
                rows = {str(document["_id"]): from_document(document) for document in found["rows"]}
                in_order = sorted(rows.values(), key=_position, reverse=not listing.page.backwards)
                pages[str(found["_id"])] = in_order[: listing.page.limit + 1]
        return pages

    async def count(self, listing: Listing) -> int:
        with self._database.failures():
            return sum([await self._transactions.count_documents(each) for each in queries.counted_branches(listing)])

    async def count_of_accounts(self, account_ids: Sequence[str], listing: Listing) -> Mapping[str, int]:
        counts = dict.fromkeys(account_ids, 0)
        for pipeline in queries.counts_of_accounts(account_ids, listing):
            for row in await self._aggregate(pipeline):
                counts[str(row["_id"])] += row["count"]
        return counts

    async def turnover(self, account_ids: Sequence[str], request: TurnoverRequest) -> Mapping[tuple[str, str], Sums]:
        sums: dict[tuple[str, str], Sums] = {}
        for side, pipeline in queries.turnovers(account_ids, request).items():
            for row in await self._aggregate(pipeline):
                key = (str(row["_id"]["account"]), row["_id"]["currency"])
                nothing = from_minor_units(0, key[1])
                before = sums.get(key, Sums(nothing, nothing))
                sums[key] = replace(before, **{side: row["sum"].to_decimal()})
        return sums

    async def _aggregate(self, pipeline: queries.Pipeline) -> list[Document]:
        with self._database.failures():
            return await (await self._transactions.aggregate(pipeline)).to_list()


def claimable(at: datetime) -> dict[str, Any]:
    """Return a filter for the transactions that may be claimed. It is the same condition as `lease.may_claim`."""
    return {
        "status": TransactionStatus.PENDING.value,
        "$or": [
            {"lease": None},
            {"lease.expiresAt": {"$lte": at}},
            {"lease.expiresAt": {"$gt": at + MAX_AHEAD}},
        ],
    }


def _position(transaction: Transaction) -> tuple[datetime, str]:
    return transaction.created_at, transaction.id


def _used_key(document: Document) -> UsedKey:
    return UsedKey(document["key"]["fingerprint"], from_document(document))
