"""Writes one log line for each request: client, operation, status, errors, and the time of each step.

The line never has the variables, the document, the query string or the client's address. The path in the line is the
path of a route, not the path that the client sent. Other values that the client chooses are cut to `LONGEST`
characters. `servicekit.logging` adds the ids of the request and the trace.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import structlog

from servicekit.logged_paths import UNKNOWN_PATH
from servicekit.logging import without_private_parts

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
        line: dict[str, object] = {
            "method": scope["method"],
            "path": self.path,
            "status": self.status,
            "ms": _ms(seconds),
            "request_bytes": self.body_bytes,
            "bytes": self.size if scope["method"] != "HEAD" else 0,
            "client": _public(headers.get("apollographql-client-name")),
            "client_version": _public(headers.get("apollographql-client-version")),
            "code": self.code,
            "batch": self.batch,
            "exceeds": [*self.exceeds, *(self.record.exceeds if self.record is not None else ())] or None,
            **(_fields_of(self.record) if self.record is not None else {}),
        }
        _log.info("request", **{key: value for key, value in line.items() if value is not None})


def _fields_of(record: RequestRecord) -> dict[str, object]:
    return {
        "operation": _cut(record.operation_name),
        "operation_kind": record.operation_kind,
        "operation_hash": record.operation_hash,
        "parse_ms": _ms(record.parse),
        "validate_ms": _ms(record.validate),
        "plan_ms": _ms(record.plan),
        "fetch_ms": _ms(record.fetch),
        "complete_ms": _ms(max(record.execute - record.fetch, 0.0)),
        "fetches": record.fetches,
        "errors": record.errors,
        "error_codes": [_cut(code) for code in record.codes[:MOST_CODES]] or None,
        "document_cached": record.document_cached,
        "plan_cached": record.plan_cached,
        "override_labels": list(record.override_labels) or None,
        "listed": None if record.listed else False,
        "cost_estimated": record.cost_estimated,
        "cost_actual": record.cost_actual,
    }


def _public(text: str | None) -> str | None:
    return without_private_parts(text[:LONGEST]) if text is not None else None


def _cut(text: str | None) -> str | None:
    return text[:LONGEST] if text is not None else None


def _ms(seconds: float) -> float:
    return round(seconds * 1000, 2)
