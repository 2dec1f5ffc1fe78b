"""Rows of the table `transactions`, and their conversion from and to the domain."""

from __future__ import annotations

import json
from decimal import Decimal
from types import MappingProxyType
from typing import TYPE_CHECKING, Any, Final

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
    from collections.abc import Callable, Mapping, Sequence

    from subgraphs.transaction.problems import Problem


def _problem_text(problem: Problem | None) -> str | None:
    return None if problem is None else json.dumps(to_json(problem))


def _decision_text(decision: Decision | None) -> str | None:
    return None if decision is None else decision.to_json()


def _approvals_text(approvals: Sequence[Approval]) -> str:
    return json.dumps([[each.user_id, to_milliseconds(each.at)] for each in approvals]) if approvals else "[]"


# Maps each column that a change may replace to the attribute that it stores, and to the conversion of its value.
_STATE: Final[Mapping[str, tuple[str, Callable[[Any], str | int | None]]]] = MappingProxyType(
    {
        "status": ("status", str),
        "problem": ("problem", _problem_text),
        "updated_at": ("updated_at", to_milliseconds),
        "fraud_decision": ("decision", _decision_text),
        "approvals": ("approvals", _approvals_text),
        "refusal": ("refusal", _problem_text),
    }
)


STATE_COLUMNS: Final = tuple(_STATE)


def state_columns(transaction: Transaction) -> dict[str, str | int | None]:
    """Return the columns that a change may replace, with their values."""
    return {column: convert(getattr(transaction, name)) for column, (name, convert) in _STATE.items()}


def changed_columns(before: Transaction, after: Transaction) -> dict[str, str | int | None]:
    """Return the columns of `state_columns` whose values differ, with their new values."""
    return {
        column: convert(getattr(after, name))
        for column, (name, convert) in _STATE.items()
        if getattr(after, name) != getattr(before, name)
    }


def to_row(transaction: Transaction) -> dict[str, str | int | None]:
    order = transaction.order
    return {
        **state_columns(transaction),
        "id": transaction.id,
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


def lease_columns(lease: Lease | None) -> dict[str, str | int | None]:
    return {
        "lease_owner": lease.owner if lease else None,
        "lease_expires_at": to_milliseconds(lease.expires_at) if lease else None,
    }


def to_lease(row: sqlite3.Row) -> Lease | None:
    if row["lease_owner"] is None:
        return None
    return Lease(row["lease_owner"], from_milliseconds(row["lease_expires_at"]))
