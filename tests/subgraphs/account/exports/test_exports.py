"""Statement exports through GraphQL: requested by a mutation, written by the consumer of the service, then read.

Covers `subgraphs/account/exports/*.py`.
"""

from __future__ import annotations

import asyncio
import json
from typing import TYPE_CHECKING, Any

import pytest

from bank.values import new_object_id
from subgraphs.account.exports import export as module
from subgraphs.account.exports.export import EXPORT_LIFETIME, MAX_EXPORTS
from subgraphs.account.store.sqlite_exports import SqliteExports
from subgraphs.kit.events import delivery
from tests.subgraphs.bank import Bank, open_bank
from tests.subgraphs.support import GraphQLClient

if TYPE_CHECKING:
    from collections.abc import AsyncIterator
    from pathlib import Path

    from tests.subgraphs.bank import Person

REQUEST = """mutation ($input: RequestStatementExportInput!) { requestStatementExport(input: $input) { __typename
  ... on RequestStatementExportSuccess { export { id status format parts entries } }
  ... on Problem { code } ... on TooManyExports { limit } } }"""
READ = """query ($id: ID!, $part: Int! = 0) { statementExport(id: $id) {
  status failure entries parts content(part: $part) account { id } from to requestedAt expiresAt } }"""
LIST = "{ statementExports { id account { id } } }"


@pytest.fixture
async def bank(tmp_path: Path) -> AsyncIterator[Bank]:
    async with open_bank(tmp_path) as bank:
        yield bank


def as_(bank: Bank, person: Person | None) -> GraphQLClient:
    return GraphQLClient(bank.accounts, person.token if person else None)


async def request(bank: Bank, person: Person | None, account: dict[str, Any], **given: object) -> Any:
    variables = {"accountId": account["id"], "format": "JSON", **given}
    return (await as_(bank, person).execute(REQUEST, {"input": variables})).ok()["requestStatementExport"]


async def finished(bank: Bank, person: Person, export_id: str) -> dict[str, Any]:
    while True:
        export: dict[str, Any] = (await as_(bank, person).execute(READ, {"id": export_id})).ok()["statementExport"]
        if export["status"] != "PENDING":
            return export
        await asyncio.sleep(0.01)


async def test_an_export_is_written_in_the_background(bank: Bank) -> None:
    account = await bank.open(bank.ann, "100.00")
    accepted = await request(bank, bank.ann, account)
    export_id = accepted["export"]["id"]
    assert accepted["export"] == {"id": export_id, "status": "PENDING", "format": "JSON", "parts": 0, "entries": 0}
    export = await finished(bank, bank.ann, export_id)
    assert (export["status"], export["failure"], export["entries"], export["parts"]) == ("COMPLETED", None, 1, 1)
    assert export["account"] == {"id": account["id"]}
    document = json.loads(export["content"])
    assert (document["closingBalance"], document["to"]) == ("100.00", export["to"])
    for part in (-1, 1):
        response = await as_(bank, bank.ann).execute(READ, {"id": export_id, "part": part})
        assert response.ok()["statementExport"]["content"] is None


async def test_only_who_requested_an_export_sees_it(bank: Bank) -> None:
    account = await bank.open(bank.ann, "100.00")
    export_id = (await request(bank, bank.ann, account))["export"]["id"]
    await finished(bank, bank.ann, export_id)
    for other in (bank.bob, bank.staff):
        assert (await as_(bank, other).execute(READ, {"id": export_id})).ok()["statementExport"] is None
        assert (await as_(bank, other).execute(LIST)).ok()["statementExports"] == []
    assert (await as_(bank, None).execute(READ, {"id": export_id})).codes == ["UNAUTHENTICATED"]
    assert (await as_(bank, None).execute(LIST)).codes == ["UNAUTHENTICATED"]
    found = (await as_(bank, bank.ann).execute(LIST)).ok()["statementExports"]
    assert found == [{"id": export_id, "account": {"id": account["id"]}}]

    by_staff = (await request(bank, bank.staff, account))["export"]["id"]
    assert (await finished(bank, bank.staff, by_staff))["status"] == "COMPLETED"
    former = await as_(bank, bank.staff).execute(READ, {"id": by_staff})
    assert former.ok()["statementExport"] is not None
    customer = as_(bank, bank.staff).bearing(bank.issuer.token(bank.staff.id))
    assert (await customer.execute(READ, {"id": by_staff})).ok()["statementExport"] is None
    assert (await customer.execute(LIST)).ok()["statementExports"] == []


async def test_what_is_not_exported(bank: Bank) -> None:
    account = await bank.open(bank.ann)
    for unknown in (account, {"id": new_object_id()}, {"id": "nonsense"}):
        refused = await request(bank, bank.bob, unknown)
        assert (refused["__typename"], refused["code"]) == ("InvalidAccount", "INVALID_ACCOUNT")
    given = {"accountId": account["id"], "format": "CSV", "to": "2000-01-01T00:00:00.000Z"}
    assert (await as_(bank, bank.ann).execute(REQUEST, {"input": given})).codes == ["BAD_USER_INPUT"]
    assert (await as_(bank, None).execute(REQUEST, {"input": given})).codes == ["UNAUTHENTICATED"]
    for _ in range(MAX_EXPORTS):
        assert (await request(bank, bank.ann, account, format="CSV"))["__typename"] == "RequestStatementExportSuccess"
    refused = await request(bank, bank.ann, account)
    assert refused == {"__typename": "TooManyExports", "code": "TOO_MANY_EXPORTS", "limit": MAX_EXPORTS}


async def test_an_expired_export_is_gone(bank: Bank, monkeypatch: pytest.MonkeyPatch) -> None:
    account = await bank.open(bank.ann)
    monkeypatch.setattr(module, "EXPORT_LIFETIME", -EXPORT_LIFETIME)
    export_id = (await request(bank, bank.ann, account))["export"]["id"]
    assert (await as_(bank, bank.ann).execute(READ, {"id": export_id})).ok()["statementExport"] is None
    assert (await as_(bank, bank.ann).execute(LIST)).ok()["statementExports"] == []


async def test_an_export_that_cannot_be_written_fails(bank: Bank, monkeypatch: pytest.MonkeyPatch) -> None:
    async def broken(*_arguments: object) -> None:
        raise ZeroDivisionError

    monkeypatch.setattr(delivery, "FIRST_PAUSE_SECONDS", 0.001)
    monkeypatch.setattr(SqliteExports, "save_export_part", broken)
    account = await bank.open(bank.ann)
    export_id = (await request(bank, bank.ann, account))["export"]["id"]
    export = await finished(bank, bank.ann, export_id)
    assert (export["status"], export["failure"], export["content"]) == ("FAILED", "INTERNAL_ERROR", None)
