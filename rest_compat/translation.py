"""From the bank's words to HTTP's: two tables, one for refusals (Problems), one for faults (GraphQL errors).

bank §3.4: faults come before nulls, in the order of the table; then a Problem by its
code; then a null, which is the route's 404.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Final

from rest_compat.errors import (
    INVALID_TOKEN,
    REALM,
    Faulted,
    FieldError,
    MalformedAnswer,
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

if TYPE_CHECKING:
    from collections.abc import Sequence

    from rest_compat.graphql_client import GraphQLFault
    from rest_compat.scalars import JsonSchema

# About what a process takes to come back after a restart.
RETRY_AFTER_SECONDS: Final = 5


@dataclass(frozen=True, slots=True)
class Refusal:
    """How one Problem is answered.

    Attributes:
        facts: key in `details` -> name of the Problem's fact in the operations.
        headers: what the status asks for.
    """

    status: int
    message: str
    facts: Mapping[str, str] = field(default_factory=dict)
    headers: Mapping[str, str] = field(default_factory=dict)


def _same(*names: str) -> Mapping[str, str]:
    return {name: name for name in names}


# Problem.code -> the answer. The message is the documented example; an answer carries the Problem's own.
REFUSALS: Final[Mapping[str, Refusal]] = {
    "EMAIL_TAKEN": Refusal(409, "The e-mail address is already registered"),
    "WEAK_PASSWORD": Refusal(422, "The password is too weak", _same("minimumLength")),
    "INVALID_CREDENTIALS": Refusal(401, "E-mail or password is wrong", headers={"www-authenticate": REALM}),
    "INVALID_TOKEN": Refusal(401, "The refresh token is not valid", headers={"www-authenticate": INVALID_TOKEN}),
    "LIMIT_REACHED": Refusal(422, "No more accounts can be opened", _same("limit")),
    "INVALID_ACCOUNT": Refusal(404, "Account not found", _same("accountId", "reason")),
    "CONFLICT": Refusal(409, "The account's state does not allow this"),
    "ACCOUNT_NOT_EMPTY": Refusal(409, "The account still holds money", _same("balance", "currency")),
    "INSUFFICIENT_FUNDS": Refusal(422, "The available balance is too low", _same("available", "requested", "currency")),
    "CURRENCY_MISMATCH": Refusal(422, "The account is held in another currency", _same("accountCurrency")),
    "ACCOUNT_FROZEN": Refusal(422, "The account is frozen", {"accountId": "frozenAccountId"}),
    "SAME_ACCOUNT": Refusal(422, "Source and destination are the same account"),
    "PAYMENT_DECLINED": Refusal(422, "The payment was declined"),
    "IDEMPOTENCY_KEY_REUSED": Refusal(422, "The idempotency key was used for another request"),
}
# A Problem of a service newer than this layer: refused by a rule of the bank, whichever it is.
_UNKNOWN_REFUSAL: Final = Refusal(422, "Refused")

# What the details of these errors may hold beside the Problems' facts.
DETAIL_SCHEMAS: Final[Mapping[str, JsonSchema]] = {
    "accountId": {"type": "string"},
    "reason": {"type": "string"},
    "transactionId": {"type": "string"},
    "minimumLength": {"type": "integer"},
    "limit": {"type": "integer"},
    "balance": {"type": "string"},
    "available": {"type": "string"},
    "requested": {"type": "string"},
    "currency": {"type": "string"},
    "accountCurrency": {"type": "string"},
}


def refused(problem: Mapping[str, Any]) -> RestError:
    """The answer to a Problem; facts that are null are secrets, or do not apply, and are left out."""
    code = str(problem["code"])
    refusal = REFUSALS.get(code, _UNKNOWN_REFUSAL)
    facts = {key: problem[name] for key, name in refusal.facts.items() if problem.get(name) is not None}
    return Refused(
        Reason(refusal.status, code, str(problem.get("message") or refusal.message)),
        details=facts,
        headers=refusal.headers,
    )


UNAVAILABLE: Final = Reason(errors.Unavailable.status, errors.Unavailable.code, errors.Unavailable.default_message)
TOO_SLOW: Final = Reason(504, "GATEWAY_TIMEOUT", "The service did not answer in time")
INTERNAL: Final = Reason(errors.InternalError.status, errors.InternalError.code, errors.InternalError.default_message)
RATE_LIMITED: Final = Reason(errors.RateLimited.status, errors.RateLimited.code, errors.RateLimited.default_message)
FORBIDDEN: Final = Reason(errors.Forbidden.status, errors.Forbidden.code, errors.Forbidden.default_message)

RateHeaders = Mapping[str, str]


def unavailable() -> RestError:
    return Faulted(UNAVAILABLE, headers={"retry-after": str(RETRY_AFTER_SECONDS)})


def internal() -> RestError:
    return Faulted(INTERNAL)


def _unauthenticated(_fault: GraphQLFault, _rate: RateHeaders) -> RestError:
    return Unauthenticated(INVALID_TOKEN)


def _forbidden(fault: GraphQLFault, _rate: RateHeaders) -> RestError:
    return Faulted(Reason(FORBIDDEN.status, FORBIDDEN.code, fault.message or FORBIDDEN.message))


# Where GraphQL's arguments come from in a REST request.
_ARGUMENTS: Final[Mapping[str, tuple[str, str]]] = {"after": ("query", "cursor"), "first": ("query", "limit")}


def _bad_input(fault: GraphQLFault, _rate: RateHeaders) -> RestError:
    """What only the services could judge: a forged cursor, an e-mail address that cannot be."""
    listed = fault.extensions.get("fields")
    if isinstance(listed, list) and listed:
        return ValidationFailed([_field_of(entry) for entry in listed if isinstance(entry, dict)])
    argument = fault.extensions.get("argument")
    path = _ARGUMENTS.get(argument, ("request",)) if isinstance(argument, str) else ("request",)
    return ValidationFailed([FieldError(path, "NOT_ACCEPTED", fault.message)])


def _field_of(entry: Mapping[str, Any]) -> FieldError:
    path = entry.get("path")
    steps = tuple(path) if isinstance(path, list) else ()
    inside = steps[1:] if steps[:1] == ("input",) else steps
    return FieldError(("body", *inside), str(entry.get("code", "NOT_ACCEPTED")), str(entry.get("message", "")))


def _rate_limited(fault: GraphQLFault, rate: RateHeaders) -> RestError:
    """Whoever counted may say more in headers; without a time, ask for the usual pause."""
    seconds = fault.extensions.get("retryAfter")
    after = str(seconds if isinstance(seconds, int) else RETRY_AFTER_SECONDS)
    return Faulted(RATE_LIMITED, headers={"retry-after": after, "ratelimit": f'"default";r=0;t={after}', **rate})


def _unavailable(_fault: GraphQLFault, _rate: RateHeaders) -> RestError:
    return unavailable()


def _too_slow(_fault: GraphQLFault, _rate: RateHeaders) -> RestError:
    return Faulted(TOO_SLOW)


# extensions.code -> the answer; where there are several errors, the first row that fits one of them wins.
FAULTS: Final[Mapping[str, Callable[[GraphQLFault, RateHeaders], RestError]]] = {
    "UNAUTHENTICATED": _unauthenticated,
    "FORBIDDEN": _forbidden,
    "BAD_USER_INPUT": _bad_input,
    "RATE_LIMITED": _rate_limited,
    "SUBREQUEST_HTTP_ERROR": _unavailable,
    "SERVICE_UNAVAILABLE": _unavailable,
    "GATEWAY_TIMEOUT": _too_slow,
}


def faulted(faults: Sequence[GraphQLFault], rate: RateHeaders) -> RestError:
    """The answer to GraphQL errors: by the table, any other is a 500."""
    for code, answer in FAULTS.items():
        for fault in faults:
            if fault.code == code:
                return answer(fault, rate)
    return internal()


_ROUTER_ERRORS: Final[Mapping[type[RouterError], Callable[[], RestError]]] = {
    RouterUnreachable: unavailable,
    RouterTimeout: lambda: Faulted(TOO_SLOW),
    MalformedAnswer: internal,
}


def unanswered(error: RouterError) -> RestError:
    """The answer when the router gave none."""
    return _ROUTER_ERRORS[type(error)]()
