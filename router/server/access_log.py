"""Writes one log line for each request: client, operation, status, errors, and the time of each step.

The line never has the variables, the document, the query string or the client's address. The path in the line is the
path of a route, not the path that the client sent. Other values that the client chooses are cut to `MAX_VALUE_LENGTH`
characters. `servicekit.logging` adds the ids of the request and the trace.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import msgspec
import structlog

from servicekit.logged_paths import UNKNOWN_PATH
from servicekit.logging import request_lines, without_private_parts

if TYPE_CHECKING:
    from collections.abc import Mapping

    from router.request.log_fields import RequestRecord
    from router.server.log_sampling import LogSampling
    from router.settings.sections.limits import LimitName

MAX_VALUE_LENGTH = 200
"""Values that the client chooses, such as the operation name, are cut to this number of characters."""

MAX_CODES = 10
"""The largest number of error codes in one line. A response can have more codes."""

_FIRST_ERROR_STATUS = 400

_log = structlog.stdlib.get_logger("access")


class LogLine:
    """Collects the log line of one request, and writes the line. `status` is 500 until another status is set.

    `sampling` decides whether the line is written. If it is None, the line is always written.
    """

    __slots__ = ("_sampling", "batch", "body_bytes", "code", "exceeds", "path", "record", "size", "status")

    def __init__(self, sampling: LogSampling | None = None) -> None:
        self._sampling = sampling
        self.status = 500
        self.path = UNKNOWN_PATH
        self.size = 0
        self.body_bytes = 0
        self.code: str | None = None
        self.record: RequestRecord | None = None
        self.batch: int | None = None
        self.exceeds: list[LimitName] = []

    def write(self, method: str, headers: Mapping[str, str], seconds: float) -> None:
        """Write the line, unless the sampling leaves it out. `seconds` is the duration of the request."""
        record, sampling = self.record, self._sampling
        exceeds = [*self.exceeds, *record.exceeds] if record is not None else self.exceeds
        is_sampled = sampling is not None and not exceeds and seconds < sampling.slow and self._is_usual()
        if sampling is not None and is_sampled and not sampling.takes_next():
            return
        client, version = headers.get("apollographql-client-name"), headers.get("apollographql-client-version")
        line = _LineOfRequest(
            method,
            self.path,
            self.status,
            _ms(seconds),
            self.body_bytes,
            self.size if method != "HEAD" else 0,
            _public(client) if client is not None else None,
            _public(version) if version is not None else None,
            self.code,
            self.batch,
            exceeds or None,
            *(_fields(record) if record is not None else ()),
        )
        if sampling is not None and is_sampled:
            line.sampled_one_in = sampling.one_in
        lines = request_lines()
        if lines is None or not lines.write(line):
            _log.info("request", **msgspec.to_builtins(line))

    def _is_usual(self) -> bool:
        """Return whether the request was answered without errors, and its document is on the list, if there is one."""
        record = self.record
        is_ok = self.status < _FIRST_ERROR_STATUS and self.code is None
        return is_ok and (record is None or (record.errors == 0 and record.listed))


class _LineOfRequest(msgspec.Struct, omit_defaults=True, gc=False):
    """The fields of the line, in their order. A field that is None is left out."""

    method: str
    path: str
    status: int
    ms: float
    request_bytes: int
    bytes: int
    client: str | None = None
    client_version: str | None = None
    code: str | None = None
    batch: int | None = None
    exceeds: list[LimitName] | None = None
    operation: str | None = None
    operation_kind: str | None = None
    operation_hash: str | None = None
    parse_ms: float | None = None
    validate_ms: float | None = None
    plan_ms: float | None = None
    fetch_ms: float | None = None
    complete_ms: float | None = None
    fetches: int | None = None
    errors: int | None = None
    error_codes: list[str | None] | None = None
    document_cached: bool | None = None
    plan_cached: bool | None = None
    override_labels: list[str] | None = None
    listed: bool | None = None
    cost_estimated: int | None = None
    cost_actual: int | None = None
    sampled_one_in: int | None = None


def _fields(record: RequestRecord) -> tuple[Any, ...]:
    """Return the field `operation` of the line and all fields after it."""
    execute, fetch, name = record.execute, record.fetch, record.operation_name
    return (
        _cut(name) if name is not None else None,
        record.operation_kind,
        record.operation_hash,
        # A document and a plan from the caches took no time. A call would take longer than this comparison.
        _ms(record.parse) if record.parse else 0.0,
        _ms(record.validate) if record.validate else 0.0,
        _ms(record.plan) if record.plan else 0.0,
        _ms(fetch),
        _ms(execute - fetch) if execute > fetch else 0.0,
        record.fetches,
        record.errors,
        [_cut(code) for code in record.codes[:MAX_CODES]] if record.codes else None,
        record.document_cached,
        record.plan_cached,
        list(record.override_labels) if record.override_labels else None,
        None if record.listed else False,
        record.cost_estimated,
        record.cost_actual,
    )


def _public(text: str) -> str:
    return without_private_parts(text[:MAX_VALUE_LENGTH])


def _cut(text: str) -> str:
    return text[:MAX_VALUE_LENGTH]


def _ms(seconds: float) -> float:
    # `round` with two digits takes four times as long.
    return int(seconds * 100_000 + 0.5) / 100 if seconds else 0.0
