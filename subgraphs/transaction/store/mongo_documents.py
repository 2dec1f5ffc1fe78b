"""Converts transactions to the documents of the collection `transactions` and back.

A document begins with the fields that the documentation lists. The other fields are for the service only:

```
_id: ObjectId, sourceAccountId: ObjectId, destinationAccountId: ObjectId, amount: Decimal128, currency: String,
type: String, status: String, metadata: Object, createdAt: Date
updatedAt: Date, named: {source, destination}, source: {userId, accountNumber}, destination: {userId, accountNumber},
payee, requester: {userId, roles}, principalUserId, problem: Object, fraudDecision: Object, approvals: [{userId, at}]
refusal: Object                                         of an order that was HELD
reversal: {of: ObjectId, type: String}                  of a reversal
conversion: {amount: Decimal128, currency, base, quote, rate, version}      of an exchange of currencies
instrument: String                                      of an order that names its payment instrument
history: [{status, at, by}]                             the first status first
key: {userId, mutation, key, fingerprint, expiresAt}    until the idempotency key is deleted
lease: {owner, expiresAt}                               while a process carries the order out
```

An account is null if the order has no such account, or if the account is unknown.

This module is pure: it has no I/O and reads no clock.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

from bson import Decimal128, ObjectId

from subgraphs.kit.domain_problems import to_json
from subgraphs.transaction import problems
from subgraphs.transaction.domain import (
    Approval,
    Conversion,
    Order,
    Parties,
    Party,
    Requester,
    Reversal,
    Transaction,
    TransactionStatus,
    TransactionType,
)
from subgraphs.transaction.fraud.decision import Decision
from subgraphs.transaction.states import StatusChange

if TYPE_CHECKING:
    from collections.abc import Mapping

    from subgraphs.kit.mongo import Document
    from subgraphs.transaction.idempotency import KeyEntry, KeyScope
    from subgraphs.transaction.lease import Lease


# The fields of `key` that no two transactions have in common.
SCOPE_FIELDS: Final = ("userId", "mutation", "key")

# A key of the metadata may contain the character NUL, but the name of a field in BSON may not. So a stored name has
# `_ESCAPE` and `0` instead of NUL.
_NUL: Final = "\x00"
_ESCAPE: Final = "\u2400"


def to_document(transaction: Transaction) -> Document:
    """Return the document of `transaction`, without history, key and lease."""
    order, parties = transaction.order, transaction.parties
    return {
        "_id": ObjectId(transaction.id),
        "sourceAccountId": _account_id(parties.source),
        "destinationAccountId": _account_id(parties.destination),
        "amount": Decimal128(order.amount),
        "currency": order.currency,
        "type": str(order.type),
        "metadata": {_escaped(name): value for name, value in order.metadata.items()},
        "createdAt": transaction.created_at,
        "named": {"source": order.source, "destination": order.destination},
        "source": _side(parties.source),
        "destination": _side(parties.destination),
        "payee": order.payee,
        "requester": {"userId": transaction.requester.user_id, "roles": sorted(transaction.requester.roles)},
        "principalUserId": transaction.principal_user_id,
        **changed_fields(transaction),
        **({"reversal": _reversal(order.reversal)} if order.reversal else {}),
        **({"instrument": order.instrument} if order.instrument else {}),
        **({"conversion": _conversion(transaction.conversion)} if transaction.conversion else {}),
    }


def from_document(document: Mapping[str, Any]) -> Transaction:
    order = Order(
        type=TransactionType(document["type"]),
        amount=document["amount"].to_decimal(),
        currency=document["currency"],
        source=document["named"]["source"],
        destination=document["named"]["destination"],
        payee=document["payee"],
        instrument=document.get("instrument"),
        metadata={_unescaped(name): value for name, value in document["metadata"].items()},
        reversal=_to_reversal(document.get("reversal")),
    )
    problem, refusal = document["problem"], document.get("refusal")
    return Transaction(
        id=str(document["_id"]),
        order=order,
        requester=Requester(document["requester"]["userId"], frozenset(document["requester"]["roles"])),
        parties=Parties(_party(document, "source"), _party(document, "destination")),
        status=TransactionStatus(document["status"]),
        problem=None if problem is None else problems.from_json(problem),
        created_at=document["createdAt"],
        updated_at=document["updatedAt"],
        decision=None if document["fraudDecision"] is None else Decision.from_document(document["fraudDecision"]),
        approvals=tuple(Approval(each["userId"], each["at"]) for each in document["approvals"]),
        refusal=None if refusal is None else problems.from_json(refusal),
        conversion=_to_conversion(document.get("conversion")),
    )


def changed_fields(transaction: Transaction) -> Document:
    """Return the fields that a change may replace."""
    return {
        "status": str(transaction.status),
        "updatedAt": transaction.updated_at,
        "problem": None if transaction.problem is None else to_json(transaction.problem),
        "fraudDecision": None if transaction.decision is None else transaction.decision.to_document(),
        "approvals": [{"userId": each.user_id, "at": each.at} for each in transaction.approvals],
        **({} if transaction.refusal is None else {"refusal": to_json(transaction.refusal)}),
    }


def history_entry(transaction: Transaction, by: str | None) -> Document:
    """Return the entry of the history for the present status of `transaction`."""
    return {"status": str(transaction.status), "at": transaction.updated_at, "by": by}


def to_history(document: Mapping[str, Any]) -> list[StatusChange]:
    return [StatusChange(TransactionStatus(entry["status"]), entry["at"], entry["by"]) for entry in document["history"]]


def key_document(key: KeyEntry) -> Document:
    return {**scope_document(key.scope), "fingerprint": key.fingerprint, "expiresAt": key.expires_at}


def scope_document(scope: KeyScope) -> dict[str, str]:
    """Return the fields `SCOPE_FIELDS`, in this order."""
    return dict(zip(SCOPE_FIELDS, (scope.user_id, str(scope.mutation), scope.key), strict=True))


def lease_document(lease: Lease | None) -> Document | None:
    return None if lease is None else {"owner": lease.owner, "expiresAt": lease.expires_at}


def _reversal(reversal: Reversal) -> Document:
    return {"of": ObjectId(reversal.of), "type": str(reversal.type)}


def _to_reversal(document: Mapping[str, Any] | None) -> Reversal | None:
    return None if document is None else Reversal(str(document["of"]), TransactionType(document["type"]))


def _conversion(conversion: Conversion) -> Document:
    return {
        "amount": Decimal128(conversion.amount),
        "currency": conversion.currency,
        "base": conversion.base,
        "quote": conversion.quote,
        "rate": Decimal128(conversion.rate),
        "version": conversion.version,
    }


def _to_conversion(document: Mapping[str, Any] | None) -> Conversion | None:
    if document is None:
        return None
    return Conversion(
        document["amount"].to_decimal(),
        document["currency"],
        document["base"],
        document["quote"],
        document["rate"].to_decimal(),
        document["version"],
    )


def _account_id(party: Party | None) -> ObjectId | None:
    return ObjectId(party.account_id) if party else None


def _side(party: Party | None) -> Document | None:
    return {"userId": party.user_id, "accountNumber": party.account_number} if party else None


def _party(document: Mapping[str, Any], side: str) -> Party | None:
    found = document[side]
    if found is None:
        return None
    return Party(str(document[f"{side}AccountId"]), found["userId"], found["accountNumber"])


def _escaped(name: str) -> str:
    return name.replace(_ESCAPE, _ESCAPE * 2).replace(_NUL, f"{_ESCAPE}0")


def _unescaped(name: str) -> str:
    first, *others = name.split(_ESCAPE * 2)
    return _ESCAPE.join(part.replace(f"{_ESCAPE}0", _NUL) for part in (first, *others))
