"""Rows of the table `transactions`, and their conversion from and to the domain."""

from __future__ import annotations

import json
from decimal import Decimal
from typing import TYPE_CHECKING, Any

import msgspec

from bank.values import exponent, to_minor_units
from subgraphs.kit.domain_problems import to_json
from subgraphs.kit.times import from_milliseconds, to_milliseconds
from subgraphs.transaction import problems
from subgraphs.transaction.domain import (
    Approval,
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
from subgraphs.transaction.lease import Lease
from subgraphs.transaction.store.sqlite_conversions import conversion_columns, to_conversion

if TYPE_CHECKING:
    import sqlite3
    from collections.abc import Iterable, Iterator, Mapping

    from subgraphs.transaction.problems import Problem


def changed_columns(transaction: Transaction) -> dict[str, str | int | None]:
    """Return the columns that a change may replace, with their new values."""
    return {
        "id": transaction.id,
        "status": transaction.status,
        "problem": _problem_text(transaction.problem),
        "updated_at": to_milliseconds(transaction.updated_at),
        "fraud_decision": transaction.decision.to_json() if transaction.decision else None,
        "approvals": _approvals_text(transaction.approvals) if transaction.approvals else "[]",
        "refusal": _problem_text(transaction.refusal),
    }


def to_row(transaction: Transaction) -> dict[str, str | int | None]:
    order = transaction.order
    return {
        **changed_columns(transaction),
        "type": order.type,
        "amount": to_minor_units(order.amount, order.currency),
        "exponent": exponent(order.currency),
        "currency": order.currency,
        **_side("source", order.source, transaction.parties.source),
        **_side("destination", order.destination, transaction.parties.destination),
        "payee": order.payee,
        "instrument": order.instrument,
        "reversal_of": order.reversal.of if order.reversal else None,
        "reversal_type": order.reversal.type if order.reversal else None,
        "metadata": json.dumps(dict(order.metadata)) if order.metadata else "{}",
        **conversion_columns(transaction.conversion),
        "requester_user_id": transaction.requester.user_id,
        "requester_roles": json.dumps(sorted(transaction.requester.roles)),
        "principal_user_id": transaction.principal_user_id,
        "created_at": to_milliseconds(transaction.created_at),
    }


def _side(side: str, named: str | None, party: Party | None) -> dict[str, str | None]:
    return {
        f"{side}_named": named,
        f"{side}_account_id": party.account_id if party else None,
        f"{side}_user_id": party.user_id if party else None,
        f"{side}_account_number": party.account_number if party else None,
    }


def from_row(found: sqlite3.Row) -> Transaction:
    # A Row compares a name with the names of all columns before it. This is slow for so many columns.
    row = dict(zip(found.keys(), found, strict=True))
    order = Order(
        type=TransactionType(row["type"]),
        amount=Decimal(row["amount"]).scaleb(-row["exponent"]),
        currency=row["currency"],
        source=row["source_named"],
        destination=row["destination_named"],
        payee=row["payee"],
        instrument=row["instrument"],
        metadata=msgspec.json.decode(row["metadata"]),
        reversal=Reversal(row["reversal_of"], TransactionType(row["reversal_type"])) if row["reversal_of"] else None,
    )
    return Transaction(
        id=row["id"],
        order=order,
        requester=Requester(row["requester_user_id"], frozenset(msgspec.json.decode(row["requester_roles"]))),
        parties=Parties(_party(row, "source"), _party(row, "destination")),
        status=TransactionStatus(row["status"]),
        problem=problems.from_json(msgspec.json.decode(row["problem"])) if row["problem"] else None,
        created_at=from_milliseconds(row["created_at"]),
        updated_at=from_milliseconds(row["updated_at"]),
        decision=Decision.from_json(row["fraud_decision"]) if row["fraud_decision"] else None,
        approvals=tuple(
            Approval(user_id, from_milliseconds(at)) for user_id, at in msgspec.json.decode(row["approvals"])
        ),
        refusal=problems.from_json(msgspec.json.decode(row["refusal"])) if row["refusal"] else None,
        conversion=to_conversion(row),
    )


def _party(row: Mapping[str, Any], side: str) -> Party | None:
    account_id = row[f"{side}_account_id"]
    if account_id is None:
        return None
    return Party(account_id, row[f"{side}_user_id"], row[f"{side}_account_number"])


def _approvals(text: str) -> Iterator[Approval]:
    for user_id, at in msgspec.json.decode(text):
        yield Approval(user_id, from_milliseconds(at))


def _approvals_text(approvals: Iterable[Approval]) -> str:
    return json.dumps([[each.user_id, to_milliseconds(each.at)] for each in approvals])


def _problem_text(problem: Problem | None) -> str | None:
    return None if problem is None else json.dumps(to_json(problem))


def lease_columns(lease: Lease | None) -> dict[str, str | int | None]:
    return {
        "lease_owner": lease.owner if lease else None,
        "lease_expires_at": to_milliseconds(lease.expires_at) if lease else None,
    }


def to_lease(row: sqlite3.Row) -> Lease | None:
    if row["lease_owner"] is None:
        return None
    return Lease(row["lease_owner"], from_milliseconds(row["lease_expires_at"]))
