"""The payments and events of the sandbox provider, in one SQLite file. A restart forgets nothing.

A change of a payment and its event are one database transaction.
"""

from __future__ import annotations

import json
from dataclasses import dataclass, replace
from decimal import Decimal
from typing import TYPE_CHECKING, Any, Final, Self

from bank.values import new_object_id
from mosafe.sandbox_provider.payment_rules import SandboxPayment, acted, in_state, opened
from servicekit.sqlite import Database, Migration
from subgraphs.kit.times import from_milliseconds, to_milliseconds
from subgraphs.transaction.domain import TransactionType
from subgraphs.transaction.payment_provider import PaymentInstruction, PaymentState
from subgraphs.transaction.payments.provider_messages import Payment

if TYPE_CHECKING:
    import sqlite3
    from collections.abc import Sequence
    from datetime import datetime, timedelta
    from pathlib import Path

    from servicekit.sqlite_statements import Statements

# Times are milliseconds since 1970.
_PAYMENTS: Final = """
CREATE TABLE payments (
    order_id TEXT PRIMARY KEY,
    id TEXT NOT NULL UNIQUE,
    type TEXT NOT NULL,
    amount TEXT NOT NULL,
    currency TEXT NOT NULL,
    payee TEXT,
    instrument TEXT,
    state TEXT NOT NULL,
    created_at INTEGER NOT NULL,
    updated_at INTEGER NOT NULL,
    next_state TEXT,
    due_at INTEGER,
    is_silent INTEGER NOT NULL
) STRICT
"""
# An event is sent again at `next_at` until it is delivered.
_EVENTS: Final = """
CREATE TABLE events (
    id TEXT PRIMARY KEY,
    body TEXT NOT NULL,
    created_at INTEGER NOT NULL,
    attempts INTEGER NOT NULL DEFAULT 0,
    next_at INTEGER
) STRICT
"""
MIGRATIONS: Final = (
    Migration(
        1,
        "payments and events",
        (
            _PAYMENTS,
            "CREATE INDEX payments_due ON payments (due_at) WHERE due_at IS NOT NULL",
            "CREATE INDEX payments_by_time ON payments (created_at, order_id)",
            _EVENTS,
            "CREATE INDEX events_due ON events (next_at) WHERE next_at IS NOT NULL",
        ),
    ),
)
_SAVE: Final = """
INSERT OR REPLACE INTO payments VALUES (
    :order_id, :id, :type, :amount, :currency, :payee, :instrument, :state, :created_at, :updated_at, :next_state,
    :due_at, :is_silent
)
"""


class OrderIdReused(Exception):
    """The order id belongs to another instruction."""


@dataclass(frozen=True, slots=True)
class WaitingEvent:
    """An event that is not delivered yet. `attempts` is how often it was sent."""

    id: str
    body: str
    attempts: int


class PaymentFile:
    """The file. Each method first makes the changes that are due at the time `at`."""

    def __init__(self, database: Database) -> None:
        self._database = database

    @classmethod
    async def open(cls, path: Path) -> Self:
        return cls(await Database.open(path, MIGRATIONS))

    async def close(self) -> None:
        await self._database.close()

    async def ping(self) -> None:
        await self._database.ping()

    async def authorise(
        self, instruction: PaymentInstruction, at: datetime, settlement: timedelta
    ) -> tuple[SandboxPayment, bool]:
        """Return the payment of an instruction, and whether it is new.

        If the returned payment is silent, its response must be withheld; the next one is not.

        Raises:
            OrderIdReused: the order id belongs to another instruction.
        """
        async with self._database.transaction() as connection:
            await _settle_due(connection, at)
            found = await _find(connection, instruction.transaction_id)
            if found is not None and found.instruction != instruction:
                raise OrderIdReused
            if found is not None:
                return found, False
            payment = opened(f"pay_{new_object_id()}", instruction, at, settlement)
            await _save(connection, replace(payment, is_silent=False), at)
            return payment, True

    async def act(self, order_id: str, action: str, at: datetime, settlement: timedelta) -> Payment | None:
        """Capture or void a payment. Return None if there is none.

        Raises:
            WrongState: the state of the payment does not allow it.
        """
        async with self._database.transaction() as connection:
            await _settle_due(connection, at)
            found = await _find(connection, order_id)
            if found is None:
                return None
            changed = acted(found, action, at, settlement)
            if changed != found:
                await _save(connection, changed, at)
            return changed.payment

    async def find(self, order_id: str, at: datetime) -> Payment | None:
        async with self._database.transaction() as connection:
            await _settle_due(connection, at)
            found = await _find(connection, order_id)
            return None if found is None else found.payment

    async def statement(self, begin: datetime, end: datetime, at: datetime) -> Sequence[Payment]:
        """Return the payments that were created at or after `begin` and before `end`, oldest first."""
        async with self._database.transaction() as connection:
            await _settle_due(connection, at)
            rows = await connection.execute_fetchall(
                "SELECT * FROM payments WHERE created_at >= ? AND created_at < ? ORDER BY created_at, order_id",
                (to_milliseconds(begin), to_milliseconds(end)),
            )
            return [_from_row(row).payment for row in rows]

    async def waiting_events(self, at: datetime, *, limit: int) -> Sequence[WaitingEvent]:
        """Return events that are to be sent now, the oldest first."""
        async with self._database.transaction() as connection:
            await _settle_due(connection, at)
            rows = await connection.execute_fetchall(
                "SELECT * FROM events WHERE next_at <= ? ORDER BY next_at, created_at LIMIT ?",
                (to_milliseconds(at), limit),
            )
        return [WaitingEvent(row["id"], row["body"], row["attempts"]) for row in rows]

    async def sent(self, event_id: str, *, next_at: datetime | None) -> None:
        """Record that an event was sent. It is sent again at `next_at`, or never if this is None."""
        async with self._database.transaction() as connection:
            await connection.execute(
                "UPDATE events SET attempts = attempts + 1, next_at = ? WHERE id = ?",
                (None if next_at is None else to_milliseconds(next_at), event_id),
            )


async def _settle_due(connection: Statements, at: datetime) -> None:
    rows = await connection.execute_fetchall("SELECT * FROM payments WHERE due_at <= ?", (to_milliseconds(at),))
    for found in map(_from_row, rows):
        if found.next_state is not None and found.due_at is not None:
            await _save(connection, in_state(found, found.next_state, found.due_at), at)


async def _save(connection: Statements, changed: SandboxPayment, at: datetime) -> None:
    """Write a new payment or its new state, and the event about it."""
    payment, instruction = changed.payment, changed.instruction
    await connection.execute(
        _SAVE,
        {
            "order_id": payment.order_id,
            "id": payment.id,
            "type": payment.type,
            "amount": f"{payment.amount:f}",
            "currency": payment.currency,
            "payee": instruction.payee,
            "instrument": instruction.instrument,
            "state": payment.state,
            "created_at": to_milliseconds(payment.created_at),
            "updated_at": to_milliseconds(payment.updated_at),
            "next_state": changed.next_state,
            "due_at": None if changed.due_at is None else to_milliseconds(changed.due_at),
            "is_silent": int(changed.is_silent),
        },
    )
    event_id = f"evt_{new_object_id()}"
    body = {
        "id": event_id,
        "type": f"payment.{payment.state.lower()}",
        "createdAt": payment.to_json()["updatedAt"],
        "orderId": payment.order_id,
        "paymentId": payment.id,
    }
    moment = to_milliseconds(at)
    await connection.execute(
        "INSERT INTO events (id, body, created_at, next_at) VALUES (?, ?, ?, ?)",
        (event_id, json.dumps(body), moment, moment),
    )


async def _find(connection: Statements, order_id: str) -> SandboxPayment | None:
    rows = await connection.execute_fetchall("SELECT * FROM payments WHERE order_id = ?", (order_id,))
    return next(map(_from_row, rows), None)


def _from_row(row: sqlite3.Row | Any) -> SandboxPayment:
    amount = Decimal(row["amount"])
    payment = Payment(
        row["id"],
        row["order_id"],
        row["type"],
        amount,
        row["currency"],
        PaymentState(row["state"]),
        from_milliseconds(row["created_at"]),
        from_milliseconds(row["updated_at"]),
    )
    instruction = PaymentInstruction(
        row["order_id"], TransactionType(row["type"]), amount, row["currency"], row["payee"], row["instrument"]
    )
    return SandboxPayment(
        payment,
        instruction,
        PaymentState(row["next_state"]) if row["next_state"] else None,
        from_milliseconds(row["due_at"]) if row["due_at"] is not None else None,
        is_silent=bool(row["is_silent"]),
    )
