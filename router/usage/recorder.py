"""`UsageRecorder`: counts requests in memory, and writes the counts to a store in the background.

    request ─> record (in memory, a few microseconds) ─> every `flush_interval`: normalise, find coordinates ─> store

If the store is full, locked or unreachable, no request fails because of it. The counts wait in memory for the next
attempt. There is a limit for everything that waits. Requests above the limit are not recorded; `RecorderStatus` has
their number.
"""

from __future__ import annotations

import asyncio
import time
from bisect import bisect_left
from contextlib import suppress
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Final

import structlog

from router.usage.normalised_operations import MAX_OPERATIONS, NormalisedOperations, OperationKey
from router.usage.usage_data import BUCKET_SECONDS, MINUTE, Client, Counts, UsageBatch
from router.usage.variable_coordinates import InputVariables, input_variables, variable_coordinates
from servicekit.errors import StartupError, StoreFailure

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable, Mapping, Sequence

    from router.get_operation import PreparedOperation
    from router.preparation.operation_seen_by_stages import Operation
    from router.usage.usage_store import UsageStore

MAX_WAITING_VARIABLES: Final = 1_000
"""The maximum number of requests whose variables are kept in memory, until the recorder looks at the variables."""

MAX_CLIENT_LENGTH: Final = 100
"""Names and versions of clients are cut to this number of characters."""

OTHER_CLIENTS: Final = Client("(other)", "")
"""Stands for all clients above the limit `RecorderLimits.clients`."""

_LOOK_AT: Final = 100
_HOUR_SECONDS: Final = 3_600.0

_log = structlog.stdlib.get_logger("usage")

CountKey = tuple[str, "str | None", "str | None", "str | None"]
"""An operation, and the name and the version of a client."""


@dataclass(frozen=True, slots=True)
class RecorderLimits:
    """Limits for memory and for the store, and the time between two writes.

    Attributes:
        flush_interval: Seconds between two writes.
        one_in: With n, each recorded request counts as n requests.
        operations: The largest number of counters between two writes. There is one for each operation of each client.
        clients: The largest number of clients between two writes. Further clients count as `OTHER_CLIENTS`.
        stored_operations: The largest number of operations in the store.
        keep_days: After this number of days, counts are deleted.
        keep_minutes_days: After this number of days, only the sums of whole days are kept.
    """

    flush_interval: float = 10.0
    one_in: int = 1
    operations: int = 10_000
    clients: int = 1_000
    stored_operations: int = 200_000
    keep_days: int = 90
    keep_minutes_days: int = 3


@dataclass(slots=True)
class RecorderStatus:
    """What happened to the recorded requests of this process.

    Attributes:
        recorded: Requests that were counted.
        not_recorded: Requests that were not counted, because a limit was reached.
        failed_writes: Attempts to write that failed.
        last_failure: Why the last attempt failed; None if it did not fail.
    """

    recorded: int = 0
    not_recorded: int = 0
    failed_writes: int = 0
    last_failure: str | None = None


@dataclass(slots=True, eq=False)
class _Counted:
    """The requests of one client with one operation since the last write."""

    key: OperationKey
    operation: PreparedOperation
    inputs: InputVariables
    counts: Counts = field(default_factory=Counts)


class UsageRecorder:
    """Records usage in one process. All methods are called in the thread of the event loop."""

    def __init__(self, open_store: Callable[[], Awaitable[UsageStore]], limits: RecorderLimits) -> None:
        self.limits = limits
        self.status = RecorderStatus()
        self._open_store = open_store
        self._store: UsageStore | None = None
        self._table: dict[CountKey, _Counted] = {}
        self._variables: list[tuple[_Counted, Mapping[str, object]]] = []
        self._unseen_variables: dict[OperationKey, PreparedOperation] = {}
        self._pending = UsageBatch()
        self._known = NormalisedOperations()
        self._wake = asyncio.Event()
        self._is_closing = False
        self._described: set[int] = set()
        self._task: asyncio.Task[None] | None = None
        self._pruned_at = float("-inf")

    def record(
        self,
        operation: Operation,
        client: tuple[str | None, str | None],
        variables: Mapping[str, object],
        seconds: float,
        *,
        failed: bool,
    ) -> None:
        """Count one request.

        Args:
            operation: The operation.
            client: The name and the version of the client.
            variables: The variables as the client sent them.
            seconds: The duration of the request.
            failed: Whether the response has errors.
        """
        key = (operation.hash, operation.name, *client)
        counted = self._table.get(key)
        if counted is None:
            counted = self._start_counting(key, operation)
            if counted is None:
                self.status.not_recorded += 1
                return
        counts = counted.counts
        counts.requests += 1
        counts.seconds += seconds
        counts.buckets[bisect_left(BUCKET_SECONDS, seconds)] += 1
        if failed:
            counts.errors += 1
        if counted.inputs:
            self._look_at(counted, variables)

    def _start_counting(self, key: CountKey, operation: Operation) -> _Counted | None:
        if self._task is None:
            self._task = asyncio.get_running_loop().create_task(self._run())
        if len(self._table) + len(self._pending.counts) >= self.limits.operations:
            return None
        client = operation.sent
        counted = _Counted(key[:2], client, input_variables(client.api_schema, client.definition))
        self._table[key] = counted
        if counted.inputs and self.limits.one_in > 1:
            # The values in requests outside the sample are never looked at.
            self._unseen_variables[counted.key] = client
        return counted

    def _look_at(self, counted: _Counted, variables: Mapping[str, object]) -> None:
        waiting = len(self._variables)
        if waiting < MAX_WAITING_VARIABLES:
            self._variables.append((counted, variables))
            if waiting == _LOOK_AT:
                self._wake.set()
        else:
            self._unseen_variables[counted.key] = counted.operation

    async def _run(self) -> None:
        loop = asyncio.get_running_loop()
        flush_at = loop.time() + self.limits.flush_interval
        while not self._is_closing:
            try:
                async with asyncio.timeout_at(flush_at):
                    await self._wake.wait()
            except TimeoutError:
                await self._flush()
                flush_at = loop.time() + self.limits.flush_interval
            else:
                self._wake.clear()
                await self._collect()

    async def _flush(self) -> None:
        """Write everything that waits. If this fails, log and count the failure; the next attempt writes everything."""
        try:
            await self._collect()
            await self._write()
            self.status.last_failure = None
        except StoreFailure as failure:
            self._failed(failure.explanation)
        except StartupError as failure:
            self._failed(str(failure))
        except Exception as failure:  # noqa: BLE001  (the task must continue, and the log has the traceback)
            self._failed(f"{type(failure).__name__}: {failure}")
            with suppress(OSError):
                _log.exception("usage was not written because of a mistake of the router")

    def _failed(self, explanation: str) -> None:
        self.status.failed_writes += 1
        self.status.last_failure = explanation
        # The log can be on the same full disk. The status says what happened, and recording must continue.
        with suppress(OSError):
            _log.warning(
                "usage was not written",
                explanation=explanation,
                waiting=len(self._pending.counts),
                not_recorded=self.status.not_recorded,
            )

    async def _collect(self) -> None:
        """Add the recorded requests to the waiting batch. Documents are normalised in another thread."""
        table, self._table = self._table, {}
        variables, self._variables = self._variables, []
        unseen, self._unseen_variables = self._unseen_variables, {}
        minute = int(time.time()) // MINUTE
        if table or variables or unseen:
            await asyncio.to_thread(self._add, minute, table, variables, unseen)

    def _add(
        self,
        minute: int,
        table: dict[CountKey, _Counted],
        variables: Sequence[tuple[_Counted, Mapping[str, object]]],
        unseen: Mapping[OperationKey, PreparedOperation],
    ) -> None:
        batch = self._pending
        for (_, _, name, version), counted in table.items():
            recorded = self._known.normalise(counted.key, counted.operation)
            batch.operations.setdefault(recorded.id, recorded)
            client = self._client(batch, name, version)
            counts = batch.counts.setdefault((minute, recorded.id, client), Counts())
            counts.add(counted.counts, self.limits.one_in)
            self.status.recorded += counted.counts.requests
        for counted, values in variables:
            recorded = self._known.normalise(counted.key, counted.operation)
            batch.operations.setdefault(recorded.id, recorded)
            found = variable_coordinates(counted.inputs, values)
            batch.in_variables.setdefault(recorded.id, set()).update(found)
        for key, operation in unseen.items():
            recorded = self._known.normalise(key, operation)
            batch.operations.setdefault(recorded.id, recorded)
            batch.unknown_variables.add(recorded.id)

    def _client(self, batch: UsageBatch, name: str | None, version: str | None) -> Client:
        client = Client((name or "")[:MAX_CLIENT_LENGTH], (version or "")[:MAX_CLIENT_LENGTH])
        if client not in batch.clients and len(batch.clients) >= self.limits.clients:
            client = OTHER_CLIENTS
        batch.clients.add(client)
        return client

    def schema_changed(self) -> None:
        """Find the coordinates of all operations again, because the router serves another schema now."""
        self._known.clear()
        self._described.clear()

    async def _write(self) -> None:
        batch = self._pending
        if self._store is None:
            self._store = await self._open_store()
        if batch.counts or batch.in_variables or batch.unknown_variables:
            batch.described = batch.operations.keys() - self._described
            self.status.not_recorded += await self._store.write(batch, self.limits.stored_operations)
            self._pending = UsageBatch()
            if len(self._described) > MAX_OPERATIONS:
                self._described.clear()
            self._described |= batch.operations.keys()
        if time.monotonic() - self._pruned_at > _HOUR_SECONDS:
            await self._store.prune(time.time(), self.limits.keep_days, self.limits.keep_minutes_days)
            self._pruned_at = time.monotonic()

    async def aclose(self) -> None:
        """Write what waits, and close the store."""
        self._is_closing = True
        self._wake.set()
        if self._task is not None:
            await self._task
            await self._flush()
        if self._store is not None:
            await self._store.close()
