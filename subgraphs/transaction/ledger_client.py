"""The client of the account service: owners of accounts, postings and holds (bank §2.7, §2.15).

A posting has three outcomes. POSTED and REFUSED are definite: their status is 200, and a repetition gets the same
outcome. With any other response, the outcome is unknown, and the posting is repeated. This includes a refused
connection, a timeout, a 5xx, a malformed response, and even a 4xx, because an earlier attempt may have been posted.
"""

from __future__ import annotations

import json
from dataclasses import dataclass
from http import HTTPStatus
from typing import TYPE_CHECKING, Any, Final, Protocol

import structlog

from bank.service_credential import ACCOUNT_INTERNAL
from bank.values import format_timestamp, is_object_id
from servicekit.errors import RateLimited, TimedOut, Unavailable
from servicekit.http1.service_client import FAILURES
from subgraphs.kit.internal_calls import InternalApi
from subgraphs.transaction.domain import Parties, Party, TransactionType
from subgraphs.transaction.problems import OrderRefused, Problem, from_json

if TYPE_CHECKING:
    from collections.abc import Mapping
    from datetime import datetime

    from bank.service_credential import ServiceCredential
    from servicekit.http1.connection import RawResponse
    from servicekit.http1.service_client import ServiceClient
    from subgraphs.transaction.domain import Order, Requester, Transaction

SERVICE: Final = "transaction"

_log = structlog.stdlib.get_logger("ledger")

# Errors of the HTTP client and of the parsers, each with its name in the log. Subclasses come before their base
# classes. After each of these errors, the outcome is unknown.
_CLIENT_ERRORS: Final[tuple[tuple[type[Exception], str], ...]] = (
    *FAILURES,
    (ValueError, "malformed response"),
    (TypeError, "malformed response"),
    (KeyError, "malformed response"),
)
_CAUGHT: Final = tuple(kind for kind, _ in _CLIENT_ERRORS)

# The internal account that gets the opposite entries when a transaction exchanges currencies.
_EXCHANGE: Final = {"internal": "EXCHANGE"}
# Maps a type of order to the internal account that gets the opposite entry.
_INTERNAL: Final[Mapping[TransactionType, str]] = {
    TransactionType.DEPOSIT: "DEPOSITS",
    TransactionType.WITHDRAWAL: "WITHDRAWALS",
    TransactionType.PAYMENT: "PAYMENTS",
}


# The ledger refuses an order with one of these codes if the hold of the order has ended. The customer gets the general
# problem `OrderRefused`, which does not contain the reason.
_ENDED_HOLDS: Final = frozenset({"HOLD_RELEASED", "HOLD_EXPIRED"})
# The outcomes of a hold that has ended without a posting.
_ENDED_WITHOUT_POSTING: Final = frozenset({"RELEASED", "EXPIRED"})


class OutcomeUnknown(Exception):
    """It is not known whether the posting was made. The same posting must be sent again. `reason` is for logs."""

    def __init__(self, reason: str) -> None:
        super().__init__(reason)
        self.reason = reason


@dataclass(frozen=True, slots=True)
class Posted:
    """The ledger has moved the money."""


@dataclass(frozen=True, slots=True)
class Refused:
    """The ledger has not moved the money, and will never move money for this transaction."""

    problem: Problem


@dataclass(frozen=True, slots=True)
class Held:
    """The ledger has reserved the money."""


class Ledger(Protocol):
    async def parties(self, order: Order, requester: Requester) -> Parties:
        """Return the owners of the accounts that `order` names. No money is moved.

        Raises:
            Unavailable: the account service is down, or gives no definite response.
            TimedOut: it does not respond in time.
            RateLimited: the requester has named too many wrong receivers.
        """

    async def post(self, transaction: Transaction) -> Posted | Refused:
        """Move the money. A repetition with the same transaction id changes nothing.

        Raises:
            OutcomeUnknown: the response is not definite.
        """

    async def reserve(self, transaction: Transaction, expires_at: datetime) -> Held | Refused:
        """Reserve the money of an order. The hold ends when the order is posted or released, or at `expires_at`.

        `post` later captures the reserved money. If the call is repeated, nothing changes.

        Raises:
            OutcomeUnknown: the response is not definite.
        """

    async def release_hold(self, transaction: Transaction) -> None:
        """Release the reserved money of an order, if there is any. After that, the order can never be posted.

        Raises:
            OutcomeUnknown: the response is not definite.
        """


class HttpLedger:
    """The ledger, called over the routes `/internal/` of the account service."""

    def __init__(self, client: ServiceClient, credential: ServiceCredential) -> None:
        """`client` calls the account service."""
        self._api = InternalApi(client, credential, service=SERVICE, audience=ACCOUNT_INTERNAL)

    async def parties(self, order: Order, requester: Requester) -> Parties:
        body: dict[str, object] = {"onBehalfOf": _on_behalf_of(requester), "type": order.type}
        if order.source is not None:
            body["sourceAccountId"] = order.source
        if order.destination is not None:
            by_id = is_object_id(order.destination)
            body["destinationAccountId" if by_id else "destinationAccountNumber"] = order.destination
        try:
            response = await self._api.post("/internal/parties", body)
            if response.status == HTTPStatus.TOO_MANY_REQUESTS:
                raise _rate_limited(json.loads(response.body)["error"])
            return _parties(_document(response))
        except OutcomeUnknown as error:
            _log.warning("cannot look up accounts", reason=error.reason)
            raise Unavailable from error
        except _CAUGHT as error:
            _log.warning("cannot look up accounts", reason=_reason(error))
            raise (TimedOut if isinstance(error, TimeoutError) else Unavailable) from error

    async def post(self, transaction: Transaction) -> Posted | Refused:
        try:
            return _outcome(_document(await self._api.post("/internal/postings", posting(transaction))))
        except _CAUGHT as error:
            raise OutcomeUnknown(_reason(error)) from error

    async def reserve(self, transaction: Transaction, expires_at: datetime) -> Held | Refused:
        body = {**posting(transaction), "expiresAt": format_timestamp(expires_at)}
        try:
            document = _document(await self._api.post("/internal/holds", body))
            return Held() if document["outcome"] == "HELD" else _refusal(document)
        except _CAUGHT as error:
            raise OutcomeUnknown(_reason(error)) from error

    async def release_hold(self, transaction: Transaction) -> None:
        try:
            response = await self._api.post("/internal/holds/release", {"transactionId": transaction.id})
            is_missing = response.status == HTTPStatus.NOT_FOUND
            if is_missing and json.loads(response.body)["error"]["code"] == "HOLD_NOT_FOUND":
                # An earlier release reserved no money for HELD orders.
                return
            if _document(response)["outcome"] not in _ENDED_WITHOUT_POSTING:
                raise ValueError("unknown outcome")
        except _CAUGHT as error:
            raise OutcomeUnknown(_reason(error)) from error


def _document(response: RawResponse) -> dict[str, Any]:
    if response.status != HTTPStatus.OK:
        raise OutcomeUnknown(f"status {response.status}")
    document = json.loads(response.body)
    if not isinstance(document, dict):
        raise TypeError("not a JSON object")
    return document


def posting(transaction: Transaction) -> dict[str, object]:
    """Return the body of `POST /internal/postings`. A debit is negative, and the entries sum to zero.

    The body is the same in every attempt for a transaction, because the ledger refuses another body with the same id.
    """
    order, parties = transaction.order, transaction.parties
    name = _INTERNAL.get(order.original_type)
    internal: dict[str, str] | None = None if name is None else {"internal": name}
    debited = {"accountId": parties.source.account_id} if parties.source else internal
    credited = {"accountId": parties.destination.account_id} if parties.destination else internal
    if credited is None:
        # The receiver is unknown, so the ledger will refuse the posting. The posting is sent nevertheless: the ledger
        # checks the requester's own account first, and an error of that account is the more important one.
        credited = {"accountId": order.destination or ""}
    return {
        "transactionId": transaction.id,
        "onBehalfOf": _on_behalf_of(transaction.requester),
        "type": order.type,
        "amount": f"{order.amount:f}",
        "currency": order.currency,
        "entries": _entries(transaction, debited, credited),
    }


def _entries(transaction: Transaction, debited: object, credited: object) -> list[dict[str, object]]:
    amount, conversion = transaction.order.amount, transaction.conversion
    if conversion is None:
        return [{"account": debited, "amount": f"{-amount:f}"}, {"account": credited, "amount": f"{amount:f}"}]
    other = {"currency": conversion.currency}
    return [
        {"account": debited, "amount": f"{-amount:f}"},
        {"account": _EXCHANGE, "amount": f"{amount:f}"},
        {"account": _EXCHANGE, "amount": f"{-conversion.amount:f}", **other},
        {"account": credited, "amount": f"{conversion.amount:f}", **other},
    ]


def _on_behalf_of(requester: Requester) -> dict[str, object]:
    return {"userId": requester.user_id, "roles": sorted(requester.roles)}


def _parties(document: Mapping[str, Any]) -> Parties:
    return Parties(source=_party(document["source"]), destination=_party(document["destination"]))


def _party(document: Mapping[str, str] | None) -> Party | None:
    if document is None:
        return None
    return Party(document["accountId"], document["userId"], document["accountNumber"], document["currency"])


def _outcome(document: Mapping[str, Any]) -> Posted | Refused:
    if document["outcome"] == "POSTED":
        return Posted()
    return _refusal(document)


def _refusal(document: Mapping[str, Any]) -> Refused:
    if document["outcome"] != "REFUSED":
        raise ValueError("unknown outcome")
    problem = document["problem"]
    if isinstance(problem, dict) and problem.get("code") in _ENDED_HOLDS:
        return Refused(OrderRefused())
    return Refused(from_json(problem))


def _rate_limited(error: Mapping[str, Any]) -> RateLimited:
    return RateLimited(str(error["message"]), retry_after=int(error["details"]["retryAfter"]))


def _reason(error: Exception) -> str:
    return next(reason for kind, reason in _CLIENT_ERRORS if isinstance(error, kind))
