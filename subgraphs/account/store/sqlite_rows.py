"""Rows of the SQLite file, and their conversion to the domain."""

from __future__ import annotations

import json
from datetime import datetime
from typing import TYPE_CHECKING, Any, Final

from bank.values import format_timestamp, from_minor_units, to_minor_units
from subgraphs.account.domain import Account, AccountStatus, AccountType, StaffAction, StaffActionKind
from subgraphs.account.holds import Hold, HoldStatus, order_from_json, order_to_json
from subgraphs.account.limits import Direction, MovedSum

if TYPE_CHECKING:
    import sqlite3
    from collections.abc import Collection, Sequence
    from decimal import Decimal

    from servicekit.sqlite_statements import Queries


# The condition for accounts of customers. Without the plus sign, SQLite would take the index of `internal_name` for
# every query with it, and read the accounts of all customers.
CUSTOMERS: Final = "+internal_name IS NULL"
# Up to this number, each key is a separate parameter. SQLite executes such a statement in a third of the time that one
# with a JSON list takes. A posting has one or two accounts.
_FEW_KEYS: Final = 4


def to_account(row: sqlite3.Row) -> Account:
    currency: str = row["currency"]
    return Account(
        id=row["id"],
        user_id=row["user_id"],
        number=row["number"],
        type=AccountType(row["type"]),
        currency=currency,
        balance=from_minor_units(row["balance"], currency),
        held=from_minor_units(row["held"], currency),
        status=AccountStatus(row["status"]),
        version=row["version"],
        balance_as_of=stored_time(row["balance_as_of"]),
        created_at=stored_time(row["created_at"]),
        updated_at=stored_time(row["updated_at"]),
        staff_action=_staff_action(row),
    )


def _staff_action(row: sqlite3.Row) -> StaffAction | None:
    if row["staff_action"] is None:
        return None
    return StaffAction(StaffActionKind(row["staff_action"]), row["staff_user_id"], stored_time(row["staff_acted_at"]))


async def accounts_by(connection: Queries, column: str, keys: Collection[str]) -> dict[str, Account]:
    """Return the customers' accounts whose `column` has one of the values `keys`, by this value.

    `column` becomes part of the SQL text, so it must be a constant of the caller.
    """
    if not keys:
        return {}
    condition, parameters = customers_by(column, keys)
    rows = await connection.execute_fetchall(f"SELECT * FROM accounts WHERE {condition}", parameters)  # noqa: S608 - constants
    return {row[column]: to_account(row) for row in rows}


def customers_by(column: str, keys: Collection[str]) -> tuple[str, Sequence[str]]:
    """Return the condition that `column` of a customer's account has one of the values `keys`, and its parameters.

    `column` becomes part of the SQL text, so it must be a constant of the caller.
    """
    parameters: Sequence[str] = tuple(keys)
    # SQLite does not accept a string with half of a surrogate pair, which JSON may contain. Such a string is not an
    # id, and JSON escapes it.
    if len(parameters) <= _FEW_KEYS and all(map(str.isascii, parameters)):
        wanted = ", ".join("?" * len(parameters))
    else:
        wanted, parameters = "SELECT value FROM json_each(?)", (json.dumps(parameters),)
    return f"{CUSTOMERS} AND {column} IN ({wanted})", parameters


def stored_time(text: str) -> datetime:
    """Return the time in a text of `format_timestamp`."""
    return datetime.fromisoformat(text)


def hold_row(hold: Hold) -> tuple[Any, ...]:
    """Return the values for a new row of the table `holds`, in the order of its columns."""
    currency = hold.posting.currency
    return (
        hold.id,
        json.dumps(order_to_json(hold.posting)),
        hold.account_id,
        hold.account_type,
        currency,
        to_minor_units(hold.amount, currency),
        hold.status,
        format_timestamp(hold.created_at),
        format_timestamp(hold.expires_at),
    )


def to_hold(row: sqlite3.Row) -> Hold:
    return Hold(
        posting=order_from_json(row["transaction_id"], json.loads(row["posting"])),
        status=HoldStatus(row["status"]),
        account_type=AccountType(row["account_type"]),
        created_at=stored_time(row["created_at"]),
        expires_at=stored_time(row["expires_at"]),
        ended_at=_time(row["ended_at"]),
        captured=None if row["captured"] is None else from_minor_units(row["captured"], row["currency"]),
    )


def _time(text: str | None) -> datetime | None:
    return None if text is None else stored_time(text)


def to_moved(row: sqlite3.Row) -> MovedSum:
    def amount(column: str) -> Decimal:
        return from_minor_units(row[column], row["currency"])

    return MovedSum(
        user_id=row["user_id"],
        currency=row["currency"],
        direction=Direction(row["direction"]),
        account_type=AccountType(row["account_type"]) if row["account_type"] else None,
        day=row["day"],
        day_amount=amount("day_amount"),
        month=row["month"],
        month_amount=amount("month_amount"),
    )


def moved_row(moved: MovedSum) -> tuple[Any, ...]:
    return (
        moved.user_id,
        moved.currency,
        moved.direction,
        moved.account_type or "",
        moved.day,
        to_minor_units(moved.day_amount, moved.currency),
        moved.month,
        to_minor_units(moved.month_amount, moved.currency),
    )
