"""The SQLite schema of the auth service. Times are integer milliseconds since 1970, UTC."""

from __future__ import annotations

from typing import Final

from servicekit.sqlite import Migration
from subgraphs.kit.sqlite_store import identity_statements

MIGRATIONS: Final = (
    Migration(
        1,
        "users, sessions, refresh tokens, signing keys",
        (
            """
            CREATE TABLE users (
                id TEXT PRIMARY KEY,
                email TEXT NOT NULL,
                email_key TEXT NOT NULL UNIQUE,
                name TEXT NOT NULL,
                password_hash TEXT NOT NULL,
                roles TEXT NOT NULL,
                created_at INTEGER NOT NULL
            ) STRICT, WITHOUT ROWID
            """,
            """
            CREATE TABLE sessions (
                id TEXT PRIMARY KEY,
                user_id TEXT NOT NULL REFERENCES users (id) ON DELETE CASCADE,
                created_at INTEGER NOT NULL,
                expires_at INTEGER NOT NULL,
                ended_at INTEGER
            ) STRICT, WITHOUT ROWID
            """,
            "CREATE INDEX sessions_by_user ON sessions (user_id)",
            "CREATE INDEX sessions_by_expiry ON sessions (expires_at)",
            "CREATE INDEX sessions_by_end ON sessions (ended_at) WHERE ended_at IS NOT NULL",
            """
            CREATE TABLE refresh_tokens (
                digest BLOB PRIMARY KEY,
                session_id TEXT NOT NULL REFERENCES sessions (id) ON DELETE CASCADE,
                issued_at INTEGER NOT NULL,
                expires_at INTEGER NOT NULL,
                used_at INTEGER
            ) STRICT, WITHOUT ROWID
            """,
            "CREATE INDEX refresh_tokens_by_session ON refresh_tokens (session_id)",
            """
            CREATE TABLE signing_keys (
                id TEXT PRIMARY KEY,
                created_at INTEGER NOT NULL,
                active_from INTEGER NOT NULL,
                public_jwk TEXT NOT NULL,
                sealed_private_key BLOB NOT NULL
            ) STRICT, WITHOUT ROWID
            """,
        ),
    ),
    Migration(2, "disabled users", ("ALTER TABLE users ADD COLUMN disabled_at INTEGER",)),
    Migration(
        3,
        "identity of the store",
        identity_statements("INSERT ON users", "UPDATE ON users", "INSERT ON signing_keys"),
    ),
    Migration(
        4,
        "how the user of a session has proved their identity, and when",
        (
            "ALTER TABLE sessions ADD COLUMN methods TEXT NOT NULL DEFAULT 'pwd'",
            # NULL: when the session began
            "ALTER TABLE sessions ADD COLUMN authenticated_at INTEGER",
            "ALTER TABLE sessions ADD COLUMN factor_enrolled_at INTEGER",
        ),
    ),
    Migration(
        5,
        "queued mails",
        (
            """
            CREATE TABLE mails (
                id TEXT PRIMARY KEY,
                sealed BLOB NOT NULL,
                queued_at INTEGER NOT NULL,
                expires_at INTEGER NOT NULL,
                due_at INTEGER NOT NULL,
                attempts INTEGER NOT NULL
            ) STRICT, WITHOUT ROWID
            """,
            "CREATE INDEX mails_by_due_time ON mails (due_at)",
        ),
    ),
)
