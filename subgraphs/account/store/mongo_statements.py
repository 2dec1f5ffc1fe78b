"""Reads the entries of accounts from MongoDB. Each query contains the account, by which entries are sharded."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, Any

from bson import ObjectId
from pymongo import ASCENDING, DESCENDING

from bank.values import is_object_id
from subgraphs.account.statements import LedgerEntry, narrowed
from subgraphs.account.store.mongo_accounts import MongoAccountLists
from subgraphs.account.store.mongo_schema import ENTRIES
from subgraphs.kit.times import from_milliseconds

if TYPE_CHECKING:
    from collections.abc import Collection, Mapping, Sequence
    from datetime import datetime
    from decimal import Decimal

    from subgraphs.account.statements import Period
    from subgraphs.account.store.mongo_documents import Document
    from subgraphs.kit.pages import PageRequest, SortKey

_OLDEST_FIRST = [("postedAt", ASCENDING), ("position", ASCENDING)]
_NEWEST_FIRST = [("postedAt", DESCENDING), ("position", DESCENDING)]


class MongoStatements(MongoAccountLists):
    """The part of the `AccountStore` that reads entries."""

    async def entries(
        self, wanted: Collection[tuple[str, Period]], page: PageRequest
    ) -> Mapping[tuple[str, Period], Sequence[LedgerEntry]]:
        order = _NEWEST_FIRST if page.backwards else _OLDEST_FIRST
        found = self._database.collection(ENTRIES)

        async def of_account(account: str, period: Period) -> list[LedgerEntry]:
            query = _conditions(account, period, page)
            rows = await found.find(query).sort(order).limit(page.limit + 1).to_list()
            return [_to_entry(row) for row in rows]

        asked = [(account, period) for account, period in wanted if is_object_id(account)]
        with self._database.failures():
            pages = await asyncio.gather(*(of_account(account, period) for account, period in asked))
        return dict(zip(asked, pages, strict=True))

    async def last_hashes(self, period: Period) -> Sequence[tuple[str, bytes]]:
        steps: list[Document] = [
            {"$match": {"postedAt": {"$gte": period.begin, "$lt": period.end}, "position": {"$exists": True}}},
            {"$sort": {"accountId": ASCENDING, "position": ASCENDING}},
            {"$group": {"_id": "$accountId", "hash": {"$last": "$hash"}}},
        ]
        with self._database.failures():
            found = await self._database.collection(ENTRIES).aggregate(steps, allowDiskUse=True)
            return [(str(row["_id"]), bytes(row["hash"])) async for row in found]

    async def balances_before(
        self, moments: Collection[tuple[str, datetime]]
    ) -> Mapping[tuple[str, datetime], Decimal]:
        found = self._database.collection(ENTRIES)

        async def last(account: str, moment: datetime) -> list[Document]:
            query = {"accountId": ObjectId(account), "postedAt": {"$lt": moment}}
            return await found.find(query, ["balanceAfter"]).sort(_NEWEST_FIRST).limit(1).to_list()

        asked = [(account, moment) for account, moment in moments if is_object_id(account)]
        with self._database.failures():
            rows = await asyncio.gather(*(last(account, moment) for account, moment in asked))
        return {key: row[0]["balanceAfter"].to_decimal() for key, row in zip(asked, rows, strict=True) if row}


def _conditions(account: str, period: Period, page: PageRequest) -> Document:
    part = narrowed(period, page)
    query: Document = {"accountId": ObjectId(account), "postedAt": {"$gte": part.begin, "$lt": part.end}}
    bounds = (("$gt", page.after), ("$lt", page.before))
    beyond = [_beyond(operator, key) for operator, key in bounds if key is not None]
    return {**query, "$and": beyond} if beyond else query


def _beyond(operator: str, key: SortKey) -> Document:
    time, position = from_milliseconds(int(key[0])), int(key[1])
    return {"$or": [{"postedAt": {operator: time}}, {"position": {operator: position}}]}


def _to_entry(row: Mapping[str, Any]) -> LedgerEntry:
    return LedgerEntry(
        account_id=str(row["accountId"]),
        transaction_id=str(row["transactionId"]),
        position=row["position"],
        posted_at=row["postedAt"],
        amount=row["amount"].to_decimal(),
        balance=row["balanceAfter"].to_decimal(),
        currency=row["currency"],
    )
