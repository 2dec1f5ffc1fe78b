"""The store of accounts and the ledger in MongoDB.

The rules decide inside one multi-document transaction with majority write concern, as in the SQLite store. Two
transactions that must not run at the same time write a common document: the account, or the person who acts
(`customers`). MongoDB then lets one of them fail, and the driver's rules repeat it.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final, TypeVar

import structlog
from bson import ObjectId
from pymongo import ASCENDING, DESCENDING

from bank import values
from bank.values import is_object_id
from servicekit.errors import Unavailable
from subgraphs.account import events
from subgraphs.account.domain import OPEN_STATUSES, Account
from subgraphs.account.store import mongo_ledger
from subgraphs.account.store.mongo_documents import (
    account_document,
    changed_fields,
    object_ids,
    to_account,
)
from subgraphs.account.store.mongo_schema import ACCOUNTS, CUSTOMERS, KEYS, MIGRATIONS, POSTINGS
from subgraphs.account.store.protocol import DEFAULT_LIMITS, NUMBER_DRAWS
from subgraphs.kit.keyed_locks import KeyedLocks
from subgraphs.kit.mongo_store import MongoStore

if TYPE_CHECKING:
    from collections.abc import Callable, Collection, Mapping, Sequence
    from datetime import datetime

    from pymongo.asynchronous.client_session import AsyncClientSession

    from subgraphs.account.limits import Limits
    from subgraphs.account.postings import Posting
    from subgraphs.account.settlement import Outcome
    from subgraphs.account.store.protocol import AccountFilter
    from subgraphs.kit.connections import PageRequest
    from subgraphs.kit.mongo import MongoDatabase
    from subgraphs.kit.store_factory import Clock

R = TypeVar("R")

# How many owners of accounts a process remembers. The owner of an account never changes.
_REMEMBERED_OWNERS: Final = 100_000

_log = structlog.stdlib.get_logger("account.store")


class MongoAccountStore(MongoStore):
    """The `AccountStore` in one MongoDB database."""

    migrations = MIGRATIONS

    def __init__(self, database: MongoDatabase, *, clock: Clock = values.now) -> None:
        super().__init__(database, clock=clock)
        self._accounts = database.collection(ACCOUNTS)
        self._keys = database.collection(KEYS)
        self._customers = database.collection(CUSTOMERS)
        self._postings = database.collection(POSTINGS)
        self._locks = KeyedLocks()
        self._owners: dict[str, str] = {}

    async def by_ids(self, ids: Collection[str]) -> Mapping[str, Account]:
        with self._database.failures():
            return await self._by_ids(ids)

    async def by_numbers(self, numbers: Collection[str]) -> Mapping[str, Account]:
        with self._database.failures():
            keys = await self._keys.find({"_id": {"$in": list(numbers)}}).to_list()
            found = await self._by_ids([str(key["accountId"]) for key in keys])
        return {account.number: account for account in found.values()}

    async def _by_ids(self, ids: Collection[str], session: AsyncClientSession | None = None) -> dict[str, Account]:
        """Return accounts by id. The query contains the owners, by which the collection is sharded."""
        owners = await self._owners_of(ids, session)
        if not owners:
            return {}
        query = {"_id": {"$in": object_ids(owners)}, "userId": {"$in": sorted(set(owners.values()))}}
        found = await self._accounts.find(query, session=session).to_list()
        return {str(document["_id"]): to_account(document) for document in found}

    async def _owners_of(self, ids: Collection[str], session: AsyncClientSession | None) -> dict[str, str]:
        """Return the owners of accounts by id. Ids of accounts that do not exist are left out."""
        known = {account_id: self._owners[account_id] for account_id in ids if account_id in self._owners}
        unknown = [account_id for account_id in ids if account_id not in known]
        if unknown:
            rows = await self._keys.find({"_id": {"$in": object_ids(unknown)}}, session=session).to_list()
            found = {str(row["_id"]): str(row["userId"]) for row in rows}
            self._remember_owners(found)
            known |= found
        return known

    def _remember_owners(self, owners: Mapping[str, str]) -> None:
        if len(self._owners) + len(owners) > _REMEMBERED_OWNERS:
            self._owners.clear()
        self._owners |= owners

    async def page(self, wanted: AccountFilter, page: PageRequest) -> Sequence[Account]:
        return await self._page(_conditions(wanted, page), page)

    async def _page(self, query: Mapping[str, Any], page: PageRequest) -> list[Account]:
        direction = DESCENDING if page.backwards else ASCENDING
        with self._database.failures():
            found = await self._accounts.find(query).sort("_id", direction).limit(page.limit + 1).to_list()
        return [to_account(document) for document in found]

    async def count(self, wanted: AccountFilter) -> int:
        with self._database.failures():
            return await self._accounts.count_documents(_conditions(wanted))

    async def pages_of(
        self, owners: Collection[str], wanted: AccountFilter, page: PageRequest
    ) -> Mapping[str, Sequence[Account]]:
        query = _conditions(wanted, page, owners)
        if len(owners) == 1:
            accounts = await self._page(query, page)
            return {accounts[0].user_id: accounts} if accounts else {}
        order = {"_id": DESCENDING if page.backwards else ASCENDING}
        steps: list[Mapping[str, Any]] = [
            {"$match": query},
            {
                "$setWindowFields": {
                    "partitionBy": "$userId",
                    "sortBy": order,
                    "output": {"position": {"$documentNumber": {}}},
                }
            },
            {"$match": {"position": {"$lte": page.limit + 1}}},
            {"$sort": {"userId": ASCENDING, "position": ASCENDING}},
        ]
        pages: dict[str, list[Account]] = {}
        with self._database.failures():
            async for document in await self._accounts.aggregate(steps):
                pages.setdefault(document["userId"], []).append(to_account(document))
        return pages

    async def counts_of(self, owners: Collection[str], wanted: AccountFilter) -> Mapping[str, int]:
        steps = [
            {"$match": _conditions(wanted, owners=owners)},
            {"$group": {"_id": "$userId", "accounts": {"$sum": 1}}},
        ]
        with self._database.failures():
            return {row["_id"]: row["accounts"] async for row in await self._accounts.aggregate(steps)}

    async def open(self, user_id: str, rule: Callable[[int], Account | R]) -> Account | R:
        async def insert(session: AsyncClientSession) -> tuple[Account | R, int]:
            # Two openings by one person both write the person's document, so that they count one after the other.
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

        async with self._locks.hold([user_id]):
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
        async def replace(session: AsyncClientSession) -> tuple[Account | R, int]:
            current = (await self._by_ids([account_id], session)).get(account_id)
            changed = rule(current)
            if not isinstance(changed, Account) or changed == current:
                return changed, 0
            await self._accounts.update_one(
                {"userId": changed.user_id, "_id": ObjectId(changed.id)},
                {"$set": changed_fields(changed)},
                session=session,
            )
            made = events.of_change(current, changed)
            await self._append_events(((event, changed.version) for event in made), session)
            return changed, 1

        async with self._locks.hold([account_id]):
            return await self._changing(replace)

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
        with self._database.failures():
            customer = await self._customers.find_one({"_id": user_id}, ["wrongReceivers"])
        return mongo_ledger.wrong_receivers(customer, at)

    async def post(self, posting: Posting, limits: Limits = DEFAULT_LIMITS) -> Outcome:
        ledger = mongo_ledger.MongoLedger(self._database, self._by_ids, self._append_events)

        async def settle(session: AsyncClientSession) -> tuple[Outcome, int]:
            return await ledger.post(posting, limits, self._clock(), session)

        async with self._locks.hold([posting.on_behalf_of.user_id, *posting.customer_ids()]):
            return await self._changing(settle)


def _conditions(
    wanted: AccountFilter, page: PageRequest | None = None, owners: Collection[str] | None = None
) -> dict[str, Any]:
    """Return a filter of the collection of customers' accounts."""
    query: dict[str, Any] = {}
    lists = {"status": wanted.statuses, "type": wanted.types, "currency": wanted.currencies, "userId": owners}
    for name, allowed in lists.items():
        if allowed is not None:
            query[name] = {"$in": [str(value) for value in allowed]}
    bounds = {
        operator: ObjectId(key[0])
        for operator, key in (("$gt", page and page.after), ("$lt", page and page.before))
        if key
    }
    return {**query, "_id": bounds} if bounds else query
