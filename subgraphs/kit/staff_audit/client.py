"""Sends operations of staff and their outcomes to the audit log of the auth service (bank §2.22)."""

from __future__ import annotations

import json
from dataclasses import dataclass
from http import HTTPStatus
from typing import TYPE_CHECKING, Any, Final, Protocol

import structlog

from bank.service_credential import AUTH_INTERNAL
from bank.staff_operations import (
    OPEN_PATH,
    OUTCOME_PATH,
    REQUEST_PATH,
    AuditAction,
    AuditSubject,
    StaffOperation,
)
from bank.values import parse_timestamp
from servicekit import client_address
from servicekit.errors import TimedOut, Unavailable
from servicekit.http1.service_client import FAILURES
from subgraphs.kit.internal_calls import InternalApi

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from datetime import datetime

    from bank.service_credential import ServiceCredential
    from bank.staff_operations import AuditResult
    from servicekit.http1.service_client import ServiceClient

# How many open operations are read at once.
BATCH_SIZE: Final = 100
_FAILED: Final[tuple[type[Exception], ...]] = (*(kind for kind, _ in FAILURES), ValueError, TypeError, KeyError)
_MESSAGE: Final = "The audit log does not respond, and operations of staff need it"

_log = structlog.stdlib.get_logger("staff_audit")


@dataclass(frozen=True, slots=True)
class UnsettledOperation:
    """An operation that has no outcome in the log, and the time at which it was requested by the log's clock."""

    operation: StaffOperation
    at: datetime


class AuditLogClient(Protocol):
    """The audit log. Each call may be repeated, and raises Unavailable or TimedOut if there is no definite response."""

    async def request(self, operation: StaffOperation) -> None:
        """Write that an operation is about to be done."""

    async def settle(self, operation_id: str, result: AuditResult) -> None:
        """Write the outcome of an operation. If it has an outcome already, nothing changes."""

    async def unsettled(self, older_than_seconds: float) -> Sequence[UnsettledOperation]:
        """Return operations of this service without an outcome, the oldest first."""


class HttpAuditLogClient:
    """The audit log, called over the routes `/internal/audit` of the auth service."""

    def __init__(self, client: ServiceClient, credential: ServiceCredential, service: str) -> None:
        """`client` calls the auth service; `service` is the name of the calling service."""
        self._api = InternalApi(client, credential, service=service, audience=AUTH_INTERNAL)

    async def request(self, operation: StaffOperation) -> None:
        await self._send(
            REQUEST_PATH,
            {
                "operation": operation.id,
                "actor": operation.actor,
                "action": operation.action,
                "subject": {"kind": operation.subject, "id": operation.subject_id},
                "details": dict(operation.details),
                "resume": operation.resume,
            },
        )

    async def settle(self, operation_id: str, result: AuditResult) -> None:
        details = {**result.details, **({} if result.reason is None else {"reason": result.reason})}
        await self._send(OUTCOME_PATH, {"operation": operation_id, "outcome": result.outcome, "details": details})

    async def unsettled(self, older_than_seconds: float) -> Sequence[UnsettledOperation]:
        document = await self._send(OPEN_PATH, {"olderThanSeconds": older_than_seconds, "limit": BATCH_SIZE})
        try:
            return [_unsettled(each) for each in document["operations"]]
        except (ValueError, TypeError, KeyError) as error:
            _log.warning("the audit log sent a malformed response", error=type(error).__name__)
            raise Unavailable(_MESSAGE) from error

    async def _send(self, path: str, body: Mapping[str, object]) -> dict[str, Any]:
        try:
            response = await self._api.post(path, body, client_address.outgoing_headers())
            if response.status != HTTPStatus.OK:
                raise ValueError(f"status {response.status}")
            document = json.loads(response.body)
            if not isinstance(document, dict):
                raise TypeError("not a JSON object")
        except _FAILED as error:
            _log.warning("the audit log does not respond", path=path, error=type(error).__name__, reason=str(error))
            failure = TimedOut if isinstance(error, TimeoutError) else Unavailable
            raise failure(_MESSAGE) from error
        return document


def _unsettled(document: Mapping[str, Any]) -> UnsettledOperation:
    operation = StaffOperation(
        id=str(document["operation"]),
        actor=str(document["actor"]),
        action=AuditAction(document["action"]),
        subject=AuditSubject(document["subject"]["kind"]),
        subject_id=str(document["subject"]["id"]),
        details={str(name): str(text) for name, text in document["details"].items()},
        resume=str(document["resume"]),
    )
    return UnsettledOperation(operation, parse_timestamp(document["at"]))
