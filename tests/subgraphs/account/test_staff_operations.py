"""Staff freeze accounts and export statements: what the audit log has, also after a crash (bank §2.22)."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

import pytest

from bank.staff_operations import OUTCOME_PATH, REQUEST_PATH
from bank.values import new_object_id
from subgraphs.account.app import create_app
from tests.subgraphs.support import running

if TYPE_CHECKING:
    from collections.abc import Mapping

    from tests.subgraphs.account.conftest import Person, Service

UPDATE: Final = """mutation ($input: UpdateAccountInput!) { updateAccount(input: $input) {
  ... on UpdateAccountSuccess { account { status } } ... on Problem { code } } }"""
EXPORT: Final = """mutation ($input: RequestStatementExportInput!) { requestStatementExport(input: $input) {
  ... on RequestStatementExportSuccess { export { id } } ... on Problem { code } } }"""
STATUS: Final = "query ($id: ID!) { account(id: $id) { status } }"


async def update(service: Service, person: Person, account_id: str, **change: object) -> Any:
    response = await service.as_(person).execute(UPDATE, {"input": {"id": account_id, **change}})
    return response.ok()["updateAccount"]


async def export(service: Service, person: Person, account_id: str) -> Any:
    given = {"accountId": account_id, "format": "CSV"}
    return (await service.as_(person).execute(EXPORT, {"input": given})).ok()["requestStatementExport"]


async def restarted(service: Service) -> list[tuple[str, str, str, str | None]]:
    """Start another process on the same data, and return the entries when each operation has its outcome."""
    async with running(create_app(service.settings)):
        await service.issuer.audit.all_settled()
    return service.issuer.audit.entries()


async def test_staff_freeze_and_unfreeze_with_entries(service: Service) -> None:
    account_id = (await service.open(service.ann))["id"]
    await update(service, service.staff, account_id, status="FROZEN")
    await update(service, service.staff, account_id, status="ACTIVE")
    conflict = await update(service, service.staff, account_id, status="FROZEN", expectedVersion=1)
    assert conflict["code"] == "CONFLICT"
    assert service.issuer.audit.entries() == [
        ("ACCOUNT_FROZEN", account_id, "DONE", None),
        ("ACCOUNT_UNFROZEN", account_id, "DONE", None),
        ("ACCOUNT_FROZEN", account_id, "REFUSED", "CONFLICT"),
    ]
    assert {each["actor"] for each in service.issuer.audit.requested} == {service.staff.id}


async def test_customers_leave_no_entries(service: Service) -> None:
    account_id = (await service.open(service.ann))["id"]
    await update(service, service.ann, account_id, type="SAVINGS")
    await export(service, service.ann, account_id)
    forbidden = await service.as_(service.ann).execute(UPDATE, {"input": {"id": account_id, "status": "FROZEN"}})
    assert forbidden.codes == ["FORBIDDEN"]
    assert service.issuer.audit.entries() == []


async def test_without_the_audit_log_nothing_is_frozen_or_exported(service: Service) -> None:
    account_id = (await service.open(service.ann))["id"]
    service.issuer.audit.away = {REQUEST_PATH}
    given: Mapping[str, object] = {"input": {"id": account_id, "status": "FROZEN"}}
    frozen = await service.as_(service.staff).execute(UPDATE, given)
    assert frozen.codes == ["SERVICE_UNAVAILABLE"]
    assert "audit log" in frozen.errors[0]["message"]
    exported = await service.as_(service.staff).execute(EXPORT, {"input": {"accountId": account_id, "format": "CSV"}})
    assert exported.codes == ["SERVICE_UNAVAILABLE"]
    assert (await service.as_(service.ann).execute(STATUS, {"id": account_id})).ok()["account"]["status"] == "ACTIVE"
    assert (await service.as_(service.staff).execute("{ statementExports { id } }")).ok()["statementExports"] == []
    # Customers do not need the log.
    assert (await update(service, service.ann, account_id, type="SAVINGS"))["account"]


async def test_staff_export_statements_of_others_with_entries(service: Service) -> None:
    account_id = (await service.open(service.ann))["id"]
    exports = [await export(service, service.staff, account_id) for _ in range(11)]
    assert exports[-1] == {"code": "TOO_MANY_EXPORTS"}
    entries = service.issuer.audit.entries()
    assert entries == [
        *[("STATEMENT_EXPORTED", account_id, "DONE", None)] * 10,
        ("STATEMENT_EXPORTED", account_id, "REFUSED", "TOO_MANY_EXPORTS"),
    ]
    details = service.issuer.audit.requested[0]["details"]
    assert details == {"export": exports[0]["export"]["id"]}


async def test_a_restart_records_what_was_done_before_a_crash(service: Service) -> None:
    account_id = (await service.open(service.ann))["id"]
    service.issuer.audit.away = {OUTCOME_PATH}
    await update(service, service.staff, account_id, status="FROZEN")
    await export(service, service.staff, account_id)
    service.issuer.audit.away = set()
    assert await restarted(service) == [
        ("ACCOUNT_FROZEN", account_id, "DONE", None),
        ("STATEMENT_EXPORTED", account_id, "DONE", None),
    ]


@pytest.mark.parametrize(
    ("hours_ago", "outcome"), [(1, ("REFUSED", "INTERRUPTED")), (25, ("UNKNOWN", None))], ids=["recent", "expired"]
)
async def test_a_restart_records_an_export_that_was_not_requested(
    service: Service, hours_ago: int, outcome: tuple[str, str | None]
) -> None:
    log, subject = service.issuer.audit, ("ACCOUNT", new_object_id())
    log.lost("STATEMENT_EXPORTED", service.staff.id, subject, resume=new_object_id(), hours_ago=hours_ago)
    assert await restarted(service) == [("STATEMENT_EXPORTED", subject[1], *outcome)]


async def test_a_restart_records_changes_that_were_not_made(service: Service) -> None:
    untouched, frozen = [(await service.open(service.ann))["id"] for _ in range(2)]
    log = service.issuer.audit
    log.lost("ACCOUNT_FROZEN", service.staff.id, ("ACCOUNT", untouched))
    log.lost("ACCOUNT_FROZEN", service.staff.id, ("ACCOUNT", new_object_id()))
    await update(service, service.staff, frozen, status="FROZEN")
    # A colleague has changed the account since, so the store no longer shows what happened before.
    log.lost("ACCOUNT_UNFROZEN", "colleague", ("ACCOUNT", frozen))
    assert [(outcome, reason) for _, _, outcome, reason in await restarted(service)] == [
        ("REFUSED", "INTERRUPTED"),
        ("REFUSED", "INTERRUPTED"),
        ("DONE", None),
        ("UNKNOWN", None),
    ]
