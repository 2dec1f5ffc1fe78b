"""Encodes responses: documents, the error envelope (bank §3.8), and the problem documents of RFC 9457."""

from __future__ import annotations

import json
from http import HTTPStatus
from typing import TYPE_CHECKING, Any, Final, NamedTuple

from starlette.responses import Response

from bank import values
from rest_compat.negotiation import JSON, PROBLEM_JSON
from servicekit import request_ids

if TYPE_CHECKING:
    from collections.abc import Mapping

    from rest_compat.errors import Reason, RestError

NO_STORE: Final[Mapping[str, str]] = {"cache-control": "no-store"}
# The request headers that decide the form of a response.
VARY: Final[Mapping[str, str]] = {"vary": "Accept, Authorization"}


def encode(document: Mapping[str, Any]) -> bytes:
    """Return the bytes of a document. Its entity tag is a hash of these bytes."""
    return json.dumps(document, ensure_ascii=False, separators=(",", ":")).encode()


def json_response(status: int, body: bytes | None, headers: Mapping[str, str]) -> Response:
    """Return a response. If `body` is None, the response has no content type.

    Otherwise, the content type is JSON, unless `headers` contains another content type.
    """
    content_type = {} if body is None else {"content-type": JSON}
    return Response(body, status, headers={**VARY, **content_type, **headers})


class ErrorOccurrence(NamedTuple):
    """The facts about one error response: the details of the error, the id of the request, and the time (bank §1)."""

    details: Mapping[str, object]
    request_id: str
    timestamp: str


def error_response(error: RestError, *, as_problem: bool) -> Response:
    """Return the error response in the form that the client accepts."""
    occurrence = ErrorOccurrence(error.details, _request_id(), values.format_timestamp(values.now()))
    form, media_type = (problem_document, PROBLEM_JSON) if as_problem else (envelope, JSON)
    headers = {**NO_STORE, **VARY, **error.headers, "content-type": media_type}
    return Response(encode(form(error, occurrence)), error.status, headers=headers)


def envelope(error: RestError | Reason, occurrence: ErrorOccurrence) -> dict[str, Any]:
    """Return the error as the envelope of bank §3.8."""
    return {
        "error": {"code": error.code, "message": error.message, "details": occurrence.details},
        "requestId": occurrence.request_id,
        "timestamp": occurrence.timestamp,
    }


def problem_document(error: RestError | Reason, occurrence: ErrorOccurrence) -> dict[str, Any]:
    """Return the error as a problem document of RFC 9457, extended with the members of the envelope."""
    return {
        "type": f"urn:mosafe:error:{error.code}",
        "title": HTTPStatus(error.status).phrase,
        "status": error.status,
        "detail": error.message,
        "instance": f"urn:mosafe:request:{occurrence.request_id}",
        "code": error.code,
        "details": occurrence.details,
        "requestId": occurrence.request_id,
        "timestamp": occurrence.timestamp,
    }


def _request_id() -> str:
    request = request_ids.current()
    return "" if request is None else request.request_id
