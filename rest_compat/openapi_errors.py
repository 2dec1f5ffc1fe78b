"""Describes errors for the OpenAPI document: the error envelope of bank §3.8, and RFC 9457's problem document."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

from rest_compat import error_translation
from rest_compat.errors import ValidationFailed
from rest_compat.negotiation import JSON, PROBLEM_JSON
from rest_compat.responses import ErrorOccurrence, envelope, problem_document

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from rest_compat.errors import Reason
    from rest_compat.scalars import JsonSchema

_TEXT: Final[JsonSchema] = {"type": "string"}
_TIME: Final[JsonSchema] = {"type": "string", "format": "date-time"}
_REQUEST_ID: Final = "req_018f3c5e7b1a7c3d8e4f5a6b"
_TIMESTAMP: Final = "2026-01-31T09:30:00.000Z"

_FIELD_ERROR: Final[JsonSchema] = {
    "type": "object",
    "properties": {
        "path": {
            "type": "array",
            "items": {"type": ["string", "integer"]},
            "description": "`body`, `query` or `header`, then the name, then the path inside the value.",
        },
        "code": _TEXT,
        "message": _TEXT,
    },
    "required": ["path", "code", "message"],
}
_DETAILS: Final[JsonSchema] = {
    "type": "object",
    "description": "Facts about the error; `fields` lists every bad input.",
    "properties": {
        **error_translation.DETAIL_SCHEMAS,
        "fields": {"type": "array", "items": {"$ref": "#/components/schemas/FieldError"}},
    },
}
SCHEMAS: Final[Mapping[str, JsonSchema]] = {
    "FieldError": _FIELD_ERROR,
    "ErrorDetails": _DETAILS,
    "Error": {
        "type": "object",
        "properties": {
            "error": {
                "type": "object",
                "properties": {
                    "code": _TEXT,
                    "message": _TEXT,
                    "details": {"$ref": "#/components/schemas/ErrorDetails"},
                },
                "required": ["code", "message", "details"],
                "additionalProperties": False,
            },
            "requestId": _TEXT,
            "timestamp": _TIME,
        },
        "required": ["error", "requestId", "timestamp"],
        "additionalProperties": False,
    },
    "Problem": {
        "type": "object",
        "properties": {
            "type": {"type": "string", "format": "uri"},
            "title": _TEXT,
            "status": {"type": "integer"},
            "detail": _TEXT,
            "instance": {"type": "string", "format": "uri"},
            "code": _TEXT,
            "details": {"$ref": "#/components/schemas/ErrorDetails"},
            "requestId": _TEXT,
            "timestamp": _TIME,
        },
        "required": ["type", "title", "status", "detail", "instance", "code", "details", "requestId", "timestamp"],
    },
}

_DETAIL_EXAMPLES: Final[Mapping[str, Mapping[str, Any]]] = {
    ValidationFailed.code: {
        "fields": [{"path": ["query", "limit"], "code": "TYPE", "message": "must be a whole number"}]
    },
    "INVALID_ACCOUNT": {"accountId": "6560d1b2c3d4e5f601234567", "reason": "Account has been closed"},
    "INVALID_TRANSACTION": {"transactionId": "6560d1b2c3d4e5f601234999"},
    "INSUFFICIENT_FUNDS": {"available": "80.00", "requested": "100.00", "currency": "EUR"},
    "ACCOUNT_NOT_EMPTY": {"balance": "100.00", "currency": "EUR"},
    "WEAK_PASSWORD": {"minimumLength": 8},
    "LIMIT_REACHED": {"limit": 100},
}


def error_content(reasons: Sequence[Reason]) -> dict[str, Any]:
    """Return the content of the error responses for `reasons`, which all have the same status."""
    codes: JsonSchema = {"properties": {"code": {"enum": [reason.code for reason in reasons]}}}
    envelope_schema = {"allOf": [{"$ref": "#/components/schemas/Error"}, {"properties": {"error": codes}}]}
    problem_schema = {"allOf": [{"$ref": "#/components/schemas/Problem"}, codes]}
    return {
        JSON: {
            "schema": envelope_schema,
            "examples": {r.code: {"value": envelope(r, _occurrence(r))} for r in reasons},
        },
        PROBLEM_JSON: {
            "schema": problem_schema,
            "examples": {r.code: {"value": problem_document(r, _occurrence(r))} for r in reasons},
        },
    }


def _occurrence(reason: Reason) -> ErrorOccurrence:
    return ErrorOccurrence(_DETAIL_EXAMPLES.get(reason.code, {}), _REQUEST_ID, _TIMESTAMP)
