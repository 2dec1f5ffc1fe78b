"""Statement exports in the MongoDB database of the account service."""

from __future__ import annotations

from typing import TYPE_CHECKING

from bson import ObjectId
from pymongo import DESCENDING

from bank.values import is_object_id
from subgraphs.account.exports.export import (
    MAX_EXPORTS,
    ExportFailure,
    ExportFormat,
    ExportStatus,
    StatementExport,
    requested,
)
from subgraphs.account.statements import Period
from subgraphs.account.store.mongo_schema import CUSTOMERS, EXPORTS, PARTS
from subgraphs.account.store.mongo_statements import MongoStatements

if TYPE_CHECKING:
    from collections.abc import Sequence
    from datetime import datetime

    from pymongo.asynchronous.client_session import AsyncClientSession

    from subgraphs.account.exports.export import Result
    from subgraphs.kit.mongo import Document


class MongoExports(MongoStatements):
    """The `ExportStore` in the database of the service."""

    async def request_export(self, export: StatementExport, *, max_exports: int = MAX_EXPORTS) -> bool:
        exports, customers = self._database.collection(EXPORTS), self._database.collection(CUSTOMERS)

        async def insert(session: AsyncClientSession) -> bool:
            # Each request writes the person's document. So two requests of one person at the same time conflict, and
            # the second one counts the export of the first one.
            await customers.update_one({"_id": export.user_id}, {"$inc": {"exports": 1}}, upsert=True, session=session)
            live = {"userId": export.user_id, "expiresAt": {"$gt": export.requested_at}}
            if await exports.count_documents(live, session=session) >= max_exports:
                return False
            await exports.insert_one(_to_document(export), session=session)
            await self._append_events([(requested(export), 1)], session)
            return True

        return await self._database.transaction(insert)

    async def export(self, export_id: str) -> StatementExport | None:
        if not is_object_id(export_id):
            return None
        with self._database.failures():
            found = await self._database.collection(EXPORTS).find_one({"_id": ObjectId(export_id)})
        return None if found is None else _from_document(found)

    async def exports_of(self, user_id: str, at: datetime) -> Sequence[StatementExport]:
        with self._database.failures():
            found = self._database.collection(EXPORTS).find({"userId": user_id, "expiresAt": {"$gt": at}})
            rows = await found.sort([("expiresAt", DESCENDING), ("_id", DESCENDING)]).to_list()
        return [_from_document(row) for row in rows]

    async def save_export_part(self, export_id: str, number: int, content: str) -> None:
        with self._database.failures():
            await self._database.collection(PARTS).update_one(
                {"exportId": ObjectId(export_id), "number": number}, {"$set": {"content": content}}, upsert=True
            )

    async def export_part(self, export_id: str, number: int) -> str | None:
        if not is_object_id(export_id):
            return None
        with self._database.failures():
            found = await self._database.collection(PARTS).find_one({"exportId": ObjectId(export_id), "number": number})
        return None if found is None else str(found["content"])

    async def finish_export(self, export_id: str, result: Result) -> None:
        if not is_object_id(export_id):
            return
        with self._database.failures():
            await self._database.collection(EXPORTS).update_one(
                {"_id": ObjectId(export_id), "status": ExportStatus.PENDING.value},
                {
                    "$set": {
                        "status": result.status.value,
                        "entries": result.entries,
                        "parts": result.parts,
                        "failure": result.failure.value if result.failure else None,
                    }
                },
            )

    async def delete_exports(self, at: datetime, *, limit: int) -> int:
        exports, parts = self._database.collection(EXPORTS), self._database.collection(PARTS)
        with self._database.failures():
            old = await exports.find({"expiresAt": {"$lte": at}}, projection=["_id"]).limit(limit).to_list()
            ids = [row["_id"] for row in old]
            # The parts are deleted first. If the process dies in between, the next call deletes the rest.
            await parts.delete_many({"exportId": {"$in": ids}})
            return (await exports.delete_many({"_id": {"$in": ids}})).deleted_count


def _to_document(export: StatementExport) -> Document:
    return {
        "_id": ObjectId(export.id),
        "userId": export.user_id,
        "accountId": ObjectId(export.account_id),
        "currency": export.currency,
        "format": export.format.value,
        "begin": export.period.begin,
        "end": export.period.end,
        "requestedAt": export.requested_at,
        "expiresAt": export.expires_at,
        "status": export.status.value,
        "entries": export.entries,
        "parts": export.parts,
        "failure": None,
    }


def _from_document(row: Document) -> StatementExport:
    return StatementExport(
        id=str(row["_id"]),
        user_id=row["userId"],
        account_id=str(row["accountId"]),
        currency=row["currency"],
        format=ExportFormat(row["format"]),
        period=Period(row["begin"], row["end"]),
        requested_at=row["requestedAt"],
        expires_at=row["expiresAt"],
        status=ExportStatus(row["status"]),
        entries=row["entries"],
        parts=row["parts"],
        failure=ExportFailure(row["failure"]) if row["failure"] else None,
    )
