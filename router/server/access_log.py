"""Writes one log line for each request: client, operation, status, errors, and the time of each step.

The line never has the variables, the document, the query string or the client's address. The path in the line is the
path of a route, not the path that the client sent. Other values that the client chooses are cut to `LONGEST`
characters. `servicekit.logging` adds the ids of the request and the trace.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import msgspec
import structlog

from servicekit.logged_paths import UNKNOWN_PATH
from servicekit.logging import request_lines, without_private_parts

if TYPE_CHECKING:
    from collections.abc import Mapping

    from router.request.log_fields import RequestRecord
    from router.settings.sections.limits import LimitName
    from servicekit.asgi import Scope

LONGEST = 200
"""Values that the client chooses, such as the operation name, are cut to this number of characters."""

MOST_CODES = 10
"""The largest number of error codes in one line. A response can have more codes."""

_log = structlog.stdlib.get_logger("access")


class LogLine:
    """Collects the log line of one request, and writes the line. `status` is 500 until another status is set."""

    __slots__ = ("batch", "body_bytes", "code", "exceeds", "path", "record", "size", "status")

    def __init__(self) -> None:
        self.status = 500
        self.path = UNKNOWN_PATH
        self.size = 0
        self.body_bytes = 0
        self.code: str | None = None
        self.record: RequestRecord | None = None
        self.batch: int | None = None
        self.exceeds: list[LimitName] = []

    def write(self, scope: Scope, headers: Mapping[str, str], seconds: float) -> None:
        """Write the line. `seconds` is the duration of the request."""
        method, record = scope["method"], self.record
        exceeds = [*self.exceeds, *record.exceeds] if record is not None else self.exceeds
        line = _LineOfRequest(
            method,
            self.path,
            self.status,
            _ms(seconds),
            self.body_bytes,
            self.size if method != "HEAD" else 0,
            _public(headers.get("apollographql-client-name")),
            _public(headers.get("apollographql-client-version")),
            self.code,
            self.batch,
            exceeds or None,
        )
        if record is not None:
            _add(line, record)
        lines = request_lines()
        if lines is None or not lines.write(line):
            _log.info("request", **msgspec.to_builtins(line))


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


def _add(line: _LineOfRequest, record: RequestRecord) -> None:
    """Set the field `operation` of the line and all fields after it."""
    execute, fetch = record.execute, record.fetch
    line.operation = _cut(record.operation_name)
    line.operation_kind = record.operation_kind
    line.operation_hash = record.operation_hash
    line.parse_ms = _ms(record.parse)
    line.validate_ms = _ms(record.validate)
    line.plan_ms = _ms(record.plan)
    line.fetch_ms = _ms(fetch)
    line.complete_ms = _ms(execute - fetch) if execute > fetch else 0.0
    line.fetches = record.fetches
    line.errors = record.errors
    line.error_codes = [_cut(code) for code in record.codes[:MOST_CODES]] if record.codes else None
    line.document_cached = record.document_cached
    line.plan_cached = record.plan_cached
    line.override_labels = list(record.override_labels) if record.override_labels else None
    line.listed = None if record.listed else False
    line.cost_estimated = record.cost_estimated
    line.cost_actual = record.cost_actual


def _public(text: str | None) -> str | None:
    return without_private_parts(text[:LONGEST]) if text is not None else None


def _cut(text: str | None) -> str | None:
    return text[:LONGEST] if text is not None else None


def _ms(seconds: float) -> float:
    # `round` with two digits takes four times as long.
    return int(seconds * 100_000 + 0.5) / 100 if seconds else 0.0
