"""What clients see of errors.

The router's own findings (a document that is not valid, a null where none may be) are about the client's request and
pass as they are. What a subgraph says may name tables, hosts and people, so by default it is replaced:

    code on the allow list     message, code, and the extensions on their allow list
    the subgraph did not answer as it must (the codes of `TransportError`)
                               the code that is configured for it, and how long to wait if it said so, with a message
                               that names neither the service nor its address
    anything else              a fixed message and DOWNSTREAM_SERVICE_ERROR

Whatever was replaced carries `extensions.errorId`, and a log line with the same id tells what really happened. The
copies of one error at many paths share an id and a line.
"""

from __future__ import annotations

import secrets
from typing import TYPE_CHECKING, Any

import structlog

from router.errors import (
    DOWNSTREAM_SERVICE_ERROR,
    SubgraphMalformedResponse,
    SubgraphTimeout,
    SubgraphUnreachable,
)
from router.transport.failures import MALFORMED, NOT_AVAILABLE, TIMED_OUT

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from router.errors import ResponseError
    from router.settings.sections.errors import Errors

TRANSPORT_MESSAGES: Mapping[str, str] = {
    SubgraphUnreachable.code: NOT_AVAILABLE,
    SubgraphTimeout.code: TIMED_OUT,
    SubgraphMalformedResponse.code: MALFORMED,
}

_log = structlog.stdlib.get_logger("errors")


def codes_of(entries: Iterable[Mapping[str, Any]]) -> tuple[str, ...]:
    """The codes of a response's errors, each once."""
    codes = (entry.get("extensions", {}).get("code") for entry in entries)
    return tuple(dict.fromkeys(code for code in codes if isinstance(code, str)))


def new_error_id() -> str:
    """An id that a client can quote and an operator can search for."""
    return f"err_{secrets.token_hex(8)}"


class ErrorMasking:
    """Turns errors into the entries of a response (GraphQL specification, "Errors")."""

    def __init__(self, errors: Errors) -> None:
        codes = errors.transport_codes
        self._transport_codes: Mapping[str | None, str] = {
            SubgraphUnreachable.code: codes.unreachable,
            SubgraphTimeout.code: codes.timeout,
            SubgraphMalformedResponse.code: codes.malformed,
        }
        self._mask = errors.mask
        self._message = errors.message
        self._codes = frozenset(errors.allow_codes)
        self._keys = frozenset(errors.allow_extensions)
        self._own_codes = {name: self._codes | set(own.allow_codes) for name, own in errors.subgraphs.items()}
        self._own_keys = {name: self._keys | set(own.allow_extensions) for name, own in errors.subgraphs.items()}

    def apply(self, errors: Iterable[ResponseError]) -> list[dict[str, object]]:
        """JSON objects in the order of `errors`."""
        ids: dict[tuple[str | None, str | None, str], str] = {}
        return [self._entry(error, ids) for error in errors]

    def _entry(self, error: ResponseError, ids: dict[tuple[str | None, str | None, str], str]) -> dict[str, object]:
        if error.origin is None:
            return _format(error, error.message, _with_code(error.code, error.extensions))
        if not self._mask:
            code = self._transport_codes.get(error.code, error.code)
            return _format(error, error.message, _with_code(code, {**error.extensions, "service": error.origin}))
        if error.code in self._own_codes.get(error.origin, self._codes) and error.code not in TRANSPORT_MESSAGES:
            keys = self._own_keys.get(error.origin, self._keys)
            kept = {key: value for key, value in error.extensions.items() if key in keys}
            return _format(error, error.message, _with_code(error.code, kept))
        code = self._transport_codes.get(error.code, DOWNSTREAM_SERVICE_ERROR)
        message = TRANSPORT_MESSAGES.get(error.code or "", self._message)
        extensions: dict[str, object] = {"code": code, "errorId": self._logged(error, ids)}
        wait = error.extensions.get("retryAfter")
        if error.code in self._transport_codes and isinstance(wait, int):
            extensions["retryAfter"] = wait
        return _format(error, message, extensions)

    def _logged(self, error: ResponseError, ids: dict[tuple[str | None, str | None, str], str]) -> str:
        cause = (error.origin, error.code, error.message)
        if cause not in ids:
            ids[cause] = new_error_id()
            _log.warning(
                "subgraph error masked",
                error_id=ids[cause],
                subgraph=error.origin,
                code=error.code,
                cause=error.message,
                detail=error.detail,
                path=error.path,
            )
        return ids[cause]


def _with_code(code: str | None, extensions: Mapping[str, object]) -> dict[str, object]:
    return dict(extensions) if code is None else {"code": code, **extensions}


def _format(error: ResponseError, message: str, extensions: Mapping[str, object]) -> dict[str, object]:
    entry: dict[str, object] = {"message": message}
    if error.origin is None and error.locations:
        entry["locations"] = [{"line": line, "column": column} for line, column in error.locations]
    if error.path is not None:
        entry["path"] = list(error.path)
    if extensions:
        entry["extensions"] = extensions
    return entry
