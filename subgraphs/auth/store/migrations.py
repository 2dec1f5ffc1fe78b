"""The SQLite schema of the auth service. Times are integer milliseconds since 1970, UTC."""

from __future__ import annotations

from typing import Final

from servicekit.sqlite import Migration
from subgraphs.auth.store.oauth_migrations import IN_SQLITE as OAUTH_TABLES
from subgraphs.kit.sqlite_store import identity_statements

_AUDIT_LOG: Final = (
    """
    CREATE TABLE audit_log (
        position INTEGER PRIMARY KEY,
        hash BLOB NOT NULL,
        at INTEGER NOT NULL,
        actor_kind TEXT NOT NULL,
        actor_id TEXT NOT NULL,
        action TEXT NOT NULL,
        subject_kind TEXT NOT NULL,
        subject_id TEXT NOT NULL,
        outcome TEXT NOT NULL,
        origin TEXT,
        details TEXT NOT NULL
    ) STRICT
    """,
    "CREATE TABLE audit_key (id TEXT NOT NULL) STRICT",
    "CREATE INDEX audit_log_by_actor ON audit_log (actor_id, position)",
    "CREATE INDEX audit_log_by_subject ON audit_log (subject_id, position)",
    "CREATE INDEX audit_log_by_time ON audit_log (at)",
    (
        "CREATE TRIGGER audit_log_never_changes BEFORE UPDATE ON audit_log"
        " BEGIN SELECT RAISE(ABORT, 'the audit log never changes'); END"
    ),
    (
        "CREATE TRIGGER audit_log_keeps_all BEFORE DELETE ON audit_log"
        " BEGIN SELECT RAISE(ABORT, 'entries of the audit log are never deleted'); END"
    ),
    # INSERT OR REPLACE deletes a row without a delete trigger, unless recursive triggers are on.
    (
        "CREATE TRIGGER audit_log_has_no_gaps BEFORE INSERT ON audit_log"
        " WHEN NEW.position IS NOT (SELECT coalesce(max(position), 0) + 1 FROM audit_log)"
        " BEGIN SELECT RAISE(ABORT, 'an entry follows the last entry of the audit log'); END"
    ),
)

_SECOND_FACTORS: Final = (
    """
    CREATE TABLE totp_factors (
        user_id TEXT PRIMARY KEY REFERENCES users (id) ON DELETE CASCADE,
        sealed_secret BLOB NOT NULL,
        enrolled_at INTEGER NOT NULL,
        last_step INTEGER NOT NULL
    ) STRICT, WITHOUT ROWID
    """,
    """
    CREATE TABLE passkeys (
        credential_id BLOB PRIMARY KEY,
        user_id TEXT NOT NULL REFERENCES users (id) ON DELETE CASCADE,
        public_key BLOB NOT NULL,
        sign_count INTEGER NOT NULL,
        name TEXT NOT NULL,
        enrolled_at INTEGER NOT NULL,
        last_used_at INTEGER
    ) STRICT, WITHOUT ROWID
    """,
    "CREATE INDEX passkeys_by_user ON passkeys (user_id)",
    """
    CREATE TABLE recovery_codes (
        user_id TEXT NOT NULL REFERENCES users (id) ON DELETE CASCADE,
        digest BLOB NOT NULL,
        PRIMARY KEY (user_id, digest)
    ) STRICT, WITHOUT ROWID
    """,
    """
    CREATE TABLE second_factor_challenges (
        digest BLOB PRIMARY KEY,
        purpose TEXT NOT NULL,
        user_id TEXT REFERENCES users (id) ON DELETE CASCADE,
        bound_to TEXT NOT NULL,
        expires_at INTEGER NOT NULL,
        sealed BLOB NOT NULL,
        attempts INTEGER NOT NULL DEFAULT 0
    ) STRICT, WITHOUT ROWID
    """,
    "CREATE INDEX second_factor_challenges_by_expiry ON second_factor_challenges (expires_at)",
    "CREATE INDEX second_factor_challenges_by_user ON second_factor_challenges (user_id)",
)

_LINKS: Final = (
    "ALTER TABLE users ADD COLUMN email_verified_at INTEGER",
    "ALTER TABLE users ADD COLUMN password_changed_at INTEGER",
    """
    CREATE TABLE links (
        digest BLOB PRIMARY KEY,
        purpose TEXT NOT NULL,
        user_id TEXT NOT NULL REFERENCES users (id) ON DELETE CASCADE,
        email TEXT NOT NULL,
        new_email TEXT,
        issued_at INTEGER NOT NULL,
        expires_at INTEGER NOT NULL,
        used_at INTEGER
    ) STRICT, WITHOUT ROWID
    """,
    "CREATE INDEX links_by_user ON links (user_id)",
    "CREATE INDEX links_by_expiry ON links (expires_at)",
)


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
    Migration(6, "audit log", _AUDIT_LOG),
    Migration(
        7,
        "devices of sessions",
        (
            "ALTER TABLE sessions ADD COLUMN device TEXT NOT NULL DEFAULT 'Unknown device'",
            "ALTER TABLE sessions ADD COLUMN network TEXT NOT NULL DEFAULT ''",
            "ALTER TABLE sessions ADD COLUMN name TEXT",
            # NULL: when the session began
            "ALTER TABLE sessions ADD COLUMN last_used_at INTEGER",
            "DROP INDEX sessions_by_user",
            "CREATE INDEX sessions_by_user ON sessions (user_id, created_at, id)",
            """
            CREATE TABLE known_devices (
                user_id TEXT NOT NULL REFERENCES users (id) ON DELETE CASCADE,
                device TEXT NOT NULL,
                network TEXT NOT NULL,
                last_seen_at INTEGER NOT NULL,
                PRIMARY KEY (user_id, device, network)
            ) STRICT, WITHOUT ROWID
            """,
        ),
    ),
    Migration(
        8,
        "API keys",
        (
            """
            CREATE TABLE api_keys (
                id TEXT PRIMARY KEY,
                user_id TEXT NOT NULL REFERENCES users (id) ON DELETE CASCADE,
                name TEXT NOT NULL,
                scopes TEXT NOT NULL,
                created_at INTEGER NOT NULL,
                expires_at INTEGER NOT NULL,
                revoked_at INTEGER,
                last_used_at INTEGER
            ) STRICT, WITHOUT ROWID
            """,
            "CREATE INDEX api_keys_by_user ON api_keys (user_id)",
            """
            CREATE TABLE api_key_secrets (
                digest BLOB PRIMARY KEY,
                key_id TEXT NOT NULL REFERENCES api_keys (id) ON DELETE CASCADE,
                created_at INTEGER NOT NULL,
                ends_at INTEGER NOT NULL
            ) STRICT, WITHOUT ROWID
            """,
            "CREATE INDEX api_key_secrets_by_key ON api_key_secrets (key_id)",
        ),
    ),
    Migration(9, "second factors: authenticator apps, passkeys, recovery codes, challenges", _SECOND_FACTORS),
    Migration(10, "clients, tickets and grants of the authorization server", OAUTH_TABLES),
    Migration(11, "verified addresses, changes of passwords, links in mails", _LINKS),
    Migration(
        12,
        "operations of other services in the audit log",
        (
            """
            CREATE TABLE audit_operations (
                id TEXT PRIMARY KEY,
                service TEXT NOT NULL,
                position INTEGER NOT NULL UNIQUE,
                resume TEXT NOT NULL
            ) STRICT, WITHOUT ROWID
            """,
        ),
    ),
    Migration(
        13,
        "what the refresh tokens of a session have in common",
        (
            # NULL: the session is from an earlier release, and its used tokens are kept
            "ALTER TABLE sessions ADD COLUMN token_family BLOB",
            "CREATE UNIQUE INDEX sessions_by_token_family ON sessions (token_family) WHERE token_family IS NOT NULL",
        ),
    ),
)
