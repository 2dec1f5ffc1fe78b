"""The operations of staff in other services: their internal routes for entries of the audit log (bank §2.22).

| route | body | response |
|---|---|---|
| `/internal/audit` | the operation | 200 when the entry REQUESTED is in the log |
| `/internal/audit/outcome` | its id, the outcome, further details | 200 when the entry is in the log |
| `/internal/audit/open` | `olderThanSeconds`, `limit` | 200 with the operations that have no outcome |

All of them may be repeated. The routes need a service credential for this audience; a user's access token is refused.
A service sees and settles only its own operations.
"""

from __future__ import annotations

from datetime import timedelta
from typing import TYPE_CHECKING, Annotated, Protocol

from pydantic import Field, StringConstraints

from bank import values
from bank.service_credential import AUTH_INTERNAL
from bank.staff_operations import OPEN_PATH, OUTCOME_PATH, REQUEST_PATH
from subgraphs.auth.audit_log.entry import MAX_TEXT, Actor, Outcome, Subject
from subgraphs.auth.audit_log.protocol import OpenOperation
from subgraphs.kit.internal_routes import InternalDocument, internal_route

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping
    from datetime import datetime

    from bank.service_credential import ServiceCredential
    from subgraphs.auth.audit_log.entry import Entry, NewEntry
    from subgraphs.auth.audit_log.writing import AuditLog
    from subgraphs.kit.service_routes import ServiceRoute

_Id = Annotated[str, StringConstraints(pattern=r"^[0-9a-f]{24}$")]
# The code of an action, a kind of thing, an outcome or a refusal. This service need not know it: a service of a newer
# release may have new ones.
_Code = Annotated[str, StringConstraints(pattern=r"^[A-Z][A-Z0-9_]{0,63}$")]
_Name = Annotated[str, StringConstraints(pattern=r"^[a-z][A-Za-z]{0,31}$")]
_Text = Annotated[str, StringConstraints(pattern=rf"^[\x20-\x7e]{{1,{MAX_TEXT}}}$")]
# An entry has at most three details: the id of the operation is one of them.
_Details = Annotated[dict[_Name, _Text], Field(max_length=2)]


class SubjectDocument(InternalDocument):
    kind: _Code
    id: _Text


class OperationDocument(InternalDocument):
    operation: _Id
    actor: _Text
    action: _Code
    subject: SubjectDocument
    details: _Details = Field(default_factory=dict)
    resume: Annotated[str, StringConstraints(pattern=r"^[\x20-\x7e]{0,1000}$")] = ""


class OutcomeDocument(InternalDocument):
    operation: _Id
    outcome: Annotated[str, StringConstraints(pattern=r"^(DONE|REFUSED|UNKNOWN)$")]
    details: _Details = Field(default_factory=dict)


class OpenDocument(InternalDocument):
    older_than_seconds: Annotated[float, Field(ge=0, le=86_400 * 7)]
    limit: Annotated[int, Field(ge=1, le=1_000)]


class AuditRuntime(Protocol):
    """The open resources that these routes need."""

    @property
    def audit(self) -> AuditLog: ...

    @property
    def credential(self) -> ServiceCredential: ...


async def begin(log: AuditLog, service: str, given: OperationDocument) -> dict[str, object]:
    """Append the entry REQUESTED."""
    entry = log.entry(
        Actor.user(given.actor),
        given.action,
        Subject(given.subject.kind, given.subject.id),
        outcome=Outcome.REQUESTED,
        details={**given.details, "operation": given.operation},
    )
    await log.store.begin(OpenOperation(given.operation, service, given.resume, entry.entry), entry)
    return {}


async def settle(log: AuditLog, service: str, given: OutcomeDocument) -> dict[str, object]:
    """Append the outcome. If the operation has its outcome already, nothing is appended."""

    def outcome(requested: Entry) -> NewEntry:
        return log.later(requested, given.outcome, given.details)

    return {"appended": await log.store.settle(given.operation, service, outcome)}


async def list_open(log: AuditLog, service: str, given: OpenDocument, now: datetime) -> dict[str, object]:
    """Return the operations of the service without an outcome, the oldest first."""
    before = now - timedelta(seconds=given.older_than_seconds)
    found = await log.store.open_operations(service, before, given.limit)
    return {"operations": [_document(operation) for operation in found]}


def _document(operation: OpenOperation) -> Mapping[str, object]:
    entry = operation.entry
    return {
        "operation": operation.id,
        "actor": entry.actor.id,
        "action": entry.action,
        "subject": {"kind": entry.subject.kind, "id": entry.subject.id},
        "details": {name: text for name, text in entry.details.items() if name != "operation"},
        "resume": operation.resume,
        "at": values.format_timestamp(entry.at),
    }


def audit_routes(runtime: Callable[[], AuditRuntime], clock: Callable[[], datetime]) -> tuple[ServiceRoute, ...]:
    """Create the routes. They use the open resources that `runtime` returns."""

    def verify(authorization: str | None) -> str:
        return runtime().credential.verify(authorization, audience=AUTH_INTERNAL)

    return (
        internal_route(
            REQUEST_PATH, OperationDocument, verify, lambda service, given: begin(runtime().audit, service, given)
        ),
        internal_route(
            OUTCOME_PATH, OutcomeDocument, verify, lambda service, given: settle(runtime().audit, service, given)
        ),
        internal_route(
            OPEN_PATH, OpenDocument, verify, lambda service, given: list_open(runtime().audit, service, given, clock())
        ),
    )
