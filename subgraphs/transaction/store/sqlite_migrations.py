"""The SQLite schema of the store of transactions, as migrations of `transaction.sqlite3`."""

from __future__ import annotations

from servicekit.sqlite import Migration
from subgraphs.kit.sqlite_store import DEAD_LETTERS_TABLE, OUTBOX_TABLE, READERS_TABLE, identity_statements

# The amount is in minor units and has `exponent` decimals. `source_named` and `destination_named` contain the id or
# number of the account in the order. If there is no such account, the other `source_*` or `destination_*` columns are
# null. For principal_user_id, see domain.Transaction. Times are milliseconds since 1970.
_TRANSACTIONS = """
CREATE TABLE transactions (
    id TEXT PRIMARY KEY,
    type TEXT NOT NULL CHECK (type IN ('TRANSFER', 'DEPOSIT', 'WITHDRAWAL', 'PAYMENT', 'REVERSAL', 'FEE')),
    status TEXT NOT NULL CHECK (status IN ('PENDING', 'HELD', 'COMPLETED', 'FAILED', 'REVERSED')),
    amount INTEGER NOT NULL CHECK (amount > 0),
    exponent INTEGER NOT NULL,
    currency TEXT NOT NULL,
    source_named TEXT,
    source_account_id TEXT,
    source_user_id TEXT,
    source_account_number TEXT,
    destination_named TEXT,
    destination_account_id TEXT,
    destination_user_id TEXT,
    destination_account_number TEXT,
    payee TEXT,
    metadata TEXT NOT NULL,
    problem TEXT CHECK ((problem IS NOT NULL) = (status = 'FAILED')),
    requester_user_id TEXT NOT NULL,
    requester_roles TEXT NOT NULL,
    principal_user_id TEXT NOT NULL,
    created_at INTEGER NOT NULL,
    updated_at INTEGER NOT NULL
)
"""

_IDEMPOTENCY_KEYS = """
CREATE TABLE idempotency_keys (
    user_id TEXT NOT NULL,
    mutation TEXT NOT NULL,
    key TEXT NOT NULL,
    fingerprint TEXT NOT NULL,
    transaction_id TEXT NOT NULL REFERENCES transactions (id),
    expires_at INTEGER NOT NULL,
    PRIMARY KEY (user_id, mutation, key)
) WITHOUT ROWID
"""

# The statuses of each transaction, numbered from 1. `at` is in milliseconds since 1970. `by` is the member of the staff
# who changed the status; null for the service.
_STATUS_CHANGES = """
CREATE TABLE status_changes (
    transaction_id TEXT NOT NULL REFERENCES transactions (id),
    number INTEGER NOT NULL,
    status TEXT NOT NULL,
    at INTEGER NOT NULL,
    by TEXT,
    PRIMARY KEY (transaction_id, number)
) WITHOUT ROWID, STRICT
"""

# These statements create the history of transactions that an earlier release recorded. Only their first and their
# present status are known. A transaction that failed when it was recorded has only one status.
_FIRST_STATUSES = """
INSERT INTO status_changes
SELECT id, 1, CASE WHEN status = 'FAILED' AND updated_at = created_at THEN 'FAILED' ELSE 'PENDING' END, created_at, NULL
FROM transactions
"""
_PRESENT_STATUSES = """
INSERT INTO status_changes
SELECT id, 2, status, updated_at, NULL FROM transactions
WHERE status <> 'PENDING' AND NOT (status = 'FAILED' AND updated_at = created_at)
"""

# Times are in milliseconds since 1970.
_NOTIFICATIONS = (
    """
CREATE TABLE notifications (
    id TEXT PRIMARY KEY,
    user_id TEXT NOT NULL,
    kind TEXT NOT NULL,
    transaction_id TEXT NOT NULL,
    created_at INTEGER NOT NULL,
    read_at INTEGER
) STRICT
""",
    "CREATE INDEX notifications_of_user ON notifications (user_id, created_at, id)",
    "CREATE INDEX notifications_unread ON notifications (user_id, created_at, id) WHERE read_at IS NULL",
    "CREATE INDEX notifications_by_time ON notifications (created_at)",
)

MIGRATIONS = (
    Migration(
        1,
        "transactions and idempotency keys",
        (
            _TRANSACTIONS,
            # Each branch of a list (see `sqlite_queries`) reads a range of one of these indexes, in index order.
            "CREATE INDEX transactions_by_time ON transactions (created_at, id)",
            "CREATE INDEX transactions_by_principal ON transactions (principal_user_id, created_at, id)",
            "CREATE INDEX transactions_by_destination_user ON transactions (destination_user_id, created_at, id)",
            "CREATE INDEX transactions_by_source ON transactions (source_account_id, created_at, id)",
            "CREATE INDEX transactions_by_destination ON transactions (destination_account_id, created_at, id)",
            # Only PENDING transactions are in this index, so it is nearly always empty. The reconciler reads it every
            # few seconds.
            "CREATE INDEX transactions_pending ON transactions (id) WHERE status = 'PENDING'",
            _IDEMPOTENCY_KEYS,
            "CREATE INDEX idempotency_keys_by_expiry ON idempotency_keys (expires_at)",
        ),
    ),
    Migration(
        2,
        "leases and outbox",
        (
            # The lease of the process that carries out the order; see lease.py. The time is in milliseconds since 1970.
            "ALTER TABLE transactions ADD COLUMN lease_owner TEXT",
            "ALTER TABLE transactions ADD COLUMN lease_expires_at INTEGER",
            OUTBOX_TABLE,
        ),
    ),
    Migration(
        3,
        "identity of the store",
        identity_statements("INSERT ON transactions", "UPDATE OF status ON transactions"),
    ),
    Migration(
        4,
        "history of statuses",
        (
            _STATUS_CHANGES,
            _FIRST_STATUSES,
            _PRESENT_STATUSES,
        ),
    ),
    Migration(5, "readers of the outbox", (READERS_TABLE,)),
    Migration(
        6,
        "fraud decisions and reviews",
        (
            # Both columns contain JSON: `fraud_decision` as written by fraud.decision.Decision, and `approvals` as a
            # list of pairs (id of the reviewer, time).
            "ALTER TABLE transactions ADD COLUMN fraud_decision TEXT",
            "ALTER TABLE transactions ADD COLUMN approvals TEXT NOT NULL DEFAULT '[]'",
            "CREATE INDEX transactions_held ON transactions (created_at, id) WHERE status = 'HELD'",
        ),
    ),
    # JSON: the problem of an order that was rejected or has expired while it was HELD.
    Migration(7, "refusals of held orders", ("ALTER TABLE transactions ADD COLUMN refusal TEXT",)),
    Migration(
        8,
        "reversals",
        (
            "ALTER TABLE transactions ADD COLUMN reversal_of TEXT REFERENCES transactions (id)",
            "ALTER TABLE transactions ADD COLUMN reversal_type TEXT",
            # A transaction has at most one reversal that has not failed.
            (
                "CREATE UNIQUE INDEX transactions_reversed_once ON transactions (reversal_of)"
                " WHERE reversal_of IS NOT NULL AND status <> 'FAILED'"
            ),
        ),
    ),
    Migration(9, "payment instruments", ("ALTER TABLE transactions ADD COLUMN instrument TEXT",)),
    Migration(
        10,
        "events of the payment provider",
        (
            (
                "CREATE TABLE provider_events (id TEXT PRIMARY KEY, type TEXT NOT NULL, order_id TEXT NOT NULL,"
                " payment_id TEXT NOT NULL, received_at INTEGER NOT NULL, is_open INTEGER NOT NULL DEFAULT 1)"
                " WITHOUT ROWID, STRICT"
            ),
            "CREATE INDEX provider_events_open ON provider_events (received_at, id) WHERE is_open = 1",
            "CREATE INDEX provider_events_by_time ON provider_events (received_at)",
        ),
    ),
    Migration(11, "events that could not be processed", (DEAD_LETTERS_TABLE,)),
    Migration(12, "notifications", _NOTIFICATIONS),
    # The amount is in minor units of the currency. The rate is a text, with all its digits.
    Migration(
        13,
        "exchanges of currencies",
        (
            "ALTER TABLE transactions ADD COLUMN credited_amount INTEGER",
            "ALTER TABLE transactions ADD COLUMN credited_exponent INTEGER",
            "ALTER TABLE transactions ADD COLUMN credited_currency TEXT",
            "ALTER TABLE transactions ADD COLUMN rate_base TEXT",
            "ALTER TABLE transactions ADD COLUMN rate_quote TEXT",
            "ALTER TABLE transactions ADD COLUMN rate TEXT",
            "ALTER TABLE transactions ADD COLUMN rates_version TEXT",
        ),
    ),
    # A filtered list of all transactions reads some ranges of this index, in the order of the list. The condition is
    # true for all rows, and keeps SQLite from taking this index for queries without the condition.
    Migration(
        14,
        "index for filtered lists",
        (
            (
                "CREATE INDEX transactions_by_status ON transactions (status, type, created_at, id)"
                " WHERE type IS NOT NULL"
            ),
        ),
    ),
)
