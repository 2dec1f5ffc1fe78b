"""What a group of operations of the ledger reads from MongoDB, and writes to it (`subgraphs.kit.mongo_groups`)."""

from __future__ import annotations

from copy import copy
from dataclasses import dataclass, field, fields
from typing import TYPE_CHECKING, Final, NamedTuple, TypeAlias

from bson import ObjectId
from pymongo import InsertOne, ReplaceOne, UpdateOne

from subgraphs.account.store.mongo_documents import Document, object_ids, to_account, to_hold, to_link, to_recorded
from subgraphs.account.store.mongo_schema import ACCOUNTS, CUSTOMERS, ENTRIES, HOLDS, POSTINGS
from subgraphs.kit.mongo_store import insert_events

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable, Collection, Sequence

    from pymongo.asynchronous.client_session import AsyncClientSession

    from subgraphs.account.domain import Account
    from subgraphs.account.holds import Hold
    from subgraphs.account.settlement import RecordedPosting
    from subgraphs.kit.hash_chain import ChainKey, Link
    from subgraphs.kit.mongo import MongoDatabase
    from subgraphs.kit.outbox import Event

Write: TypeAlias = UpdateOne | InsertOne[Document] | ReplaceOne[Document]


class LedgerNeeds(NamedTuple):
    """What an operation of the ledger reads, as far as this is known before. Other documents are read when needed."""

    transactions: Collection[str] = ()
    persons: Collection[str] = ()
    accounts: Collection[str] = ()


@dataclass(slots=True)
class _State:
    """What was read and written. The values of the maps are never changed, but replaced."""

    recorded: dict[str, RecordedPosting | None] = field(default_factory=dict)
    holds: dict[str, Hold | None] = field(default_factory=dict)
    persons: dict[str, Document] = field(default_factory=dict)
    accounts: dict[str, Account | None] = field(default_factory=dict)
    # Maps the id of each account to the last link of the account's chain.
    links: dict[str, Link] = field(default_factory=dict)
    # Maps the id of each changed account to the fields to set.
    account_fields: dict[str, Document] = field(default_factory=dict)
    person_updates: list[Write] = field(default_factory=list)
    hold_writes: list[Write] = field(default_factory=list)
    postings: list[Document] = field(default_factory=list)
    entries: list[Document] = field(default_factory=list)
    events: list[tuple[Event, int]] = field(default_factory=list)
    changes: int = 0

    def copy(self) -> _State:
        return _State(*(copy(getattr(self, each.name)) for each in fields(self)))


class MongoLedgerUnit:
    """What a group of operations reads and writes; see `subgraphs.kit.mongo_groups.Unit`.

    Args:
        database: the store's database.
        session: the session.
        key: the key of the hash chains.
        accounts_by_ids: returns documents of accounts by id, in a transaction.
    """

    # Another process may record the same posting at the same time. Then the transaction runs again, and finds it.
    refusable: Final = 0

    def __init__(
        self,
        database: MongoDatabase,
        session: AsyncClientSession,
        key: ChainKey,
        accounts_by_ids: Callable[[Collection[str], AsyncClientSession], Awaitable[dict[str, Document]]],
    ) -> None:
        self._database = database
        self._session = session
        self._key = key
        self._accounts_by_ids = accounts_by_ids
        self._state = _State()

    @property
    def changes(self) -> int:
        return self._state.changes

    def count_change(self) -> None:
        self._state.changes += 1

    async def load(self, needs: Sequence[LedgerNeeds]) -> None:
        transactions = {each for need in needs for each in need.transactions}
        await self._load_recorded(transactions)
        await self._load_persons({each for need in needs for each in need.persons})
        await self._load_accounts({each for need in needs for each in need.accounts})
        if any(account is not None and account.held for account in self._state.accounts.values()):
            await self._load_holds(transactions)

    def savepoint(self) -> Callable[[], None]:
        saved = self._state.copy()

        def undo() -> None:
            self._state = saved

        return undo

    async def flush(self) -> None:
        state = self._state
        # Documents that other transactions may write, too, are written first, so that a conflict is noticed early.
        await self._write(ACCOUNTS, [self._account_update(*each) for each in state.account_fields.items()])
        await self._write(CUSTOMERS, state.person_updates)
        await self._write(HOLDS, state.hold_writes)
        for collection, rows in ((POSTINGS, state.postings), (ENTRIES, state.entries)):
            if rows:
                await self._database.collection(collection).insert_many(rows, session=self._session)
        await insert_events(self._database, state.events, self._session)

    async def _write(
        self, collection: str, writes: Sequence[UpdateOne | InsertOne[Document] | ReplaceOne[Document]]
    ) -> None:
        if writes:
            await self._database.collection(collection).bulk_write(writes, session=self._session)

    def _account_update(self, account_id: str, changed: Document) -> UpdateOne:
        account = self._state.accounts[account_id]
        assert account is not None  # noqa: S101 - only an account that exists is changed
        return UpdateOne({"userId": account.user_id, "_id": ObjectId(account_id)}, {"$set": changed})

    async def _find(self, collection: str, ids: Collection[ObjectId] | Collection[str]) -> list[Document]:
        return (
            await self._database.collection(collection)
            .find({"_id": {"$in": list(ids)}}, session=self._session)
            .to_list()
        )

    async def _load_recorded(self, ids: Collection[str]) -> None:
        missing = [each for each in ids if each not in self._state.recorded]
        if missing:
            found = {str(row["_id"]): to_recorded(row) for row in await self._find(POSTINGS, object_ids(missing))}
            self._state.recorded |= {each: found.get(each) for each in missing}

    async def _load_holds(self, ids: Collection[str]) -> None:
        missing = [each for each in ids if each not in self._state.holds]
        if missing:
            found = {str(row["_id"]): to_hold(row) for row in await self._find(HOLDS, object_ids(missing))}
            self._state.holds |= {each: found.get(each) for each in missing}

    async def _load_persons(self, ids: Collection[str]) -> None:
        missing = [each for each in ids if each not in self._state.persons]
        if missing:
            found = {row["_id"]: row for row in await self._find(CUSTOMERS, missing)}
            self._state.persons |= {each: found.get(each, {"_id": each}) for each in missing}

    async def _load_accounts(self, ids: Collection[str]) -> None:
        missing = [each for each in ids if each not in self._state.accounts]
        if missing:
            found = await self._accounts_by_ids(missing, self._session)
            self._state.accounts |= {each: to_account(found[each]) if each in found else None for each in missing}
            self._state.links |= {each: to_link(document) for each, document in found.items()}
