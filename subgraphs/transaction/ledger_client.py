"""The account service as the saga sees it: who stands behind an account, and postings.

A posting has three outcomes. POSTED and REFUSED are definite, come with status 200, and are the same at every
repetition. Everything else (a refused connection, a timeout, a 5xx, an answer that makes no sense, even a 4xx: an
earlier attempt may have been posted) is unknown, and the posting is to be made again.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final, Protocol

import httpx
import structlog

from bank.service_credential import ACCOUNT_INTERNAL
from bank.values import is_object_id
from servicekit import context
from servicekit.errors import Unavailable
from subgraphs.transaction.domain import Parties, Party, TransactionType
from subgraphs.transaction.problems import Problem, from_json

if TYPE_CHECKING:
    from collections.abc import Mapping

    from bank.service_credential import ServiceCredential
    from subgraphs.transaction.domain import Order, Requester, Transaction

SERVICE: Final = "transaction"
# A posting takes milliseconds. After these seconds the caller is better served by PENDING than by waiting on; they
# also stay below the router's own patience with a subgraph.
TIMEOUT: Final = httpx.Timeout(5.0, connect=2.0)

_log = structlog.stdlib.get_logger("ledger")

# Foreign error -> what the log calls it, most specific first. All of them leave the outcome unknown.
_FOREIGN: Final[tuple[tuple[type[Exception], str], ...]] = (
    (httpx.ConnectTimeout, "unreachable"),
    (httpx.ConnectError, "unreachable"),
    (httpx.PoolTimeout, "busy"),
    (httpx.TimeoutException, "timeout"),
    (httpx.TransportError, "connection lost"),
    (httpx.HTTPError, "no HTTP"),
    (ValueError, "malformed answer"),
    (TypeError, "malformed answer"),
    (KeyError, "malformed answer"),
)
_FOREIGN_ERRORS: Final = tuple(kind for kind, _ in _FOREIGN)

# Type -> the internal account behind the bank's counter, and whether the customer is debited.
_INTERNAL: Final[Mapping[TransactionType, str]] = {
    TransactionType.DEPOSIT: "DEPOSITS",
    TransactionType.WITHDRAWAL: "WITHDRAWALS",
    TransactionType.PAYMENT: "PAYMENTS",
}


class OutcomeUnknown(Exception):
    """Nobody knows whether it happened; do the same again. ``reason`` is for logs."""

    def __init__(self, reason: str) -> None:
        super().__init__(reason)
        self.reason = reason


@dataclass(frozen=True, slots=True)
class Posted:
    """The ledger has moved the money."""


@dataclass(frozen=True, slots=True)
class Refused:
    """The ledger has moved nothing, and never will for this transaction."""

    problem: Problem


class Ledger(Protocol):
    async def parties(self, order: Order, requester: Requester) -> Parties:
        """Who stands behind the accounts that ``order`` names. Moves nothing.

        Raises:
            Unavailable: that cannot be known right now.
        """

    async def post(self, transaction: Transaction) -> Posted | Refused:
        """Move the money; idempotent by the transaction's id.

        Raises:
            OutcomeUnknown: see the module.
        """


class HttpLedger:
    """The ledger behind ``/internal/`` of the account service."""

    def __init__(self, client: httpx.AsyncClient, credential: ServiceCredential) -> None:
        """``client`` has the base URL; it is not closed here."""
        self._client = client
        self._credential = credential

    async def parties(self, order: Order, requester: Requester) -> Parties:
        body: dict[str, object] = {"onBehalfOf": _on_behalf_of(requester), "type": order.type}
        if order.source is not None:
            body["sourceAccountId"] = order.source
        if order.destination is not None:
            by_id = is_object_id(order.destination)
            body["destinationAccountId" if by_id else "destinationAccountNumber"] = order.destination
        try:
            return _parties(await self._call("/internal/parties", body))
        except OutcomeUnknown as error:
            _log.warning("cannot look up accounts", reason=error.reason)
            raise Unavailable from error
        except _FOREIGN_ERRORS as error:
            _log.warning("cannot look up accounts", reason=_reason(error))
            raise Unavailable from error

    async def post(self, transaction: Transaction) -> Posted | Refused:
        try:
            return _outcome(await self._call("/internal/postings", posting(transaction)))
        except _FOREIGN_ERRORS as error:
            raise OutcomeUnknown(_reason(error)) from error

    async def _call(self, path: str, body: Mapping[str, object]) -> dict[str, Any]:
        headers = {
            **context.outgoing_headers(),
            "authorization": self._credential.authorization(service=SERVICE, audience=ACCOUNT_INTERNAL),
        }
        response = await self._client.post(path, json=body, headers=headers, timeout=TIMEOUT)
        if response.status_code != httpx.codes.OK:
            raise OutcomeUnknown(f"status {response.status_code}")
        answer = response.json()
        if not isinstance(answer, dict):
            raise TypeError("not a JSON object")
        return answer


def posting(transaction: Transaction) -> dict[str, object]:
    """The body of ``POST /internal/postings``: entries sum to zero, a debit is negative.

    Equal for every attempt at one transaction, else the ledger would refuse the repetition.
    """
    order, parties = transaction.order, transaction.parties
    internal = {"internal": _INTERNAL[order.type]} if order.type in _INTERNAL else None
    debited = {"accountId": parties.source.account_id} if parties.source else internal
    credited = {"accountId": parties.destination.account_id} if parties.destination else internal
    return {
        "transactionId": transaction.id,
        "onBehalfOf": _on_behalf_of(transaction.requester),
        "type": order.type,
        "amount": f"{order.amount:f}",
        "currency": order.currency,
        "entries": [
            {"account": debited, "amount": f"{-order.amount:f}"},
            {"account": credited, "amount": f"{order.amount:f}"},
        ],
    }


def _on_behalf_of(requester: Requester) -> dict[str, object]:
    return {"userId": requester.user_id, "roles": sorted(requester.roles)}


def _parties(answer: Mapping[str, Any]) -> Parties:
    return Parties(source=_party(answer["source"]), destination=_party(answer["destination"]))


def _party(document: Mapping[str, str] | None) -> Party | None:
    if document is None:
        return None
    return Party(document["accountId"], document["userId"], document["accountNumber"])


def _outcome(answer: Mapping[str, Any]) -> Posted | Refused:
    if answer["outcome"] == "POSTED":
        return Posted()
    if answer["outcome"] == "REFUSED":
        return Refused(from_json(answer["problem"]))
    raise ValueError("unknown outcome")


def _reason(error: Exception) -> str:
    return next(reason for kind, reason in _FOREIGN if isinstance(error, kind))
