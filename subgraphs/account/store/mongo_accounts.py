"""Reads customers' accounts from MongoDB. They are sharded by their owner, so each query contains the owners."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Any, Final

from bson import ObjectId
from pymongo import ASCENDING, DESCENDING

from bank import values
from subgraphs.account.domain import AccountStatus, AccountType
from subgraphs.account.store.mongo_documents import Document, object_ids, to_account
from subgraphs.account.store.mongo_schema import ACCOUNTS, KEYS
from subgraphs.kit.batched_reads import BatchedReads
from subgraphs.kit.mongo import OPERATION_SECONDS
from subgraphs.kit.mongo_store import MongoStore

if TYPE_CHECKING:
    from collections.abc import Collection, Mapping, Sequence

    from pymongo.asynchronous.client_session import AsyncClientSession

    from subgraphs.account.domain import Account
    from subgraphs.account.store.protocol import AccountFilter
    from subgraphs.kit.mongo import MongoDatabase
    from subgraphs.kit.pages import PageRequest
    from subgraphs.kit.store_factory import Clock

# How many owners of accounts a process remembers. The owner of an account never changes.
_REMEMBERED_OWNERS: Final = 100_000


class MongoAccountLists(MongoStore):
    """The part of the `AccountStore` that reads accounts."""

    def __init__(self, database: MongoDatabase, *, clock: Clock = values.now) -> None:
        super().__init__(database, clock=clock)
        self._accounts = database.collection(ACCOUNTS)
        self._keys = database.collection(KEYS)
        self._owners: dict[str, str] = {}
        self._by_id = BatchedReads(self._read_by_id, OPERATION_SECONDS)

    async def by_ids(self, ids: Collection[str]) -> Mapping[str, Account]:
        return {account_id: to_account(document) for account_id, document in (await self._by_id.get(ids)).items()}

    async def _read_by_id(self, ids: Collection[str]) -> dict[str, Document]:
        with self._database.failures():
            return await self.documents_by_ids(ids, None)

    async def by_numbers(self, numbers: Collection[str]) -> Mapping[str, Account]:
        with self._database.failures():
            keys = await self._keys.find({"_id": {"$in": list(numbers)}}).to_list()
            found = await self.accounts_by_ids([str(key["accountId"]) for key in keys])
        return {account.number: account for account in found.values()}

    async def accounts_by_ids(
        self, ids: Collection[str], session: AsyncClientSession | None = None
    ) -> dict[str, Account]:
        """Return accounts by id, in the transaction of `session` if it is given."""
        found = await self.documents_by_ids(ids, session)
        return {account_id: to_account(document) for account_id, document in found.items()}

    async def documents_by_ids(self, ids: Collection[str], session: AsyncClientSession | None) -> dict[str, Document]:
        """Return accounts by id. The collection is sharded by the owner, so the query contains the owners."""
        owners = await self._owners_of(ids, session)
        if not owners:
            return {}
        query = {"_id": {"$in": object_ids(owners)}, "userId": {"$in": sorted(set(owners.values()))}}
        found = await self._accounts.find(query, session=session).to_list()
        return {str(document["_id"]): document for document in found}

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
        return await self._page(_conditions(_by_index(wanted), page), page)

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


def _by_index(wanted: AccountFilter) -> AccountFilter:
    """Return the same filter with a condition on each leading field of the index that the list can use.

    The server reads a range of the index for each combination of their values, in the order of the list. So a page with
    few accounts among many others takes no longer than the first page of all accounts.
    """
    if wanted.statuses is None and wanted.types is None and wanted.currencies is None:
        return wanted
    statuses, types = wanted.statuses, wanted.types
    return replace(
        wanted,
        statuses=tuple(AccountStatus) if statuses is None else statuses,
        types=tuple(AccountType) if types is None else types,
    )


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
