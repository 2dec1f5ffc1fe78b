"""Operations of staff between their entries in the audit log: failures of each part.

Covers `subgraphs/kit/staff_audit/client.py`, `subgraphs/kit/staff_audit/recorder.py` and
`subgraphs/kit/staff_audit/opening.py`, with `subgraphs/kit/internal_calls.py`.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

import pytest

from bank.service_credential import ServiceCredential
from bank.staff_operations import (
    OPEN_PATH,
    OUTCOME_PATH,
    REQUEST_PATH,
    AuditAction,
    AuditOutcome,
    AuditResult,
    AuditSubject,
    StaffOperation,
)
from bank.values import new_object_id
from servicekit.errors import Forbidden, Unavailable
from servicekit.settings import load
from subgraphs.kit.settings import SubgraphSettings
from subgraphs.kit.staff_audit.opening import staff_audit
from tests.subgraphs.support import Issuer, serving_json

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

    from subgraphs.kit.staff_audit.client import UnsettledOperation
    from subgraphs.kit.staff_audit.recorder import StaffAudit
    from tests.subgraphs.recorded_audit import RecordedAudit

ACCOUNT: Final = "a" * 24


class Observer:
    """The store of a service: what it shows about lost operations, and those that were looked up."""

    def __init__(self) -> None:
        self.result = AuditResult(AuditOutcome.UNKNOWN)
        self.asked: list[StaffOperation] = []

    async def __call__(self, lost: UnsettledOperation) -> AuditResult:
        self.asked.append(lost.operation)
        return self.result


@pytest.fixture
def observer() -> Observer:
    return Observer()


@pytest.fixture
def log(issuer: Issuer) -> RecordedAudit:
    return issuer.audit


@pytest.fixture
async def audit(issuer: Issuer, observer: Observer) -> AsyncIterator[StaffAudit]:
    async with issuer.published():
        settings = load(SubgraphSettings, issuer.environment())
        async with staff_audit(settings, ServiceCredential("s" * 32), "account", observer) as audit:
            yield audit


def operation() -> StaffOperation:
    action, subject = AuditAction.ACCOUNT_FROZEN, AuditSubject.ACCOUNT
    return StaffOperation(new_object_id(), "staff", action, subject, ACCOUNT, {"note": "n"}, resume="r")


def entry(outcome: str, reason: str | None = None) -> tuple[str, str, str, str | None]:
    return ("ACCOUNT_FROZEN", ACCOUNT, outcome, reason)


async def test_the_operation_runs_between_its_entries(audit: StaffAudit, log: RecordedAudit) -> None:
    async with audit.recording(operation()) as record:
        assert log.entries() == [entry("REQUESTED")]
        record.done(reversal="id")
    assert log.entries() == [entry("DONE")]
    assert next(iter(log.outcomes.values()))["details"] == {"reversal": "id"}


async def test_without_an_entry_nothing_is_done(audit: StaffAudit, log: RecordedAudit) -> None:
    log.away = {REQUEST_PATH}
    ran = False
    with pytest.raises(Unavailable, match="audit log"):
        async with audit.recording(operation()):
            ran = True
    assert (ran, log.entries()) == (False, [])


async def test_a_refusal_is_recorded(audit: StaffAudit, log: RecordedAudit) -> None:
    with pytest.raises(Forbidden):
        async with audit.recording(operation()):
            raise Forbidden
    async with audit.recording(operation()) as record:
        record.refused("VERSION_CONFLICT")
    assert log.entries() == [entry("REFUSED", "FORBIDDEN"), entry("REFUSED", "VERSION_CONFLICT")]


async def test_an_outcome_that_could_not_be_sent_is_sent_later(
    audit: StaffAudit, log: RecordedAudit, observer: Observer
) -> None:
    log.away = {OUTCOME_PATH}
    async with audit.recording(operation()) as record:
        record.refused("VERSION_CONFLICT")
    await audit.settle_open()
    assert log.entries() == [entry("REQUESTED")]
    log.away = set()
    await audit.settle_open()
    assert log.entries() == [entry("REFUSED", "VERSION_CONFLICT")]
    assert observer.asked == []


async def test_the_store_shows_how_a_lost_operation_ended(
    audit: StaffAudit, log: RecordedAudit, observer: Observer
) -> None:
    lost = operation()
    with pytest.raises(Unavailable):
        async with audit.recording(lost):
            raise Unavailable  # the store failed: the change may have been made
    observer.result = AuditResult(AuditOutcome.REFUSED, "INTERRUPTED")
    async with audit.recording(operation()) as running:
        await audit.settle_open()
        assert observer.asked == [lost]
        assert log.entries() == [entry("REFUSED", "INTERRUPTED"), entry("REQUESTED")]
        running.done()
    assert log.entries()[1] == entry("DONE")


async def test_a_log_that_is_away_is_asked_again(audit: StaffAudit, log: RecordedAudit) -> None:
    log.away = {OPEN_PATH}
    with pytest.raises(Unavailable):
        await audit.settle_open()


async def test_something_else_than_the_audit_log_is_unavailable(issuer: Issuer, observer: Observer) -> None:
    """Another program answers at the address of the auth service."""
    documents: tuple[object, ...] = ([], "text")
    for document in documents:
        async with serving_json(document) as url:
            settings = load(SubgraphSettings, {**issuer.environment(), "AUTH_JWKS_URL": url})
            async with staff_audit(settings, ServiceCredential("s" * 32), "account", observer) as audit:
                with pytest.raises(Unavailable):
                    async with audit.recording(operation()):
                        pytest.fail("the operation ran")
