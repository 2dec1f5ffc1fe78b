"""The store of accounts and the ledger in MongoDB.

The rules decide inside one multi-document transaction with majority write concern, as in the SQLite store. Two
transactions that must not run at the same time write a common document: the account, or the document of the acting
person (`customers`). MongoDB then aborts one of them, and it runs again.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Self, TypeVar

import structlog
from bson import ObjectId
from pymongo import ASCENDING, ReturnDocument

from bank import values
from bank.values import is_object_id
from servicekit.errors import Unavailable
from subgraphs.account import events
from subgraphs.account.domain import OPEN_STATUSES, Account
from subgraphs.account.holds import HoldStatus
from subgraphs.account.store import ledger_operations
from subgraphs.account.store.hash_chain_key import check_key
from subgraphs.account.store.mongo_cache_epochs import MongoCacheEpochs
from subgraphs.account.store.mongo_documents import (
    Document,
    account_document,
    object_ids,
    to_hold,
)
from subgraphs.account.store.mongo_exports import MongoExports
from subgraphs.account.store.mongo_ledger import MongoLedgerTransaction, wrong_receivers
from subgraphs.account.store.mongo_ledger_check import MongoLedgerCheck
from subgraphs.account.store.mongo_ledger_unit import LedgerNeeds
from subgraphs.account.store.mongo_migrations import MIGRATIONS
from subgraphs.account.store.mongo_schema import CHAIN_KEY, CUSTOMERS, HOLDS, POSTINGS
from subgraphs.account.store.protocol import DEFAULT_LIMITS, NUMBER_DRAWS
from subgraphs.kit.batched_reads import BatchedReads
from subgraphs.kit.mongo import OPERATION_SECONDS
from subgraphs.kit.mongo_groups import MongoGroups

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable, Collection, Sequence
    from datetime import datetime
    from decimal import Decimal

    from pymongo.asynchronous.client_session import AsyncClientSession

    from subgraphs.account.holds import Hold
    from subgraphs.account.limits import Limits
    from subgraphs.account.postings import Posting
    from subgraphs.account.settlement import Outcome
    from subgraphs.account.store.ledger_report import LedgerReport
    from subgraphs.kit.hash_chain import ChainKey
    from subgraphs.kit.mongo import MongoDatabase
    from subgraphs.kit.store_factory import Clock, StoreAddress

R = TypeVar("R")

_log = structlog.stdlib.get_logger("account.store")


class MongoAccountStore(MongoExports, MongoCacheEpochs):
    """The `AccountStore` in one MongoDB database."""

    migrations = MIGRATIONS
    _key: ChainKey

    @classmethod
    async def open_chained(cls, address: StoreAddress, key: ChainKey, clock: Clock) -> Self:
        """Open the database of `address` (see `open_at`).

        Raises:
            StartupError: see `open_at`; or the chains of the database were made with another key.
        """
        store = await cls.open_at(address, clock)
        try:
            await store.chain_with(key)
        except BaseException:
            await store.close()
            raise
        return store

    async def chain_with(self, key: ChainKey) -> None:
        """Use `key` for the hash chains. Raises StartupError if the chains were made with another key."""
        self._key = key
        keys = self._database.collection(CHAIN_KEY)
        with self._database.failures():
            known = await keys.find_one_and_update(
                {"_id": "key"}, {"$setOnInsert": {"id": key.id}}, upsert=True, return_document=ReturnDocument.AFTER
            )
        check_key([(known or {})["id"]], key, self._database.name)

    def __init__(self, database: MongoDatabase, *, clock: Clock = values.now) -> None:
        super().__init__(database, clock=clock)
        self._customers = database.collection(CUSTOMERS)
        self._holds = database.collection(HOLDS)
        self._postings = database.collection(POSTINGS)
        self._groups = MongoGroups(self._changing, self._new_ledger)
        self._refusals = BatchedReads(self._read_refusals, OPERATION_SECONDS)

    async def open(self, user_id: str, rule: Callable[[int], Account | R]) -> Account | R:
        async def insert(session: AsyncClientSession) -> tuple[Account | R, int]:
            # Each opening writes the person's document. So two openings by the same person conflict, and the second one
            # counts the account of the first one.
            await self._customers.update_one({"_id": user_id}, {"$inc": {"openings": 1}}, upsert=True, session=session)
            open_accounts = {"userId": user_id, "status": {"$in": [status.value for status in OPEN_STATUSES]}}
            already_open = await self._accounts.count_documents(open_accounts, session=session)
            for _ in range(NUMBER_DRAWS):
                account = rule(already_open)
                if not isinstance(account, Account):
                    return account, 0
                if await self._keys.find_one({"_id": account.number}, session=session) is None:
                    await self._insert(account, session)
                    return account, 1
            _log.error("no free account number found", draws=NUMBER_DRAWS)
            raise Unavailable

        # A group that writes the person's document would conflict with the opening, one group after the other.
        async with self._groups.turn:
            return await self._changing(insert)

    async def _insert(self, account: Account, session: AsyncClientSession) -> None:
        account_id = ObjectId(account.id)
        keys = [
            {"_id": key, "accountId": account_id, "userId": account.user_id} for key in (account_id, account.number)
        ]
        await self._keys.insert_many(keys, session=session)
        await self._accounts.insert_one(account_document(account), session=session)
        await self._append_events(((event, account.version) for event in events.of_change(None, account)), session)

    async def change(self, account_id: str, rule: Callable[[Account | None], Account | R]) -> Account | R:
        async def replace(ledger: MongoLedgerTransaction) -> tuple[Account | R, bool]:
            current = await ledger.account(account_id)
            changed = rule(current)
            if not isinstance(changed, Account) or current is None or changed == current:
                return changed, False
            ledger.change_account(current, changed)
            return changed, True

        return await self._in_ledger(LedgerNeeds(accounts=[account_id]), replace)

    async def check(self, key: ChainKey | None) -> LedgerReport:
        """Check every invariant of the ledger in one snapshot. Without `key`, the hash chains are not checked."""
        async with self._database.snapshot() as session:
            return await MongoLedgerCheck(self._database, session, key).run()

    async def posted_ids(self, *, after: str, limit: int) -> Sequence[str]:
        query: dict[str, Any] = {"outcome": "POSTED"}
        if is_object_id(after):
            query["_id"] = {"$gt": ObjectId(after)}
        with self._database.failures():
            rows = await self._postings.find(query, ["_id"]).sort("_id", ASCENDING).limit(limit).to_list()
        return [str(row["_id"]) for row in rows]

    async def which_posted(self, transaction_ids: Collection[str]) -> frozenset[str]:
        query = {"_id": {"$in": object_ids(transaction_ids)}, "outcome": "POSTED"}
        with self._database.failures():
            rows = await self._postings.find(query, ["_id"]).to_list()
        return frozenset(str(row["_id"]) for row in rows)

    async def wrong_receivers(self, user_id: str, at: datetime) -> Sequence[datetime]:
        return wrong_receivers((await self._refusals.get([user_id])).get(user_id), at)

    async def _read_refusals(self, user_ids: Sequence[str]) -> dict[str, Document]:
        with self._database.failures():
            rows = await self._customers.find({"_id": {"$in": list(user_ids)}}, ["wrongReceivers"]).to_list()
        return {row["_id"]: row for row in rows}

    async def post(self, posting: Posting, limits: Limits = DEFAULT_LIMITS) -> Outcome:
        async def settle(ledger: MongoLedgerTransaction) -> tuple[Outcome, bool]:
            return await ledger_operations.post(ledger, posting, limits, self._clock())

        return await self._in_ledger(_needs(posting), settle)

    async def reserve(self, posting: Posting, expires_at: datetime, limits: Limits = DEFAULT_LIMITS) -> Hold | Outcome:
        async def reserve(ledger: MongoLedgerTransaction) -> tuple[Hold | Outcome, bool]:
            return await ledger_operations.reserve(ledger, posting, expires_at, limits, self._clock())

        return await self._in_ledger(_needs(posting), reserve)

    async def capture(
        self, transaction_id: str, amount: Decimal | None = None, limits: Limits = DEFAULT_LIMITS
    ) -> Outcome | None:
        async def capture(ledger: MongoLedgerTransaction) -> tuple[Outcome | None, bool]:
            return await ledger_operations.capture(ledger, transaction_id, amount, limits, self._clock())

        return await self._in_ledger(LedgerNeeds([transaction_id]), capture)

    async def release(self, transaction_id: str) -> Hold | None:
        return (await self._end(transaction_id, HoldStatus.RELEASED))[0]

    async def _end(self, transaction_id: str, status: HoldStatus) -> tuple[Hold | None, bool]:
        async def end(ledger: MongoLedgerTransaction) -> tuple[tuple[Hold | None, bool], bool]:
            ended = await ledger_operations.end(ledger, transaction_id, status, DEFAULT_LIMITS, self._clock())
            return ended, ended[1]

        return await self._in_ledger(LedgerNeeds([transaction_id]), end)

    async def expire(self, transaction_id: str) -> bool:
        return (await self._end(transaction_id, HoldStatus.EXPIRED))[1]

    async def due_holds(self, *, limit: int) -> Sequence[str]:
        due = {"status": HoldStatus.HELD.value, "expiresAt": {"$lte": self._clock()}}
        with self._database.failures():
            rows = await self._holds.find(due, ["_id"]).sort("expiresAt", ASCENDING).limit(limit).to_list()
        return [str(row["_id"]) for row in rows]

    async def accounts_of_hold(self, transaction_id: str) -> Collection[str]:
        with self._database.failures():
            found = await self._holds.find_one({"_id": ObjectId(transaction_id)})
        return () if found is None else to_hold(found).posting.customer_ids()

    async def _in_ledger(
        self, needs: LedgerNeeds, work: Callable[[MongoLedgerTransaction], Awaitable[tuple[R, bool]]]
    ) -> R:
        async def run(ledger: MongoLedgerTransaction) -> R:
            result, written = await work(ledger)
            if written:
                ledger.count_change()
            return result

        return await self._groups.run(needs, run)

    def _new_ledger(self, session: AsyncClientSession) -> MongoLedgerTransaction:
        return MongoLedgerTransaction(self._database, session, self._key, self.documents_by_ids)


def _needs(posting: Posting) -> LedgerNeeds:
    return LedgerNeeds([posting.transaction_id], [posting.on_behalf_of.user_id], posting.customer_ids())
