"""The JSON of an account in the cache. A release that changes it changes `FORMAT`."""

from __future__ import annotations

import json
from decimal import Decimal
from typing import Final

from bank.values import format_timestamp, parse_timestamp
from subgraphs.account.domain import Account, AccountStatus, AccountType, StaffAction, StaffActionKind

# Part of the place of each value, so that a release does not read the values of another one.
FORMAT: Final = "1"


def account_to_json(account: Account) -> bytes:
    """Return the JSON of `account`."""
    action = account.staff_action
    document = {
        "id": account.id,
        "user_id": account.user_id,
        "number": account.number,
        "type": account.type,
        "currency": account.currency,
        "balance": str(account.balance),
        "held": str(account.held),
        "status": account.status,
        "version": account.version,
        "balance_as_of": format_timestamp(account.balance_as_of),
        "created_at": format_timestamp(account.created_at),
        "updated_at": format_timestamp(account.updated_at),
        "staff_action": action and [action.kind, action.user_id, format_timestamp(action.at)],
    }
    return json.dumps(document, separators=(",", ":")).encode()


def account_from_json(text: bytes) -> Account:
    """Return the account of a JSON that `account_to_json` made."""
    document = json.loads(text)
    action = document["staff_action"]
    return Account(
        id=document["id"],
        user_id=document["user_id"],
        number=document["number"],
        type=AccountType(document["type"]),
        currency=document["currency"],
        balance=Decimal(document["balance"]),
        held=Decimal(document["held"]),
        status=AccountStatus(document["status"]),
        version=document["version"],
        balance_as_of=parse_timestamp(document["balance_as_of"]),
        created_at=parse_timestamp(document["created_at"]),
        updated_at=parse_timestamp(document["updated_at"]),
        staff_action=action and StaffAction(StaffActionKind(action[0]), action[1], parse_timestamp(action[2])),
    )
