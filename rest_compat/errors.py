"""The errors of the REST layer.

```
RestError                      status, code, message, details and headers of the response
├── ValidationFailed           400  VALIDATION_ERROR, lists every bad field
├── Unauthenticated            401  UNAUTHENTICATED, with WWW-Authenticate
│   ├── InvalidDpopProof       the proof for a bound token is missing or not valid
│   └── DpopNonceRequired      the proof has no recent nonce, with DPoP-Nonce
├── NotFound                   404  NOT_FOUND
├── MethodNotAllowed           405  METHOD_NOT_ALLOWED, with Allow
├── NotAcceptable              406  NOT_ACCEPTABLE
├── PreconditionFailed         412  PRECONDITION_FAILED
├── PayloadTooLarge            413  PAYLOAD_TOO_LARGE
├── UnsupportedMediaType       415  UNSUPPORTED_MEDIA_TYPE, with Accept
├── IdempotencyKeyInUse        409  IDEMPOTENCY_KEY_IN_USE
├── IdempotencyKeyReused       422  IDEMPOTENCY_KEY_REUSED
├── Refused                    the bank returned a Problem; see the table in `error_translation`
└── Failed                     a GraphQL error or null, or no response of the router; see `error_translation`
RouterError                    the router gave no GraphQL response; `error_translation` makes it a `Failed`
├── RouterUnreachable          503
├── RouterTimeout              504
└── MalformedResponse          500, because it is a defect of the platform
```
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from servicekit import errors
from servicekit.dpop.nonces import HEADER as NONCE_HEADER
from servicekit.dpop.nonces import USE_DPOP_NONCE

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

REALM = 'Bearer realm="mosafe"'
INVALID_TOKEN = f'{REALM}, error="invalid_token"'

PathStep = str | int


@dataclass(frozen=True, slots=True)
class FieldError:
    """An invalid input.

    Attributes:
        path: for example `("body", "metadata", "note")`, `("query", "limit")` or `("header", "Idempotency-Key")`.
        code: a stable code in upper snake case.
        message: a human-readable text, which never repeats the input.
    """

    path: tuple[PathStep, ...]
    code: str
    message: str

    def to_json(self) -> dict[str, object]:
        return {"path": list(self.path), "code": self.code, "message": self.message}


class RestError(Exception):
    """An error response. All of its content may be shown to clients."""

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
    """The request has invalid inputs.

    Attributes:
        fields: every invalid input.
        valid: the converted fields of the body that are valid.
    """

    status = errors.BadUserInput.status
    code = "VALIDATION_ERROR"
    message = "The request is not valid"

    def __init__(self, fields: Sequence[FieldError], valid: Mapping[str, object] | None = None) -> None:
        self.fields = tuple(fields)
        self.valid: Mapping[str, object] = valid or {}
        super().__init__(details={"fields": [field.to_json() for field in fields]})

    def extended(self, more: Iterable[FieldError], name: str) -> ValidationFailed:
        """Return a copy with further errors: those errors in `more` that are about the body's field `name`."""
        return ValidationFailed([*self.fields, *(error for error in more if error.path[:2] == ("body", name))])


class Unauthenticated(RestError):
    status = errors.Unauthenticated.status
    code = errors.Unauthenticated.code
    message = errors.Unauthenticated.default_message

    def __init__(self, challenge: str = REALM, **headers: str) -> None:
        super().__init__(headers={"www-authenticate": challenge, **headers})


class InvalidDpopProof(Unauthenticated):
    def __init__(self) -> None:
        super().__init__(f'{REALM}, error="invalid_dpop_proof"')


class DpopNonceRequired(Unauthenticated):
    def __init__(self, nonce: str) -> None:
        super().__init__(f'{REALM}, error="{USE_DPOP_NONCE}"', **{NONCE_HEADER: nonce})


class NotFound(RestError):
    status = 404
    code = "NOT_FOUND"
    message = "There is no such route"


class MethodNotAllowed(RestError):
    status = 405
    code = "METHOD_NOT_ALLOWED"
    message = "This route does not have that method"

    def __init__(self, allow: str) -> None:
        super().__init__(headers={"allow": allow})


class NotAcceptable(RestError):
    status = 406
    code = "NOT_ACCEPTABLE"
    message = "Responses are application/json"


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
    """The status, the code and the message of an error response."""

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
    """The bank refused the request."""


class Failed(_Translated):
    """The request could not be carried out, or its resource does not exist."""


class RouterError(Exception):
    """The router gave no GraphQL response. The cause is logged but not sent to the client."""


class RouterUnreachable(RouterError):
    """The connection failed or broke, or a gateway responded with 5xx without a GraphQL response."""


class RouterTimeout(RouterError):
    """The router's response was not complete in time."""


class MalformedResponse(RouterError):
    """The response is not JSON, has neither `data` nor `errors`, or lacks fields that the operation selects."""
