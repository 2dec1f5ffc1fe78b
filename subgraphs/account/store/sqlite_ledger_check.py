"""Checks the invariants of a ledger file.

The check only reads, in one snapshot, so the service may be running, or may have crashed. The database has constraints
that should make violations impossible, but this check does not rely on them.
"""

from __future__ import annotations

import sqlite3
from contextlib import closing
from itertools import groupby
from typing import TYPE_CHECKING, Any, Final

from bank.store_records import StoreState
from servicekit.sqlite import BUSY_SECONDS
from subgraphs.account.hash_chain import ChainedEntry, Line, StoredEntry
from subgraphs.account.store.ledger_report import CHAINS, LedgerReport, broken_entries, violation
from subgraphs.kit.hash_chain import Link

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from subgraphs.kit.hash_chain import ChainKey

# A sum of many amounts may exceed 64 bits. So each amount is split into billions and a remainder. All billions are
# added up, and all remainders are added up.
_BILLION: Final = 10**9
# Internal accounts have no stored balance. So the query adds the stored balances of customers' accounts and the entries
# of internal accounts.
_EVERYTHING = f"""
    SELECT currency, balance / {_BILLION} AS high, balance % {_BILLION} AS low FROM accounts WHERE internal_name IS NULL
    UNION ALL
    SELECT e.currency, e.amount / {_BILLION}, e.amount % {_BILLION}
    FROM entries e JOIN accounts a ON a.id = e.account_id
    WHERE a.internal_name IS NOT NULL
"""  # noqa: S608 - a constant

# Each query returns one row for each violation. The columns say where the violation is. A query sums the entries of an
# account in the order of posting. So each partial sum is a balance that the account once had, and fits into 64 bits.
INVARIANTS: Final[dict[str, str]] = {
    "the file is intact": "SELECT integrity_check AS problem FROM pragma_integrity_check WHERE integrity_check <> 'ok'",
    "every reference has its row": 'SELECT "table", rowid, parent FROM pragma_foreign_key_check',
    "the entries of each transaction sum to zero": (
        "SELECT transaction_id, currency, sum(amount) AS sum FROM entries"
        " GROUP BY transaction_id, currency HAVING sum(amount) <> 0"
    ),
    "each balance is the sum of its entries": (
        "SELECT a.id AS account_id, a.balance, e.total FROM accounts a LEFT JOIN"
        " (SELECT account_id, sum(amount) AS total FROM"
        " (SELECT account_id, amount FROM entries JOIN accounts ON accounts.id = account_id"
        " WHERE internal_name IS NULL ORDER BY account_id, sequence) GROUP BY account_id) e"
        " ON e.account_id = a.id WHERE a.internal_name IS NULL AND a.balance <> coalesce(e.total, 0)"
    ),
    "each entry continues the balance before it": (
        "SELECT account_id, sequence FROM (SELECT account_id, sequence, amount, balance_after,"
        " lag(balance_after, 1, 0) OVER (PARTITION BY account_id ORDER BY sequence) AS before FROM entries"
        " JOIN accounts ON accounts.id = account_id WHERE internal_name IS NULL)"
        " WHERE balance_after <> before + amount"
    ),
    "all accounts, internal ones included, sum to zero per currency": (
        f"SELECT currency, sum(high) AS billions, sum(low) AS units FROM ({_EVERYTHING}) GROUP BY currency"  # noqa: S608 - as above
        f" HAVING sum(low) % {_BILLION} <> 0 OR sum(high) + sum(low) / {_BILLION} <> 0"
    ),
    "no customer's balance is negative": (
        "SELECT id AS account_id, balance FROM accounts WHERE internal_name IS NULL AND balance < 0"
    ),
    "closed accounts are empty": "SELECT id AS account_id FROM accounts WHERE status = 'CLOSED' AND balance <> 0",
    "entries have the currency of their account": (
        "SELECT e.sequence FROM entries e JOIN accounts a ON a.id = e.account_id WHERE a.currency <> e.currency"
    ),
    "posted transactions have entries, refused ones none": (
        "SELECT p.transaction_id, p.outcome, count(e.sequence) AS entries FROM postings p"
        " LEFT JOIN entries e ON e.transaction_id = p.transaction_id"
        " GROUP BY p.transaction_id HAVING (p.outcome = 'POSTED') <> (count(e.sequence) >= 2)"
        " OR (p.outcome = 'REFUSED' AND count(e.sequence) > 0)"
    ),
    "held money equals the sum of active holds": (
        "SELECT a.id AS account_id, a.held, h.total FROM accounts a LEFT JOIN"
        " (SELECT account_id, sum(amount) AS total FROM holds WHERE status = 'HELD' GROUP BY account_id) h"
        " ON h.account_id = a.id WHERE a.held <> coalesce(h.total, 0)"
    ),
    "entries belong to a posted transaction": (
        "SELECT e.sequence FROM entries e LEFT JOIN postings p ON p.transaction_id = e.transaction_id"
        " WHERE p.outcome IS NOT 'POSTED'"
    ),
}
_CUSTOMERS: Final = (
    f"SELECT currency, sum(balance / {_BILLION}), sum(balance % {_BILLION}) FROM accounts"  # noqa: S608 - as above
    " WHERE internal_name IS NULL GROUP BY currency ORDER BY currency"
)
_INTERNAL: Final = (
    f"SELECT internal_name, e.currency, sum(amount / {_BILLION}), sum(amount % {_BILLION})"  # noqa: S608 - as above
    " FROM entries e JOIN accounts a ON a.id = e.account_id WHERE internal_name IS NOT NULL"
    " GROUP BY internal_name, e.currency ORDER BY internal_name, e.currency"
)


def check_ledger(path: Path, key: ChainKey | None = None) -> LedgerReport:
    """Check every invariant of the ledger file at `path`. Without `key`, the hash chains are not checked.

    Raises:
        sqlite3.Error: the file does not exist, or is not a ledger of this release.
    """
    with closing(sqlite3.connect(f"{path.resolve().as_uri()}?mode=ro", uri=True, timeout=BUSY_SECONDS)) as connection:
        connection.row_factory = sqlite3.Row
        connection.execute("BEGIN")
        found = [
            violation(invariant, [dict(row) for row in connection.execute(query).fetchall()])
            for invariant, query in INVARIANTS.items()
        ]
        if key is not None:
            found.append(violation(CHAINS, list(_broken_entries(connection, key))))
        outcomes = dict(connection.execute("SELECT outcome, count(*) FROM postings GROUP BY outcome").fetchall())
        return LedgerReport(
            accounts=_number(connection, "SELECT count(*) FROM accounts WHERE internal_name IS NULL"),
            posted=outcomes.get("POSTED", 0),
            refused=outcomes.get("REFUSED", 0),
            entries=_number(connection, "SELECT count(*) FROM entries"),
            customer_sums={currency: units for (currency,), units in _sums(connection, _CUSTOMERS).items()},
            internal_sums={(name, currency): units for (name, currency), units in _sums(connection, _INTERNAL).items()},
            violations=tuple(each for each in found if each is not None),
            invariants=(*INVARIANTS, *([CHAINS] if key is not None else [])),
        )


def read_identity(path: Path) -> tuple[StoreState, dict[str, StoreState]]:
    """Return the identity of the ledger file at `path`, and the identities of other stores that it remembers, by name.

    Raises:
        sqlite3.Error: the file does not exist, or is not a ledger of this release.
    """
    with closing(sqlite3.connect(f"{path.resolve().as_uri()}?mode=ro", uri=True, timeout=BUSY_SECONDS)) as connection:
        (own,) = connection.execute("SELECT id, changes FROM store_identity").fetchall()
        known = connection.execute("SELECT name, id, changes FROM known_stores").fetchall()
    return StoreState(*own), {name: StoreState(store_id, changes) for name, store_id, changes in known}


def _broken_entries(connection: sqlite3.Connection, key: ChainKey) -> Iterator[dict[str, Any]]:
    """Yield the first broken entry of each account."""
    rows = connection.execute(
        "SELECT e.* FROM entries e JOIN accounts a ON a.id = e.account_id WHERE internal_name IS NULL"
        " ORDER BY account_id, position, sequence"
    )
    for _, group in groupby(rows, key=lambda row: row["account_id"]):
        yield from broken_entries(key, [_stored_entry(connection, row) for row in group])


def _stored_entry(connection: sqlite3.Connection, row: sqlite3.Row) -> StoredEntry:
    lines = connection.execute(
        "SELECT coalesce(internal_name, account_id), amount FROM entries LEFT JOIN accounts ON accounts.id = account_id"
        " WHERE transaction_id = ? ORDER BY line",
        (row["transaction_id"],),
    )
    entry = ChainedEntry(
        row["transaction_id"],
        row["posted_at"],
        row["currency"],
        row["balance_after"],
        tuple(Line(name, units) for name, units in lines),
        row["line"],
    )
    return StoredEntry(row["account_id"], Link(row["position"] or 0, row["hash"] or b""), entry)


def _sums(connection: sqlite3.Connection, query: str) -> dict[tuple[str, ...], int]:
    """Return the sums in the rows of `query`. The last two columns are the billions and the remainder of a sum."""
    return {tuple(row)[:-2]: row[-2] * _BILLION + row[-1] for row in connection.execute(query)}


def _number(connection: sqlite3.Connection, query: str) -> int:
    value: int = connection.execute(query).fetchone()[0]
    return value
