"""Translates GraphQL results to HTTP errors.

A GraphQL result can be a failure in three ways. If several apply, the first in this order decides (bank §3.4):

1. The response has `errors`. The table `ERRORS` contains the REST error for each `extensions.code`.
2. The field returned an object of the interface `Problem`: the bank has refused the request. The table `REFUSALS`
   contains the REST error for each code of a Problem.
3. The field is null. The REST error is the route's 404.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Final

from rest_compat.errors import (
    INVALID_TOKEN,
    REALM,
    Failed,
    FieldError,
    MalformedResponse,
    Reason,
    Refused,
    RestError,
    RouterError,
    RouterTimeout,
    RouterUnreachable,
    Unauthenticated,
    ValidationFailed,
)
from servicekit import errors
from servicekit.errors import RETRY_AFTER_SECONDS

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from rest_compat.graphql_client import ResponseError
    from rest_compat.scalars import JsonSchema


@dataclass(frozen=True, slots=True)
class Refusal:
    """The error response for a Problem.

    Attributes:
        message: an example for the documentation. Responses contain the message of the Problem instead.
        facts: maps a key in the error's `details` to the name of a field of the Problem, which contains the value. If
            the operation gives the field an alias, the name is this alias.
        headers: the headers that the status requires.
        challenge: makes the value of `WWW-Authenticate` from the facts, if it depends on them.
    """

    status: int
    message: str
    facts: Mapping[str, str] = field(default_factory=dict)
    headers: Mapping[str, str] = field(default_factory=dict)
    challenge: Callable[[Mapping[str, Any]], str] | None = None

    def headers_for(self, facts: Mapping[str, Any]) -> Mapping[str, str]:
        """Return the headers of a response whose `details` are `facts`."""
        return self.headers if self.challenge is None else {**self.headers, "www-authenticate": self.challenge(facts)}


def step_up_challenge(facts: Mapping[str, Any]) -> str:
    """Return the value of `WWW-Authenticate` for a login that is too old or too weak (RFC 9470 §3)."""
    acr_values, max_age = facts.get("acrValues"), facts.get("maxAge")
    parameters = [REALM, 'error="insufficient_user_authentication"']
    if isinstance(acr_values, list) and acr_values:
        parameters.append(f'acr_values="{" ".join(map(str, acr_values))}"')
    if isinstance(max_age, int):
        parameters.append(f'max_age="{max_age}"')
    return ", ".join(parameters)


def _same(*names: str) -> Mapping[str, str]:
    return {name: name for name in names}


# Maps the code of a Problem to its error response.
REFUSALS: Final[Mapping[str, Refusal]] = {
    "EMAIL_TAKEN": Refusal(409, "The e-mail address is already registered"),
    "WEAK_PASSWORD": Refusal(422, "The password is too weak", _same("minimumLength")),
    "INVALID_CREDENTIALS": Refusal(401, "E-mail or password is wrong", headers={"www-authenticate": REALM}),
    "SECOND_FACTOR_REQUIRED": Refusal(
        401,
        "Complete the login with a second factor",
        _same("challenge", "methods", "passkeyOptions", "expiresAt"),
        {"www-authenticate": REALM},
    ),
    "INVALID_TOKEN": Refusal(401, "The refresh token is not valid", headers={"www-authenticate": INVALID_TOKEN}),
    "STEP_UP_REQUIRED": Refusal(
        401,
        "Prove your identity again with a second factor",
        _same("acrValues", "maxAge"),
        challenge=step_up_challenge,
    ),
    "LIMIT_REACHED": Refusal(422, "No more accounts can be opened", _same("limit")),
    "INVALID_ACCOUNT": Refusal(404, "Account not found", _same("accountId", "reason")),
    "CONFLICT": Refusal(409, "The account's state does not allow this"),
    "ACCOUNT_NOT_EMPTY": Refusal(409, "The account still holds money", _same("balance", "currency")),
    "INSUFFICIENT_FUNDS": Refusal(422, "The available balance is too low", _same("available", "requested", "currency")),
    "CURRENCY_MISMATCH": Refusal(422, "The account is held in another currency", _same("accountCurrency")),
    "ACCOUNT_FROZEN": Refusal(422, "The account is frozen", {"accountId": "frozenAccountId"}),
    "RECEIVER_UNAVAILABLE": Refusal(422, "The receiver cannot receive this payment"),
    "AMOUNT_LIMIT_EXCEEDED": Refusal(
        422,
        "The amount exceeds a limit",
        {"limit": "amountLimit", **_same("kind", "remaining", "currency", "resetsAt")},
    ),
    "SAME_ACCOUNT": Refusal(422, "Source and destination are the same account"),
    "PAYMENT_DECLINED": Refusal(422, "The payment was declined"),
    "ORDER_REFUSED": Refusal(422, "The bank does not carry out this order"),
    "IDEMPOTENCY_KEY_REUSED": Refusal(422, "The idempotency key was used for another request"),
}
# The error for a Problem with an unknown code. A service that is newer than this layer may return such a Problem.
_UNKNOWN_REFUSAL: Final = Refusal(422, "Refused")

# The JSON Schemas of the facts in `details`.
DETAIL_SCHEMAS: Final[Mapping[str, JsonSchema]] = {
    "accountId": {"type": "string"},
    "reason": {"type": "string"},
    "transactionId": {"type": "string"},
    "minimumLength": {"type": "integer"},
    "limit": {"type": ["integer", "string"]},
    "balance": {"type": "string"},
    "available": {"type": "string"},
    "requested": {"type": "string"},
    "currency": {"type": "string"},
    "accountCurrency": {"type": "string"},
    "kind": {"type": "string"},
    "remaining": {"type": "string"},
    "resetsAt": {"type": "string", "format": "date-time"},
    "acrValues": {"type": "array", "items": {"type": "string"}},
    "maxAge": {"type": "integer"},
    "challenge": {"type": "string"},
    "methods": {"type": "array", "items": {"type": "string"}},
    "passkeyOptions": {"type": "string"},
    "expiresAt": {"type": "string", "format": "date-time"},
}


def from_problem(problem: Mapping[str, Any]) -> RestError:
    """Return the error for a Problem.

    The error's `details` contain the facts of the Problem (see `Refusal`). A fact is omitted if its value is null: then
    the fact does not apply, or the client may not see it.
    """
    code = str(problem["code"])
    refusal = REFUSALS.get(code, _UNKNOWN_REFUSAL)
    facts = {key: problem[name] for key, name in refusal.facts.items() if problem.get(name) is not None}
    return Refused(
        Reason(refusal.status, code, str(problem.get("message") or refusal.message)),
        details=facts,
        headers=refusal.headers_for(facts),
    )


UNAVAILABLE: Final = Reason(errors.Unavailable.status, errors.Unavailable.code, errors.Unavailable.default_message)
TOO_SLOW: Final = Reason(errors.TimedOut.status, errors.TimedOut.code, errors.TimedOut.default_message)
INTERNAL: Final = Reason(errors.InternalError.status, errors.InternalError.code, errors.InternalError.default_message)
RATE_LIMITED: Final = Reason(errors.RateLimited.status, errors.RateLimited.code, errors.RateLimited.default_message)
# The error for a well-formed cursor that is not the cursor of a page. The status is 404, as for a well-formed id of a
# missing resource. A malformed cursor causes a 400.
NO_PAGE: Final = Reason(404, "INVALID_CURSOR", "`cursor` is not the `nextCursor` of a page of this list")
# The error for a statement of a period that ends before it begins. Each of the two times alone is valid.
INVALID_PERIOD: Final = Reason(422, "INVALID_PERIOD", "`to` is before `from`")
FORBIDDEN: Final = Reason(errors.Forbidden.status, errors.Forbidden.code, errors.Forbidden.default_message)

RateHeaders = Mapping[str, str]


def unavailable(retry_after: int = RETRY_AFTER_SECONDS) -> RestError:
    return Failed(UNAVAILABLE, headers={"retry-after": str(retry_after)})


def too_slow(retry_after: int = RETRY_AFTER_SECONDS) -> RestError:
    return Failed(TOO_SLOW, headers={"retry-after": str(retry_after)})


def internal() -> RestError:
    return Failed(INTERNAL)


def _unauthenticated(_error: ResponseError, _rate: RateHeaders) -> RestError:
    return Unauthenticated(INVALID_TOKEN)


def _step_up(error: ResponseError, _rate: RateHeaders) -> RestError:
    """Return the error for an operation that a rule of the router refuses (`authorization.step_up`)."""
    facts = {name: error.extensions[name] for name in ("acrValues", "maxAge") if name in error.extensions}
    return Refused(
        Reason(Unauthenticated.status, "STEP_UP_REQUIRED", error.message),
        details=facts,
        headers={"www-authenticate": step_up_challenge(facts)},
    )


def _forbidden(error: ResponseError, _rate: RateHeaders) -> RestError:
    return Failed(Reason(FORBIDDEN.status, FORBIDDEN.code, error.message or FORBIDDEN.message))


# Maps a GraphQL argument to the place of its value in the REST request.
_ARGUMENTS: Final[Mapping[str, tuple[str, str]]] = {"first": ("query", "limit")}


def _bad_input(error: ResponseError, _rate: RateHeaders) -> RestError:
    """Return the error for an input that a service has refused.

    If the service has refused the cursor (argument `after`), the error is the 404 for a missing page. If it has refused
    the end of a period (argument `to`), the error is `INVALID_PERIOD`.
    """
    if listed := field_errors([error]):
        return ValidationFailed(listed)
    argument = error.extensions.get("argument")
    if argument == "after":
        return Failed(NO_PAGE)
    if argument == "to":
        return Failed(INVALID_PERIOD)
    path = _ARGUMENTS.get(argument, ("request",)) if isinstance(argument, str) else ("request",)
    return ValidationFailed([FieldError(path, "NOT_ACCEPTED", error.message)])


def field_errors(response_errors: Iterable[ResponseError]) -> list[FieldError]:
    """Return the invalid fields of the input. GraphQL errors list these fields in their extensions."""
    listed = [error.extensions.get("fields") for error in response_errors]
    entries = [entry for fields in listed if isinstance(fields, list) for entry in fields]
    return [_field_of(entry) for entry in entries if isinstance(entry, dict)]


def _field_of(entry: Mapping[str, Any]) -> FieldError:
    path = entry.get("path")
    steps = tuple(path) if isinstance(path, list) else ()
    inside = steps[1:] if steps[:1] == ("input",) else steps
    return FieldError(("body", *inside), str(entry.get("code", "NOT_ACCEPTED")), str(entry.get("message", "")))


# The form in which a service describes a limit: a quoted name, the quota, and the window in seconds.
_POLICY: Final = re.compile(r'("[a-z-]{1,64}");q=\d{1,9};w=\d{1,9}')


def _rate_limited(error: ResponseError, rate: RateHeaders) -> RestError:
    """Return a 429 with headers about the limit.

    If the error does not contain the time to wait, `Retry-After` is `RETRY_AFTER_SECONDS`.
    """
    after = str(_retry_after(error))
    policy = _POLICY.fullmatch(str(error.extensions.get("policy")))
    named = {} if policy is None else {"ratelimit-policy": policy[0]}
    name = '"default"' if policy is None else policy[1]
    own = {"retry-after": after, "ratelimit": f"{name};r=0;t={after}", **named}
    # The headers in `rate` describe the limit of the router. If a service has refused the request, the limit is the
    # service's, and only the error (`policy`) describes it.
    return Failed(RATE_LIMITED, headers={**own, **rate} if policy is None else own)


def _unavailable(error: ResponseError, _rate: RateHeaders) -> RestError:
    return unavailable(_retry_after(error))


def _too_slow(error: ResponseError, _rate: RateHeaders) -> RestError:
    return too_slow(_retry_after(error))


def _retry_after(error: ResponseError) -> int:
    """Return after how many seconds the client may try again."""
    seconds = error.extensions.get("retryAfter")
    return seconds if isinstance(seconds, int) else RETRY_AFTER_SECONDS


# Maps `extensions.code` to the function that makes the REST error. If there are GraphQL errors with different codes,
# the code that is first in this table decides.
ERRORS: Final[Mapping[str, Callable[[ResponseError, RateHeaders], RestError]]] = {
    "UNAUTHENTICATED": _unauthenticated,
    "INSUFFICIENT_USER_AUTHENTICATION": _step_up,
    "FORBIDDEN": _forbidden,
    "BAD_USER_INPUT": _bad_input,
    "RATE_LIMITED": _rate_limited,
    "SUBREQUEST_HTTP_ERROR": _unavailable,
    "SERVICE_UNAVAILABLE": _unavailable,
    "ROUTER_OVERLOADED": _unavailable,
    "SUPERGRAPH_NOT_LOADED": _unavailable,
    "GATEWAY_TIMEOUT": _too_slow,
}


def from_response_errors(response_errors: Sequence[ResponseError], rate: RateHeaders) -> RestError:
    """Return the REST error for GraphQL errors. If the table has none of their codes, the REST error is a 500."""
    for code, translate in ERRORS.items():
        for error in response_errors:
            if error.code == code:
                return translate(error, rate)
    return internal()


_ROUTER_ERRORS: Final[Mapping[type[RouterError], Callable[[], RestError]]] = {
    RouterUnreachable: unavailable,
    RouterTimeout: too_slow,
    MalformedResponse: internal,
}


def from_router_error(error: RouterError) -> RestError:
    """Return the REST error for the case that the router gave no GraphQL response."""
    return _ROUTER_ERRORS[type(error)]()
