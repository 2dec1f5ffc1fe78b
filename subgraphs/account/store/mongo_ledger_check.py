"""Checks the invariants of a ledger in MongoDB, and reads the identity of its store.

The check only reads, in one snapshot, so the service may be running.
"""

from __future__ import annotations

from collections import Counter
from typing import TYPE_CHECKING, Any, Final

from bank.values import format_timestamp, to_minor_units
from subgraphs.account.hash_chain import ChainedEntry, Line, StoredEntry
from subgraphs.account.store.ledger_report import CHAINS, LedgerReport, broken_entries, violation
from subgraphs.account.store.mongo_documents import to_link
from subgraphs.account.store.mongo_schema import ACCOUNTS, ENTRIES, HOLDS, POSTINGS
from subgraphs.kit.hash_chain import Link

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Mapping, Sequence

    from bson import ObjectId
    from pymongo.asynchronous.client_session import AsyncClientSession

    from subgraphs.kit.hash_chain import ChainKey
    from subgraphs.kit.mongo import Document, MongoDatabase

_ENTRIES_OF_A_TRANSACTION: Final[list[Mapping[str, Any]]] = [
    {"$lookup": {"from": ENTRIES, "localField": "_id", "foreignField": "transactionId", "as": "entries"}},
    {"$project": {"outcome": 1, "count": {"$size": "$entries"}}},
    {
        "$match": {
            "$or": [
                {"outcome": "POSTED", "count": {"$lt": 2}},
                {"outcome": "REFUSED", "count": {"$gt": 0}},
            ]
        }
    },
    {"$project": {"_id": 0, "transaction_id": {"$toString": "$_id"}, "outcome": 1, "entries": "$count"}},
]
_UNPOSTED_ENTRIES: Final[list[Mapping[str, Any]]] = [
    {"$lookup": {"from": POSTINGS, "localField": "transactionId", "foreignField": "_id", "as": "posting"}},
    {"$match": {"posting.outcome": {"$ne": "POSTED"}}},
    {"$project": {"_id": 0, "entry_id": {"$toString": "$_id"}, "transaction_id": {"$toString": "$transactionId"}}},
]
_UNBALANCED: Final[list[Mapping[str, Any]]] = [
    {"$group": {"_id": {"id": "$transactionId", "currency": "$currency"}, "sum": {"$sum": "$amount"}}},
    {"$match": {"sum": {"$ne": 0}}},
    {"$project": {"_id": 0, "transaction_id": {"$toString": "$_id.id"}, "currency": "$_id.currency", "sum": 1}},
]


# How many transactions are read in one query.
_BATCH_SIZE: Final = 1000


class MongoLedgerCheck:
    """One check of a ledger. `run` makes the report."""

    def __init__(self, database: MongoDatabase, session: AsyncClientSession, key: ChainKey | None) -> None:
        self._database = database
        self._session = session
        self._key = key
        self._found: dict[str, list[dict[str, Any]]] = {invariant: [] for invariant in INVARIANTS}
        self._accounts: dict[str, Document] = {}
        self._customer_sums: Counter[str] = Counter()
        self._internal_sums: Counter[tuple[str, str]] = Counter()
        self._entries = 0

    async def run(self) -> LedgerReport:
        async for account in self._database.collection(ACCOUNTS).find({}, session=self._session):
            self._accounts[str(account["_id"])] = account
            self._customer_sums[account["currency"]] += _units(account, "balance")
        await self._check_entries()
        await self._check_accounts()
        for invariant, collection, steps in (
            ("the entries of each transaction sum to zero", ENTRIES, _UNBALANCED),
            ("posted transactions have entries, refused ones none", POSTINGS, _ENTRIES_OF_A_TRANSACTION),
            ("entries belong to a posted transaction", ENTRIES, _UNPOSTED_ENTRIES),
        ):
            self._found[invariant] += [row async for row in self._aggregate(collection, steps)]
        self._check_sums()
        outcomes = [{"$group": {"_id": "$outcome", "count": {"$sum": 1}}}]
        counts = {row["_id"]: row["count"] async for row in self._aggregate(POSTINGS, outcomes)}
        found = (violation(invariant, rows) for invariant, rows in self._found.items())
        return LedgerReport(
            accounts=len(self._accounts),
            posted=counts.get("POSTED", 0),
            refused=counts.get("REFUSED", 0),
            entries=self._entries,
            customer_sums=dict(sorted(self._customer_sums.items())),
            internal_sums=dict(sorted(self._internal_sums.items())),
            violations=tuple(each for each in found if each is not None),
            invariants=tuple(each for each in INVARIANTS if self._key is not None or each != CHAINS),
        )

    async def _aggregate(self, collection: str, steps: Sequence[Mapping[str, Any]]) -> AsyncIterator[Document]:
        rows = await self._database.collection(collection).aggregate(steps, session=self._session, allowDiskUse=True)
        async for row in rows:
            yield row

    async def _check_entries(self) -> None:
        """Check the entries of each account, in the order of posting."""
        entries = self._database.collection(ENTRIES).find({}, session=self._session, allow_disk_use=True)
        of_account: list[Document] = []
        account_id = None
        async for entry in entries.sort([("accountId", 1), ("position", 1)]):
            self._entries += 1
            if "internalName" in entry:
                self._internal_sums[entry["internalName"], entry["currency"]] += _units(entry, "amount")
                continue
            if entry["accountId"] != account_id:
                await self._check_account(of_account)
                of_account, account_id = [], entry["accountId"]
            of_account.append(entry)
        await self._check_account(of_account)

    async def _check_account(self, entries: list[Document]) -> None:
        if not entries:
            return
        account_id = str(entries[0]["accountId"])
        account = self._accounts.get(account_id)
        balance = 0
        for entry in entries:
            place = {"account_id": account_id, "position": entry.get("position")}
            if account is None or account["currency"] != entry["currency"]:
                self._found["entries have the currency of their account"].append(place)
            balance += _units(entry, "amount")
            if balance != _units(entry, "balanceAfter"):
                self._found["each entry continues the balance before it"].append(place)
        if account is not None:
            account["sum"] = balance
        if self._key is not None:
            stored = await self._stored(entries)
            self._found[CHAINS] += broken_entries(self._key, stored)
            if account is not None and to_link(account) != stored[-1].link:
                self._found[CHAINS].append({"account_id": account_id, "position": stored[-1].link.position + 1})

    async def _stored(self, entries: list[Document]) -> list[StoredEntry]:
        """Return the entries of an account, each together with all entries of its transaction."""
        stored = []
        for start in range(0, len(entries), _BATCH_SIZE):
            batch = entries[start : start + _BATCH_SIZE]
            lines = await self._lines([entry["transactionId"] for entry in batch])
            stored += [_stored_entry(entry, tuple(lines[entry["transactionId"]])) for entry in batch]
        return stored

    async def _lines(self, transaction_ids: list[ObjectId]) -> dict[ObjectId, list[Line]]:
        lines: dict[ObjectId, list[Line]] = {transaction_id: [] for transaction_id in transaction_ids}
        query = {"transactionId": {"$in": transaction_ids}}
        found = self._database.collection(ENTRIES).find(query, session=self._session, allow_disk_use=True)
        async for row in found.sort([("transactionId", 1), ("line", 1)]):
            line = Line(row.get("internalName") or str(row["accountId"]), _units(row, "amount"))
            lines[row["transactionId"]].append(line)
        return lines

    async def _check_accounts(self) -> None:
        holds = self._database.collection(HOLDS).find({"status": "HELD"}, session=self._session)
        held: Counter[str] = Counter()
        async for hold in holds:
            held[str(hold["accountId"])] += _units(hold, "amount")
        for account_id, account in self._accounts.items():
            place = {"account_id": account_id}
            balance, reserved = _units(account, "balance"), _units(account, "held")
            checks = {
                "each balance is the sum of its entries": balance == account.get("sum", 0),
                "no customer's balance is negative": balance >= 0,
                "closed accounts are empty": account["status"] != "CLOSED" or balance == 0,
                "held money equals the sum of active holds": reserved == held[account_id],
            }
            for invariant, holds_true in checks.items():
                if not holds_true:
                    self._found[invariant].append(place)

    def _check_sums(self) -> None:
        total = Counter(self._customer_sums)
        for (_, currency), units in self._internal_sums.items():
            total[currency] += units
        self._found["all accounts, internal ones included, sum to zero per currency"] += [
            {"currency": currency, "units": units} for currency, units in total.items() if units
        ]


INVARIANTS: Final = (
    "the entries of each transaction sum to zero",
    "each balance is the sum of its entries",
    "each entry continues the balance before it",
    "all accounts, internal ones included, sum to zero per currency",
    "no customer's balance is negative",
    "closed accounts are empty",
    "entries have the currency of their account",
    "posted transactions have entries, refused ones none",
    "held money equals the sum of active holds",
    "entries belong to a posted transaction",
    CHAINS,
)


def _stored_entry(entry: Document, lines: tuple[Line, ...]) -> StoredEntry:
    chained = ChainedEntry(
        str(entry["transactionId"]),
        format_timestamp(entry["postedAt"]),
        entry["currency"],
        _units(entry, "balanceAfter"),
        lines,
        entry["line"],
    )
    return StoredEntry(str(entry["accountId"]), Link(entry.get("position", 0), entry.get("hash", b"")), chained)


def _units(document: Mapping[str, Any], field: str) -> int:
    return to_minor_units(document[field].to_decimal(), document["currency"])
