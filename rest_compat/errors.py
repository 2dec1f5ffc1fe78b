"""What a REST client may be told when its request does not succeed.

::

    RestError                      status, code, message, details and headers of the answer
    ├── ValidationFailed           400  VALIDATION_ERROR, lists every bad field
    ├── Unauthenticated            401  UNAUTHENTICATED, with WWW-Authenticate
    ├── NotFound                   404  the code of the route's missing resource, else NOT_FOUND
    ├── MethodNotAllowed           405  METHOD_NOT_ALLOWED, with Allow
    ├── NotAcceptable              406  NOT_ACCEPTABLE
    ├── PreconditionFailed         412  PRECONDITION_FAILED
    ├── PayloadTooLarge            413  PAYLOAD_TOO_LARGE
    ├── UnsupportedMediaType       415  UNSUPPORTED_MEDIA_TYPE, with Accept
    ├── IdempotencyKeyInUse        409  IDEMPOTENCY_KEY_IN_USE
    ├── IdempotencyKeyReused       422  IDEMPOTENCY_KEY_REUSED
    ├── Refused                    what a Problem says, by the table of `translation`
    └── Faulted                    what a GraphQL error says, by the table of `translation`
    RouterError                    the router did not answer; `translation` makes it a Faulted
    ├── RouterUnreachable
    ├── RouterTimeout
    └── MalformedAnswer            what came back is no GraphQL response: our side's mistake, hence a 500
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from servicekit import errors

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

REALM = 'Bearer realm="mosafe"'
INVALID_TOKEN = f'{REALM}, error="invalid_token"'

PathStep = str | int


@dataclass(frozen=True, slots=True)
class FieldError:
    """One bad input.

    Attributes:
        path: where it lies: `("body", "metadata", "note")`, `("query", "limit")`, `("header", "Idempotency-Key")`.
        code: stable, upper snake case.
        message: for people; never repeats the input.
    """

    path: tuple[PathStep, ...]
    code: str
    message: str

    def to_json(self) -> dict[str, object]:
        return {"path": list(self.path), "code": self.code, "message": self.message}


class RestError(Exception):
    """An answer other than success; everything in it is safe for clients."""

    status: int
    code: str
    message: str

    def __init__(
        self, *, details: Mapping[str, object] | None = None, headers: Mapping[str, str] | None = None
    ) -> None:
        self.details: Mapping[str, object] = details or {}
        self.headers: Mapping[str, str] = headers or {}
        super().__init__(self.message)


class ValidationFailed(RestError):
    status = errors.BadUserInput.status
    code = "VALIDATION_ERROR"
    message = "The request is not valid"

    def __init__(self, fields: Sequence[FieldError]) -> None:
        self.fields = tuple(fields)
        super().__init__(details={"fields": [field.to_json() for field in fields]})


class Unauthenticated(RestError):
    status = errors.Unauthenticated.status
    code = errors.Unauthenticated.code
    message = errors.Unauthenticated.default_message

    def __init__(self, challenge: str = REALM) -> None:
        super().__init__(headers={"www-authenticate": challenge})


class NotFound(RestError):
    status = 404
    code = "NOT_FOUND"
    message = "There is no such route"

    def __init__(
        self, code: str | None = None, message: str | None = None, details: Mapping[str, object] | None = None
    ) -> None:
        self.code = code or self.code
        self.message = message or self.message
        super().__init__(details=details)


class MethodNotAllowed(RestError):
    status = 405
    code = "METHOD_NOT_ALLOWED"
    message = "This route does not have that method"

    def __init__(self, allow: str) -> None:
        super().__init__(headers={"allow": allow})


class NotAcceptable(RestError):
    status = 406
    code = "NOT_ACCEPTABLE"
    message = "Answers are application/json"


class PreconditionFailed(RestError):
    status = 412
    code = "PRECONDITION_FAILED"
    message = "The resource has changed since it was read"


class PayloadTooLarge(RestError):
    status = 413
    code = "PAYLOAD_TOO_LARGE"
    message = "The body is too large"


class UnsupportedMediaType(RestError):
    status = 415
    code = "UNSUPPORTED_MEDIA_TYPE"
    message = "Send the body as application/json"

    def __init__(self) -> None:
        super().__init__(headers={"accept": "application/json"})


class IdempotencyKeyInUse(RestError):
    status = 409
    code = "IDEMPOTENCY_KEY_IN_USE"
    message = "The first request with this key is still running"


class IdempotencyKeyReused(RestError):
    status = 422
    code = "IDEMPOTENCY_KEY_REUSED"
    message = "The idempotency key was used for another request"


@dataclass(frozen=True, slots=True)
class Reason:
    """Status, code and message of an answer, as a table has them."""

    status: int
    code: str
    message: str


class _Translated(RestError):
    def __init__(
        self,
        reason: Reason,
        *,
        details: Mapping[str, object] | None = None,
        headers: Mapping[str, str] | None = None,
    ) -> None:
        self.status, self.code, self.message = reason.status, reason.code, reason.message
        super().__init__(details=details, headers=headers)


class Refused(_Translated):
    """The bank said no."""


class Faulted(_Translated):
    """The bank could not answer."""


class RouterError(Exception):
    """The router gave no GraphQL response; the cause is for the log."""


class RouterUnreachable(RouterError):
    """No connection, a broken one, or a gateway's 5xx without a GraphQL response."""


class RouterTimeout(RouterError):
    """No whole answer in time."""


class MalformedAnswer(RouterError):
    """An answer that is not JSON, or has neither `data` nor `errors`, or not the shape its operation promises."""
