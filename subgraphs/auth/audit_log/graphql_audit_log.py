"""The audit log in GraphQL: a list for administrators (bank §2.22)."""

from __future__ import annotations

from datetime import datetime  # noqa: TC003 - strawberry reads annotations at run time
from typing import Annotated, Any, Final

import strawberry
from strawberry import UNSET

from servicekit.errors import Forbidden
from subgraphs.auth.audit_log.entry import StoredEntry  # noqa: TC001 - as above
from subgraphs.auth.audit_log.protocol import AuditFilter, sort_key
from subgraphs.auth.context import AuthContext
from subgraphs.auth.domain import PERMISSIONS, Operation
from subgraphs.kit.connections import After, Before, Connection, First, Last, short_list

Info = strawberry.Info[AuthContext, None]

# Entries have at most so many details.
_FEW: Final = 3


@strawberry.type(description="A further fact of an audit entry.")
class AuditDetail:
    name: str = strawberry.field(description="The name of the fact, such as `role`.")
    value: str = strawberry.field(description="The value.")


@strawberry.type(description="What a member of staff or an operator did. An entry never changes.")
class AuditEntry:
    position: int = strawberry.field(description="The position in the log; the first entry has 1.")
    at: datetime = strawberry.field(description="When it was done.")
    actor_kind: str = strawberry.field(description="`USER` for a user, `OPERATOR` for somebody who ran a command.")
    actor_id: str = strawberry.field(description="The user's id, or the operator's account of the operating system.")
    action: str = strawberry.field(description="What was done, such as `ROLE_GRANTED`; later releases have more.")
    subject_kind: str = strawberry.field(description="What `subjectId` names, such as `USER` or `API_KEY`.")
    subject_id: str = strawberry.field(description="The id of the user or the thing that the action was about.")
    outcome: str = strawberry.field(
        description="`DONE`, or `REFUSED` if the operation changed nothing. An operation of another service has two"
        " entries with the same detail `operation`: the first is `REQUESTED`, the other has the outcome, which is"
        " `UNKNOWN` if it cannot be found out."
    )
    origin: str | None = strawberry.field(
        description="The network of the request, an IPv4 /24 or an IPv6 /48, or `command line`; null if unknown."
    )
    details: list[AuditDetail] = strawberry.field(
        directives=[short_list(_FEW)], description="Further facts, ordered by name."
    )
    hash: str = strawberry.field(
        description="The hash of the entry, in hexadecimal: an HMAC over its content and the hash of the entry before."
    )


@strawberry.input(description="Which entries of the audit log to list; a field that is left out restricts nothing.")
class AuditLogFilter:
    actor_id: str | None = strawberry.field(default=UNSET, description="Only what this actor did.")
    subject_id: str | None = strawberry.field(default=UNSET, description="Only what was about this id.")
    action: str | None = strawberry.field(default=UNSET, description="Only this action.")
    outcome: str | None = strawberry.field(default=UNSET, description="Only this outcome.")
    begin: datetime | None = strawberry.field(default=UNSET, description="Only entries at or after this time.")
    end: datetime | None = strawberry.field(default=UNSET, description="Only entries before this time.")


Filter = Annotated[AuditLogFilter | None, strawberry.argument(description="Which entries to list; by default all.")]


async def audit_log(  # noqa: PLR0913, PLR0917 - the arguments of a Relay connection
    info: Info,
    filter: Filter = UNSET,  # noqa: A002 - the schema's name
    first: First = UNSET,
    after: After = UNSET,
    last: Last = UNSET,
    before: Before = UNSET,
) -> Connection[AuditEntry] | None:
    """Return a page of the log, newest first.

    Raises:
        Forbidden: the caller is not an administrator.
    """
    context = info.context
    if not PERMISSIONS[Operation.READ_AUDIT_LOG].allows_staff(context.caller):
        raise Forbidden("Only administrators read the audit log")
    wanted, log, cursors = _wanted(filter), context.audit.store, context.audit.cursors
    page = cursors.request(first, after, last, before)

    async def count() -> int:
        return await log.count(wanted)

    return cursors.page(page, await log.page(wanted, page), sort_key, _present, count)


def _wanted(given: AuditLogFilter | None) -> AuditFilter:
    if not given:
        return AuditFilter()
    names = ("actor_id", "subject_id", "action", "outcome", "begin", "end")
    set_fields: dict[str, Any] = {name: getattr(given, name) for name in names if getattr(given, name) is not UNSET}
    return AuditFilter(**set_fields)


def _present(stored: StoredEntry) -> AuditEntry:
    entry = stored.entry
    return AuditEntry(
        position=stored.link.position,
        at=entry.at,
        actor_kind=entry.actor.kind,
        actor_id=entry.actor.id,
        action=entry.action,
        subject_kind=entry.subject.kind,
        subject_id=entry.subject.id,
        outcome=entry.outcome,
        origin=entry.origin,
        details=[AuditDetail(name=name, value=value) for name, value in sorted(entry.details.items())],
        hash=stored.link.hash.hex(),
    )
