"""Replaces the errors of subgraphs with errors that clients may see.

Errors that the router itself reports (such as an invalid document) are not replaced, because they only describe the
client's request. The message of a subgraph's error can contain internal names or personal data, such as a host name. By
default, the client sees only this:

    error of a subgraph                   what the client sees
    its code is in `allow_codes`          its message, its code, and its extensions that are in `allow_extensions`
    there was no usable response          the code that `transport_codes` configures, `retryAfter` if the subgraph sent
                                          it, and a message without the name and the address of the subgraph
    its code is in `messages`             the message of the setting, its code, and its `retryAfter`, if any
    any other error                       a fixed message and DOWNSTREAM_SERVICE_ERROR

A replaced error has `extensions.errorId`, and a log line with the same id has the original error. Errors with the same
subgraph, code and message share one id and one log line.
"""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

import structlog

from router.errors import (
    DOWNSTREAM_SERVICE_ERROR,
    SubgraphCostExceeded,
    SubgraphMalformedResponse,
    SubgraphTimeout,
    SubgraphUnreachable,
)
from router.pipeline.error_formatting import new_error_id
from router.pipeline.stage import Stage
from router.transport.fetch_failures import MALFORMED, NOT_AVAILABLE, TIMED_OUT

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

    from router.errors import ResponseError
    from router.pipeline.request_context import RequestContext
    from router.policies.policy_setup import PolicySetup
    from router.settings.sections.errors import Errors

TRANSPORT_MESSAGES: Mapping[str, str] = {
    SubgraphUnreachable.code: NOT_AVAILABLE,
    SubgraphTimeout.code: TIMED_OUT,
    SubgraphMalformedResponse.code: MALFORMED,
    SubgraphCostExceeded.code: "The fields cost a service more than one request may.",
}

_log = structlog.stdlib.get_logger("errors")


class ErrorMasking(Stage):
    """Replaces errors of subgraphs according to `settings.errors`."""

    def __init__(self, errors: Errors) -> None:
        codes = errors.transport_codes
        self._transport_codes: Mapping[str | None, str] = {
            SubgraphUnreachable.code: codes.unreachable,
            SubgraphTimeout.code: codes.timeout,
            SubgraphMalformedResponse.code: codes.malformed,
            SubgraphCostExceeded.code: SubgraphCostExceeded.code,
        }
        self._mask = errors.mask
        self._message = errors.message
        self._messages = {**errors.messages, **TRANSPORT_MESSAGES}
        # Maps the code of a masked error to the code that the client sees.
        self._visible_codes: Mapping[str | None, str] = {
            **{code: code for code in errors.messages},
            **self._transport_codes,
        }
        self._codes = frozenset(errors.allow_codes)
        self._keys = frozenset(errors.allow_extensions)
        self._own_codes = {name: self._codes | set(own.allow_codes) for name, own in errors.subgraphs.items()}
        self._own_keys = {name: self._keys | set(own.allow_extensions) for name, own in errors.subgraphs.items()}

    @classmethod
    def configured(cls, inputs: PolicySetup) -> ErrorMasking:
        """Return the stage, never None: even without masking, the stage sets the codes of `transport_codes`."""
        return cls(inputs.settings.errors)

    def on_errors(self, context: RequestContext, errors: Sequence[ResponseError]) -> Sequence[ResponseError]:
        """Replace the errors of subgraphs in `errors`. Return all errors."""
        del context
        return self.apply(errors)

    def apply(self, errors: Iterable[ResponseError]) -> list[ResponseError]:
        """Return the errors that the client sees, in the order of `errors`."""
        ids: dict[tuple[str | None, str | None, str], str] = {}
        return [error if error.origin is None else self._visible(error, error.origin, ids) for error in errors]

    def _visible(
        self, error: ResponseError, origin: str, ids: dict[tuple[str | None, str | None, str], str]
    ) -> ResponseError:
        if not self._mask:
            code = self._transport_codes.get(error.code, error.code)
            return replace(error, code=code, extensions={**error.extensions, "service": origin})
        if error.code in self._own_codes.get(origin, self._codes) and error.code not in TRANSPORT_MESSAGES:
            keys = self._own_keys.get(origin, self._keys)
            return replace(error, extensions={key: value for key, value in error.extensions.items() if key in keys})
        extensions: dict[str, object] = {"errorId": self._logged(error, ids)}
        wait = error.extensions.get("retryAfter")
        if error.code in self._visible_codes and isinstance(wait, int):
            extensions["retryAfter"] = wait
        return replace(
            error,
            message=self._messages.get(error.code or "", self._message),
            code=self._visible_codes.get(error.code, DOWNSTREAM_SERVICE_ERROR),
            extensions=extensions,
        )

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
