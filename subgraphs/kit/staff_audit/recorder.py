"""Runs an operation of staff between its two entries in the audit log (bank §2.22).

```
write REQUESTED ----> the operation ----> write DONE or REFUSED
no response: 503,     a crash, or a        no response: kept in memory
nothing is done       failed store         and sent again
                         '------------------------'-----> `settle_open`: look at the store, write the outcome
```

The log itself remembers which operations have no outcome yet, so a crash of this process loses nothing: the next
process of the service, or another replica, settles them.
"""

from __future__ import annotations

from contextlib import asynccontextmanager
from typing import TYPE_CHECKING, Final, Protocol

import structlog

from bank.staff_operations import AuditOutcome, AuditResult, refused
from servicekit.errors import BadUserInput, Forbidden, TimedOut, Unavailable
from subgraphs.kit.background import every, in_background, repeat

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Awaitable, Callable

    from bank.staff_operations import StaffOperation
    from subgraphs.kit.staff_audit.client import AuditLogClient, UnsettledOperation

# The pause between two searches for operations without an outcome.
INTERVAL_SECONDS: Final = 30.0
interval: Final = every(INTERVAL_SECONDS)
# An operation without an outcome may still run in another process until its request has ended. This is how much longer
# it may take to record the change.
MARGIN_SECONDS: Final = 60.0
# Errors that an operation raises before it has changed anything.
_REFUSALS: Final = (Forbidden, BadUserInput)

_log = structlog.stdlib.get_logger("staff_audit")


class Observe(Protocol):
    """Finds out in the store of a service how an operation has ended whose process was lost."""

    async def __call__(self, lost: UnsettledOperation) -> AuditResult:
        """Return how the operation has ended. Raises Unavailable if the store does not respond."""


class Recording:
    """The result of an operation, which the operation sets."""

    def __init__(self) -> None:
        self.result: AuditResult | None = None

    def done(self, **details: str) -> None:
        """The operation was done. `details` are further facts for the log."""
        self.result = AuditResult(AuditOutcome.DONE, details=details)

    def refused(self, code: str) -> None:
        """The operation was refused with the code of a problem, and changed nothing."""
        self.result = refused(code)


class StaffAudit:
    """Records operations of staff."""

    def __init__(self, log: AuditLogClient, observe: Observe, *, request_seconds: float) -> None:
        """`request_seconds` is how long a request, and so an operation, may take."""
        self._audit_log = log
        self._observe = observe
        self._patience = request_seconds + MARGIN_SECONDS
        # The operations that run in this process.
        self._running: set[str] = set()
        # Outcomes that the log may not have yet.
        self._unsent: dict[str, AuditResult] = {}

    @asynccontextmanager
    async def recording(self, operation: StaffOperation) -> AsyncIterator[Recording]:
        """Write that `operation` is about to be done, run the block, and write what it set in the recording.

        If the block raises Forbidden or BadUserInput, the operation was refused with this code. After any other
        exception, or if the block sets nothing, the outcome is not known here; `settle_open` finds it out later.

        Raises:
            Unavailable: the request could not be written, so the block did not run.
            TimedOut: the same, because the log did not respond in time.
        """
        await self._audit_log.request(operation)
        record = Recording()
        self._running.add(operation.id)
        try:
            yield record
        except _REFUSALS as error:
            record.refused(error.code)
            raise
        finally:
            self._running.discard(operation.id)
            if record.result is not None:
                self._unsent[operation.id] = record.result
                await self._send(operation.id, record.result)

    async def _send(self, operation_id: str, result: AuditResult) -> None:
        """Write an outcome. If the log does not respond, `settle_open` tries it again."""
        try:
            await self._audit_log.settle(operation_id, result)
        except (Unavailable, TimedOut):
            _log.warning("an outcome is not in the audit log yet", operation=operation_id, outcome=result.outcome)
        else:
            self._unsent.pop(operation_id, None)

    async def settle_open(self) -> None:
        """Write the outcomes of this process that the log does not have yet, then the outcomes of lost processes.

        Raises:
            Unavailable: the log or the store does not respond; the next call tries again.
            TimedOut: the same.
        """
        for operation_id, result in list(self._unsent.items()):
            await self._send(operation_id, result)
        for lost in await self._audit_log.unsettled(self._patience):
            if lost.operation.id in self._running or lost.operation.id in self._unsent:
                continue
            result = await self._observe(lost)
            await self._audit_log.settle(lost.operation.id, result)
            _log.info("settled a lost operation", operation=lost.operation.id, outcome=result.outcome)

    async def _round(self) -> None:
        try:
            await self.settle_open()
        except (Unavailable, TimedOut) as error:
            _log.warning("operations of staff wait for their outcome", reason=str(error))

    @asynccontextmanager
    async def settling(self, wait: Callable[[], Awaitable[None]] = interval) -> AsyncIterator[None]:
        """Call `settle_open` at the start of the block and after each `wait`, while the block runs."""
        async with in_background(repeat(self._round, wait)):
            yield
