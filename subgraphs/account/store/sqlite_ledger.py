"""One transaction of the SQLite file: reads what the rules of the ledger need, and writes what they decide."""

from __future__ import annotations

import json
from decimal import Decimal
from typing import TYPE_CHECKING, Any, Final

from bank import values
from bank.values import format_timestamp, parse_timestamp, to_minor_units
from subgraphs.account import events
from subgraphs.account.domain import AccountStatus
from subgraphs.account.hash_chain import ChainedEntry, lines_of
from subgraphs.account.posting_rules import WRONG_RECEIVER_WINDOW, WRONG_RECEIVERS, LedgerView
from subgraphs.account.postings import InternalAccount, Posting, PostingType
from subgraphs.account.settlement import Outcome, RecordedPosting, Settlement
from subgraphs.account.store.sqlite_rows import customers_by, hold_row, moved_row, to_account, to_hold, to_moved
from subgraphs.kit.hash_chain import Link
from subgraphs.kit.sqlite_store import append_events

if TYPE_CHECKING:
    from collections.abc import Collection, Iterable
    from datetime import datetime

    from servicekit.sqlite_statements import Queries, Statements
    from subgraphs.account.domain import Account
    from subgraphs.account.holds import Hold, HoldChange
    from subgraphs.account.limits import Limits, MovedSum
    from subgraphs.kit.hash_chain import ChainKey

# The last entry with a hash is found by `entries_by_position`. `sequence` is the row id, so the index contains it.
_WITH_LAST_LINK: Final = """
SELECT accounts.*, last.position, last.hash FROM accounts LEFT JOIN entries AS last ON last.sequence = (
    SELECT sequence FROM entries WHERE account_id = accounts.id AND position IS NOT NULL ORDER BY position DESC LIMIT 1
)
"""
_INSERT_ENTRY: Final = (
    "INSERT INTO entries (transaction_id, line, account_id, currency, amount, balance_after, posted_at, released,"
    " position, hash) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?)"
)
_WRONG_RECEIVERS: Final = json.dumps(sorted(WRONG_RECEIVERS))


class SqliteLedgerTransaction:
    """The `LedgerTransaction` on a connection whose transaction has begun."""

    def __init__(self, connection: Statements, key: ChainKey) -> None:
        self._connection = connection
        self._key = key
        # The last links of the accounts that `view` has read.
        self._last_links: dict[str, Link] = {}

    async def recorded(self, transaction_id: str) -> RecordedPosting | None:
        rows = await self._connection.execute_fetchall(
            "SELECT content_hash, problem, decided_at FROM postings WHERE transaction_id = ?", (transaction_id,)
        )
        for row in rows:
            problem: dict[str, Any] | None = json.loads(row["problem"]) if row["problem"] else None
            return RecordedPosting(row["content_hash"], Outcome(row["decided_at"], problem))
        return None

    async def hold(self, transaction_id: str) -> Hold | None:
        rows = await self._connection.execute_fetchall(
            "SELECT * FROM holds WHERE transaction_id = ?", (transaction_id,)
        )
        return next((to_hold(row) for row in rows), None)

    async def view(self, posting: Posting, limits: Limits, at: datetime) -> LedgerView:
        person = posting.on_behalf_of.user_id
        is_transfer = posting.type is PostingType.TRANSFER
        wrong = await wrong_receivers(self._connection, person, at) if is_transfer else ()
        sums = await self._connection.execute_fetchall(
            "SELECT * FROM moved_sums WHERE user_id = ? AND currency = ? AND direction = ?",
            (person, posting.currency, posting.direction),
        )
        return LedgerView(
            at=at,
            customers=await self._read_accounts(posting.customer_ids()),
            limits=limits,
            moved=tuple(to_moved(row) for row in sums),
            wrong_receivers=len(wrong),
        )

    async def _read_accounts(self, ids: Collection[str]) -> dict[str, Account]:
        """Return the customers' accounts by id, and remember the last link of each of them."""
        condition, parameters = customers_by("accounts.id", ids)
        rows = await self._connection.execute_fetchall(f"{_WITH_LAST_LINK} WHERE {condition}", parameters)
        self._last_links = {row["id"]: Link(row["position"] or 0, row["hash"] or b"") for row in rows}
        return {row["id"]: to_account(row) for row in rows}

    async def write_posting(self, posting: Posting, settlement: Settlement, limits: Limits) -> None:
        """Insert the entries. Triggers of the database then change the accounts to their new state in `settlement`."""
        _ = limits
        await self._connection.executemany(_INSERT_ENTRY, await self._entry_rows(posting, settlement))
        await self._write_moved(settlement.moved)
        await _record(self._connection, posting, settlement.outcome)
        await append_events(self._connection, events.of_settlement(posting, settlement))

    async def _entry_rows(self, posting: Posting, settlement: Settlement) -> list[tuple[Any, ...]]:
        """Return the values of each row of `entries`, in the order of `_INSERT_ENTRY`."""
        posted_at = settlement.outcome.decided_at
        lines = lines_of(settlement.movements)
        rows = []
        for line, movement in enumerate(settlement.movements):
            account, currency, link = movement.account, movement.currency, Link()
            # For an internal account, 0 is stored, because its balance is not stored.
            balance_after = to_minor_units(movement.balance_after or Decimal(0), currency)
            if isinstance(account, InternalAccount):
                account_id, position = await self._internal_id(account.name, currency, posted_at), None
            else:
                account_id = account.id
                entry = ChainedEntry(posting.transaction_id, posted_at, currency, balance_after, lines, line)
                link = self._last_links[account_id] = self._key.next(self._last_links[account_id], entry)
                position = link.position
            released = to_minor_units(movement.released or Decimal(0), currency)
            amount = to_minor_units(movement.amount, currency)
            rows.append(
                (
                    posting.transaction_id,
                    line,
                    account_id,
                    currency,
                    amount,
                    balance_after,
                    posted_at,
                    released,
                    position,
                    link.hash,
                )
            )
        return rows

    async def write_hold(self, change: HoldChange) -> None:
        hold = change.hold
        if hold is not None and hold.ended_at is None:
            await self._connection.execute(
                "INSERT INTO holds (transaction_id, posting, account_id, account_type, currency, amount, status,"
                " created_at, expires_at) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?)",
                hold_row(hold),
            )
        elif hold is not None and hold.ended_at is not None:
            captured = None if hold.captured is None else to_minor_units(hold.captured, hold.posting.currency)
            await self._connection.execute(
                "UPDATE holds SET status = ?, ended_at = ?, captured = ? WHERE transaction_id = ?",
                (hold.status, format_timestamp(hold.ended_at), captured, hold.id),
            )
        for account in change.accounts:
            await self._write_held(account)
        await self._write_moved(change.moved)
        if hold is not None:
            await append_events(self._connection, [events.of_hold(hold, account) for account in change.accounts])

    async def _write_held(self, account: Account) -> None:
        at = format_timestamp(account.updated_at)
        await self._connection.execute(
            "UPDATE accounts SET held = ?, version = ?, balance_as_of = ?, updated_at = ? WHERE id = ?",
            (to_minor_units(account.held, account.currency), account.version, at, at, account.id),
        )

    async def _write_moved(self, sums: Iterable[MovedSum]) -> None:
        await self._connection.executemany(
            "INSERT OR REPLACE INTO moved_sums VALUES (?, ?, ?, ?, ?, ?, ?, ?)", [moved_row(moved) for moved in sums]
        )

    async def _internal_id(self, name: str, currency: str, now: str) -> str:
        """Return the id of an internal account. If no posting has named it before, it is created."""
        await self._connection.execute(
            "INSERT INTO accounts (id, internal_name, currency, status, balance_as_of, created_at, updated_at)"
            " VALUES (?, ?, ?, ?, ?, ?, ?) ON CONFLICT (internal_name, currency) DO NOTHING",
            (values.new_object_id(), name, currency, AccountStatus.ACTIVE, now, now, now),
        )
        rows = await self._connection.execute_fetchall(
            "SELECT id FROM accounts WHERE internal_name = ? AND currency = ?", (name, currency)
        )
        (account_id,) = (row["id"] for row in rows)
        return str(account_id)


async def last_link(connection: Statements, account_id: str) -> Link:
    """Return the link of the last entry of an account that has a hash; an empty `Link` if there is none."""
    rows = await connection.execute_fetchall(
        "SELECT position, hash FROM entries WHERE account_id = ? AND position IS NOT NULL"
        " ORDER BY position DESC LIMIT 1",
        (account_id,),
    )
    return next((Link(row["position"], row["hash"]) for row in rows), Link())


async def wrong_receivers(connection: Queries, user_id: str, at: datetime) -> list[datetime]:
    """Return what `AccountStore.wrong_receivers` returns; see `settlement.names_wrong_receiver`."""
    rows = await connection.execute_fetchall(
        "SELECT decided_at FROM postings WHERE on_behalf_of = ? AND decided_at > ? AND decided_at < ?"
        " AND outcome = 'REFUSED' AND type = 'TRANSFER'"
        " AND json_extract(problem, '$.code') IN (SELECT value FROM json_each(?))"
        " AND json_extract(problem, '$.reason') IS NULL ORDER BY decided_at",
        (
            user_id,
            format_timestamp(at - WRONG_RECEIVER_WINDOW),
            format_timestamp(at + WRONG_RECEIVER_WINDOW),
            _WRONG_RECEIVERS,
        ),
    )
    return [parse_timestamp(row["decided_at"]) for row in rows]


async def _record(connection: Statements, posting: Posting, outcome: Outcome) -> None:
    await connection.execute(
        "INSERT INTO postings (transaction_id, content_hash, type, on_behalf_of, outcome, problem, decided_at)"
        " VALUES (?, ?, ?, ?, ?, ?, ?)",
        (
            posting.transaction_id,
            posting.content_hash(),
            posting.type,
            posting.on_behalf_of.user_id,
            "POSTED" if outcome.posted else "REFUSED",
            None if outcome.problem is None else json.dumps(outcome.problem),
            outcome.decided_at,
        ),
    )
