"""The SQLite schema of the ledger. The database itself enforces the invariants, whichever program writes to the file.

Money moves only when an entry is inserted: a trigger adds the entry's amount to the account's balance, and other
changes of a balance are refused. The entries of a posting are inserted first, and the row of the posting last. The row
cannot be inserted unless the entries sum to zero, and no entries can be added after it. Entries without this row cannot
be committed (a deferred foreign key). Entries and postings are never updated or deleted.

Amounts are integers in minor units. The tables are STRICT: a sum beyond 64 bits is an error, not a float. The balance
of an internal account may exceed 64 bits, like the sum of all customers' money. So it is not stored: `balance` and
`balance_after` are 0, and the balance is the sum of the entries.
"""

from __future__ import annotations

from typing import Final

from servicekit.sqlite import Migration
from subgraphs.account.store.sqlite_cache_epochs import CACHE_EPOCHS_TABLE
from subgraphs.kit.sqlite_store import DEAD_LETTERS_TABLE, OUTBOX_TABLE, READERS_TABLE, identity_statements

_ACCOUNTS = """
CREATE TABLE accounts (
    id TEXT PRIMARY KEY,
    user_id TEXT,
    number TEXT UNIQUE,
    internal_name TEXT,
    type TEXT CHECK (type IN ('CHECKING', 'SAVINGS', 'BUSINESS')),
    currency TEXT NOT NULL,
    balance INTEGER NOT NULL DEFAULT 0,
    held INTEGER NOT NULL DEFAULT 0,
    status TEXT NOT NULL CHECK (status IN ('ACTIVE', 'FROZEN', 'CLOSED')),
    version INTEGER NOT NULL DEFAULT 1,
    balance_as_of TEXT NOT NULL,
    created_at TEXT NOT NULL,
    updated_at TEXT NOT NULL,
    UNIQUE (id, currency),
    UNIQUE (internal_name, currency),
    CONSTRAINT customer_or_internal CHECK (
        iif(internal_name IS NULL,
            user_id IS NOT NULL AND number IS NOT NULL AND type IS NOT NULL,
            user_id IS NULL AND number IS NULL AND type IS NULL)),
    CONSTRAINT customers_are_never_overdrawn CHECK (internal_name IS NOT NULL OR balance >= 0),
    CONSTRAINT held_money_is_there CHECK (internal_name IS NOT NULL OR held BETWEEN 0 AND balance),
    CONSTRAINT closed_accounts_are_empty CHECK (status <> 'CLOSED' OR balance = 0)
) STRICT
"""

_POSTINGS = """
CREATE TABLE postings (
    transaction_id TEXT PRIMARY KEY,
    content_hash TEXT NOT NULL,
    type TEXT NOT NULL,
    on_behalf_of TEXT NOT NULL,
    outcome TEXT NOT NULL CHECK (outcome IN ('POSTED', 'REFUSED')),
    problem TEXT,
    decided_at TEXT NOT NULL,
    CONSTRAINT refusals_have_a_problem CHECK ((outcome = 'REFUSED') = (problem IS NOT NULL))
) STRICT
"""

_ENTRIES = """
CREATE TABLE entries (
    sequence INTEGER PRIMARY KEY AUTOINCREMENT,
    transaction_id TEXT NOT NULL REFERENCES postings (transaction_id) DEFERRABLE INITIALLY DEFERRED,
    line INTEGER NOT NULL,
    account_id TEXT NOT NULL,
    currency TEXT NOT NULL,
    amount INTEGER NOT NULL CHECK (amount <> 0),
    balance_after INTEGER NOT NULL,
    posted_at TEXT NOT NULL,
    UNIQUE (transaction_id, line),
    FOREIGN KEY (account_id, currency) REFERENCES accounts (id, currency)
) STRICT
"""


def _refuse(name: str, event: str, reason: str, when: str = "") -> str:
    """Return a trigger that aborts the statement with `reason` if `when` is true."""
    condition = f"WHEN {when} " if when else ""
    return f"CREATE TRIGGER {name} BEFORE {event} {condition}BEGIN SELECT RAISE(ABORT, '{reason}'); END"


_TRIGGERS = (
    _refuse("accounts_start_empty", "INSERT ON accounts", "an account starts empty", "NEW.balance <> 0"),
    _refuse("accounts_stay", "DELETE ON accounts", "accounts are closed, never deleted"),
    _refuse(
        "accounts_keep_identity",
        "UPDATE OF id, user_id, number, internal_name, currency, created_at ON accounts",
        "an account keeps its identity",
    ),
    _refuse(
        "accounts_stay_closed",
        "UPDATE ON accounts",
        "a closed account stays as it is",
        "OLD.status = 'CLOSED'",
    ),
    _refuse("accounts_rise", "UPDATE ON accounts", "the version must rise", "NEW.version <= OLD.version"),
    _refuse(
        "balances_follow_entries",
        "UPDATE OF balance ON accounts",
        "a balance changes by entries only",
        "NEW.balance IS NOT"
        " (SELECT balance_after FROM entries WHERE account_id = NEW.id ORDER BY sequence DESC LIMIT 1)",
    ),
    _refuse(
        "entries_continue_the_balance",
        "INSERT ON entries",
        "an entry continues its account",
        "NEW.balance_after IS NOT (SELECT balance + NEW.amount FROM accounts WHERE id = NEW.account_id)",
    ),
    _refuse(
        "entries_are_sealed",
        "INSERT ON entries",
        "the transaction is complete",
        "EXISTS (SELECT 1 FROM postings WHERE transaction_id = NEW.transaction_id)",
    ),
    (
        "CREATE TRIGGER entries_move_balances AFTER INSERT ON entries BEGIN"
        " UPDATE accounts SET balance = NEW.balance_after, version = version + 1,"
        " balance_as_of = NEW.posted_at, updated_at = NEW.posted_at WHERE id = NEW.account_id; END"
    ),
    _refuse("entries_never_change", "UPDATE ON entries", "entries never change"),
    _refuse("entries_never_go", "DELETE ON entries", "entries are never deleted"),
    _refuse(
        "postings_balance",
        "INSERT ON postings",
        "the entries do not balance",
        "NEW.outcome = 'POSTED' AND (2 > (SELECT count(*) FROM entries WHERE transaction_id = NEW.transaction_id)"
        " OR EXISTS (SELECT 1 FROM entries WHERE transaction_id = NEW.transaction_id"
        " GROUP BY currency HAVING sum(amount) <> 0))",
    ),
    _refuse(
        "refusals_move_nothing",
        "INSERT ON postings",
        "a refused posting has no entries",
        "NEW.outcome = 'REFUSED' AND EXISTS (SELECT 1 FROM entries WHERE transaction_id = NEW.transaction_id)",
    ),
    _refuse("postings_never_change", "UPDATE ON postings", "postings never change"),
    _refuse("postings_never_go", "DELETE ON postings", "postings are never deleted"),
)

# The amount that one person moved on one day (UTC), in minor units. There is one row for each person, currency and
# direction. The first posting of a new day replaces the row of the day before.
_DAY_SUMS = """
CREATE TABLE day_sums (
    user_id TEXT NOT NULL,
    currency TEXT NOT NULL,
    direction TEXT NOT NULL CHECK (direction IN ('OUT', 'IN')),
    day TEXT NOT NULL,
    amount INTEGER NOT NULL CHECK (amount > 0),
    PRIMARY KEY (user_id, currency, direction)
) STRICT, WITHOUT ROWID
"""

_INTERNAL_ACCOUNTS_HAVE_NO_BALANCE = (
    "DROP TRIGGER balances_follow_entries",
    "DROP TRIGGER entries_continue_the_balance",
    "DROP TRIGGER entries_never_change",
    (
        "UPDATE entries SET balance_after = 0"
        " WHERE account_id IN (SELECT id FROM accounts WHERE internal_name IS NOT NULL)"
    ),
    "UPDATE accounts SET balance = 0, version = version + 1 WHERE internal_name IS NOT NULL",
    _refuse("entries_never_change", "UPDATE ON entries", "entries never change"),
    _refuse(
        "balances_follow_entries",
        "UPDATE OF balance ON accounts",
        "a balance changes by entries only",
        "NEW.balance IS NOT"
        " (SELECT balance_after FROM entries WHERE account_id = NEW.id ORDER BY sequence DESC LIMIT 1)",
    ),
    _refuse(
        "entries_continue_the_balance",
        "INSERT ON entries",
        "an entry continues its account",
        "NEW.balance_after IS NOT (SELECT iif(internal_name IS NULL, balance + NEW.amount, 0)"
        " FROM accounts WHERE id = NEW.account_id)",
    ),
)

# The column `posting` contains the order in the format of `holds.order_to_json`.
_HOLDS = """
CREATE TABLE holds (
    transaction_id TEXT PRIMARY KEY,
    posting TEXT NOT NULL,
    account_id TEXT NOT NULL,
    account_type TEXT NOT NULL,
    currency TEXT NOT NULL,
    amount INTEGER NOT NULL CHECK (amount > 0),
    status TEXT NOT NULL CHECK (status IN ('HELD', 'CAPTURED', 'RELEASED', 'EXPIRED')),
    created_at TEXT NOT NULL,
    expires_at TEXT NOT NULL,
    ended_at TEXT,
    captured INTEGER CHECK (captured BETWEEN 1 AND amount),
    FOREIGN KEY (account_id, currency) REFERENCES accounts (id, currency),
    CONSTRAINT ended_holds_have_a_time CHECK ((status = 'HELD') = (ended_at IS NULL)),
    CONSTRAINT captured_holds_have_an_amount CHECK ((status = 'CAPTURED') = (captured IS NOT NULL))
) STRICT
"""

# The daily and monthly sums of a person, for one direction, currency and type of account ('' if the type is not known).
# The first posting of a new day or month replaces the sum of the old day or month.
_MOVED_SUMS = """
CREATE TABLE moved_sums (
    user_id TEXT NOT NULL,
    currency TEXT NOT NULL,
    direction TEXT NOT NULL CHECK (direction IN ('OUT', 'IN')),
    account_type TEXT NOT NULL,
    day TEXT NOT NULL,
    day_amount INTEGER NOT NULL CHECK (day_amount >= 0),
    month TEXT NOT NULL,
    month_amount INTEGER NOT NULL CHECK (month_amount >= 0),
    PRIMARY KEY (user_id, currency, direction, account_type)
) STRICT, WITHOUT ROWID
"""

# If an entry captures a hold, its trigger changes the balance and the held money in one statement. So the held money of
# an account is never more than its balance, not even between two statements.
_HOLDS_AND_SUMS = (
    _HOLDS,
    "CREATE INDEX holds_of_account ON holds (account_id) WHERE status = 'HELD'",
    "CREATE INDEX holds_by_expiry ON holds (expires_at) WHERE status = 'HELD'",
    _refuse("holds_start_active", "INSERT ON holds", "a hold starts active", "NEW.status <> 'HELD'"),
    _refuse("holds_end_once", "UPDATE ON holds", "a hold ends once", "OLD.status <> 'HELD'"),
    _refuse(
        "holds_keep_identity",
        "UPDATE OF transaction_id, posting, account_id, account_type, currency, amount, created_at, expires_at"
        " ON holds",
        "a hold keeps its identity",
    ),
    _refuse("holds_never_go", "DELETE ON holds", "holds are never deleted"),
    (
        "CREATE TRIGGER new_holds_are_counted AFTER INSERT ON holds"
        " BEGIN UPDATE store_identity SET changes = changes + 1; END"
    ),
    "ALTER TABLE entries ADD COLUMN released INTEGER NOT NULL DEFAULT 0 CHECK (released >= 0)",
    "DROP TRIGGER entries_move_balances",
    (
        "CREATE TRIGGER entries_move_balances AFTER INSERT ON entries BEGIN"
        " UPDATE accounts SET balance = NEW.balance_after, held = held - NEW.released, version = version + 1,"
        " balance_as_of = NEW.posted_at, updated_at = NEW.posted_at WHERE id = NEW.account_id; END"
    ),
    _refuse(
        "held_money_follows_holds",
        "UPDATE OF held ON accounts",
        "held money changes by holds only",
        "NEW.held IS NOT (SELECT coalesce(sum(amount), 0) FROM holds WHERE account_id = NEW.id AND status = 'HELD')",
    ),
    _MOVED_SUMS,
    (
        "INSERT INTO moved_sums SELECT user_id, currency, direction, '', day, amount, substr(day, 1, 7), amount"
        " FROM day_sums"
    ),
    "DROP TABLE day_sums",
)

# Entries that were posted before this migration have no hashes. The program computes these hashes later
# (`sqlite_hash_chain`).
_CHAINS = (
    "ALTER TABLE entries ADD COLUMN position INTEGER",
    "ALTER TABLE entries ADD COLUMN hash BLOB",
    "CREATE TABLE chain_key (id TEXT NOT NULL) STRICT",
    "CREATE UNIQUE INDEX entries_by_position ON entries (account_id, position) WHERE position IS NOT NULL",
    "CREATE INDEX entries_by_time ON entries (account_id, posted_at, sequence)",
    "CREATE INDEX entries_of_day ON entries (posted_at)",
    "CREATE INDEX entries_without_hash ON entries (sequence) WHERE hash IS NULL",
    "DROP TRIGGER entries_never_change",
    _refuse(
        "entries_never_change",
        "UPDATE ON entries",
        "entries never change",
        "OLD.hash IS NOT NULL OR NEW.sequence <> OLD.sequence OR NEW.transaction_id <> OLD.transaction_id"
        " OR NEW.line <> OLD.line OR NEW.account_id <> OLD.account_id OR NEW.currency <> OLD.currency"
        " OR NEW.amount <> OLD.amount OR NEW.balance_after <> OLD.balance_after OR NEW.posted_at <> OLD.posted_at"
        " OR NEW.released <> OLD.released OR NEW.hash IS NULL",
    ),
    _refuse("entries_are_chained", "INSERT ON entries", "an entry has its hash", "NEW.hash IS NULL"),
)

# Times are in milliseconds since 1970.
_EXPORTS: Final = (
    """
CREATE TABLE statement_exports (
    id TEXT PRIMARY KEY,
    user_id TEXT NOT NULL,
    account_id TEXT NOT NULL,
    currency TEXT NOT NULL,
    format TEXT NOT NULL,
    period_begin INTEGER NOT NULL,
    period_end INTEGER NOT NULL,
    requested_at INTEGER NOT NULL,
    expires_at INTEGER NOT NULL,
    status TEXT NOT NULL,
    entries INTEGER NOT NULL,
    parts INTEGER NOT NULL,
    failure TEXT
) STRICT
""",
    """
CREATE TABLE statement_export_parts (
    export_id TEXT NOT NULL REFERENCES statement_exports (id) ON DELETE CASCADE,
    number INTEGER NOT NULL,
    content TEXT NOT NULL,
    PRIMARY KEY (export_id, number)
) STRICT
""",
    "CREATE INDEX statement_exports_of_user ON statement_exports (user_id, expires_at)",
    "CREATE INDEX statement_exports_by_expiry ON statement_exports (expires_at)",
)

MIGRATIONS: Final = (
    Migration(
        1,
        "accounts and the ledger",
        (
            _ACCOUNTS,
            "CREATE INDEX accounts_by_owner ON accounts (user_id, id) WHERE user_id IS NOT NULL",
            _POSTINGS,
            _ENTRIES,
            "CREATE INDEX entries_by_account ON entries (account_id, sequence)",
            *_TRIGGERS,
        ),
    ),
    Migration(2, "outbox", (OUTBOX_TABLE,)),
    Migration(
        3,
        "the last change that staff made to an account",
        (
            "ALTER TABLE accounts ADD COLUMN staff_action TEXT",
            "ALTER TABLE accounts ADD COLUMN staff_user_id TEXT",
            "ALTER TABLE accounts ADD COLUMN staff_acted_at TEXT",
        ),
    ),
    Migration(
        4,
        "refusals of a person",
        ("CREATE INDEX postings_refused ON postings (on_behalf_of, decided_at) WHERE outcome = 'REFUSED'",),
    ),
    Migration(
        5,
        "sums of a day, and internal accounts without a balance",
        (_DAY_SUMS, *_INTERNAL_ACCOUNTS_HAVE_NO_BALANCE),
    ),
    Migration(
        6,
        "identity of the store",
        identity_statements("INSERT ON accounts", "UPDATE OF type, status ON accounts", "INSERT ON postings"),
    ),
    Migration(7, "readers of the outbox", (READERS_TABLE,)),
    Migration(8, "holds, and sums of a month", _HOLDS_AND_SUMS),
    Migration(9, "hash chains", _CHAINS),
    Migration(10, "epochs of the cache", CACHE_EPOCHS_TABLE),
    Migration(11, "events that could not be processed", (DEAD_LETTERS_TABLE,)),
    Migration(12, "statement exports", _EXPORTS),
    # A filtered list of all accounts reads some ranges of one of these indexes, in the order of the list.
    Migration(
        13,
        "indexes for filtered lists",
        (
            "CREATE INDEX accounts_by_status ON accounts (status, type, id) WHERE user_id IS NOT NULL",
            "CREATE INDEX accounts_by_currency ON accounts (currency, status, type, id) WHERE user_id IS NOT NULL",
        ),
    ),
)
