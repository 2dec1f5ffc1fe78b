"""The PostgreSQL schema of the auth service. Ids sort by their bytes (`COLLATE "C"`), as in the other stores."""

from __future__ import annotations

from typing import Final

from subgraphs.auth.store.oauth_migrations import IN_POSTGRESQL as OAUTH_TABLES
from subgraphs.kit.postgres import PostgresMigration
from subgraphs.kit.postgres_store import identity_statements

_AUDIT_LOG: Final = (
    """
    CREATE TABLE audit_log (
        position BIGINT PRIMARY KEY,
        hash BYTEA NOT NULL,
        at TIMESTAMPTZ NOT NULL,
        actor_kind TEXT NOT NULL,
        actor_id TEXT COLLATE "C" NOT NULL,
        action TEXT COLLATE "C" NOT NULL,
        subject_kind TEXT NOT NULL,
        subject_id TEXT COLLATE "C" NOT NULL,
        outcome TEXT NOT NULL,
        origin TEXT,
        details JSON NOT NULL
    )
    """,
    "CREATE TABLE audit_key (id TEXT NOT NULL)",
    "CREATE INDEX audit_log_by_actor ON audit_log (actor_id, position)",
    "CREATE INDEX audit_log_by_subject ON audit_log (subject_id, position)",
    "CREATE INDEX audit_log_by_time ON audit_log (at)",
    """
    CREATE FUNCTION refuse_audit_change() RETURNS trigger LANGUAGE plpgsql AS
    'BEGIN RAISE EXCEPTION ''the audit log never changes''; END'
    """,
    (
        "CREATE TRIGGER audit_log_never_changes BEFORE UPDATE OR DELETE ON audit_log"
        " FOR EACH ROW EXECUTE FUNCTION refuse_audit_change()"
    ),
    (
        "CREATE TRIGGER audit_log_keeps_all BEFORE TRUNCATE ON audit_log"
        " FOR EACH STATEMENT EXECUTE FUNCTION refuse_audit_change()"
    ),
)

_SECOND_FACTORS: Final = (
    """
    CREATE TABLE totp_factors (
        user_id TEXT COLLATE "C" PRIMARY KEY REFERENCES users (id) ON DELETE CASCADE,
        sealed_secret BYTEA NOT NULL,
        enrolled_at TIMESTAMPTZ NOT NULL,
        last_step BIGINT NOT NULL
    )
    """,
    """
    CREATE TABLE passkeys (
        credential_id BYTEA PRIMARY KEY,
        user_id TEXT COLLATE "C" NOT NULL REFERENCES users (id) ON DELETE CASCADE,
        public_key BYTEA NOT NULL,
        sign_count BIGINT NOT NULL,
        name TEXT NOT NULL,
        enrolled_at TIMESTAMPTZ NOT NULL,
        last_used_at TIMESTAMPTZ
    )
    """,
    "CREATE INDEX passkeys_by_user ON passkeys (user_id)",
    """
    CREATE TABLE recovery_codes (
        user_id TEXT COLLATE "C" NOT NULL REFERENCES users (id) ON DELETE CASCADE,
        digest BYTEA NOT NULL,
        PRIMARY KEY (user_id, digest)
    )
    """,
    """
    CREATE TABLE second_factor_challenges (
        digest BYTEA PRIMARY KEY,
        purpose TEXT NOT NULL,
        user_id TEXT COLLATE "C" REFERENCES users (id) ON DELETE CASCADE,
        bound_to TEXT NOT NULL,
        expires_at TIMESTAMPTZ NOT NULL,
        sealed BYTEA NOT NULL,
        attempts INT NOT NULL DEFAULT 0
    )
    """,
    "CREATE INDEX second_factor_challenges_by_expiry ON second_factor_challenges (expires_at)",
    "CREATE INDEX second_factor_challenges_by_user ON second_factor_challenges (user_id)",
)

_LINKS: Final = (
    "ALTER TABLE users ADD COLUMN email_verified_at TIMESTAMPTZ",
    "ALTER TABLE users ADD COLUMN password_changed_at TIMESTAMPTZ",
    """
    CREATE TABLE links (
        digest BYTEA PRIMARY KEY,
        purpose TEXT NOT NULL,
        user_id TEXT COLLATE "C" NOT NULL REFERENCES users (id) ON DELETE CASCADE,
        email TEXT NOT NULL,
        new_email TEXT,
        issued_at TIMESTAMPTZ NOT NULL,
        expires_at TIMESTAMPTZ NOT NULL,
        used_at TIMESTAMPTZ
    )
    """,
    "CREATE INDEX links_by_user ON links (user_id)",
    "CREATE INDEX links_by_expiry ON links (expires_at)",
)


MIGRATIONS: Final = (
    PostgresMigration(
        1,
        "users, sessions, refresh tokens, signing keys, identity of the store",
        (
            """
            CREATE TABLE users (
                id TEXT COLLATE "C" PRIMARY KEY,
                email TEXT NOT NULL,
                email_key TEXT COLLATE "C" NOT NULL UNIQUE,
                name TEXT NOT NULL,
                password_hash TEXT NOT NULL,
                roles TEXT[] NOT NULL,
                created_at TIMESTAMPTZ NOT NULL,
                disabled_at TIMESTAMPTZ
            )
            """,
            """
            CREATE TABLE sessions (
                id TEXT COLLATE "C" PRIMARY KEY,
                user_id TEXT COLLATE "C" NOT NULL REFERENCES users (id) ON DELETE CASCADE,
                created_at TIMESTAMPTZ NOT NULL,
                expires_at TIMESTAMPTZ NOT NULL,
                ended_at TIMESTAMPTZ
            )
            """,
            "CREATE INDEX sessions_by_user ON sessions (user_id)",
            "CREATE INDEX sessions_by_expiry ON sessions (expires_at)",
            "CREATE INDEX sessions_by_end ON sessions (ended_at) WHERE ended_at IS NOT NULL",
            """
            CREATE TABLE refresh_tokens (
                digest BYTEA PRIMARY KEY,
                session_id TEXT COLLATE "C" NOT NULL REFERENCES sessions (id) ON DELETE CASCADE,
                issued_at TIMESTAMPTZ NOT NULL,
                expires_at TIMESTAMPTZ NOT NULL,
                used_at TIMESTAMPTZ
            )
            """,
            "CREATE INDEX refresh_tokens_by_session ON refresh_tokens (session_id)",
            """
            CREATE TABLE signing_keys (
                id TEXT COLLATE "C" PRIMARY KEY,
                created_at TIMESTAMPTZ NOT NULL,
                active_from TIMESTAMPTZ NOT NULL,
                public_jwk JSON NOT NULL,
                sealed_private_key BYTEA NOT NULL
            )
            """,
            *identity_statements("INSERT OR UPDATE ON users", "INSERT ON signing_keys"),
        ),
    ),
    PostgresMigration(
        2,
        "how the user of a session has proved their identity, and when",
        (
            "ALTER TABLE sessions ADD COLUMN methods TEXT NOT NULL DEFAULT 'pwd'",
            # NULL: when the session began
            "ALTER TABLE sessions ADD COLUMN authenticated_at TIMESTAMPTZ",
            "ALTER TABLE sessions ADD COLUMN factor_enrolled_at TIMESTAMPTZ",
        ),
    ),
    PostgresMigration(
        3,
        "queued mails",
        (
            """
            CREATE TABLE mails (
                id TEXT COLLATE "C" PRIMARY KEY,
                sealed BYTEA NOT NULL,
                queued_at TIMESTAMPTZ NOT NULL,
                expires_at TIMESTAMPTZ NOT NULL,
                due_at TIMESTAMPTZ NOT NULL,
                attempts INT NOT NULL
            )
            """,
            "CREATE INDEX mails_by_due_time ON mails (due_at)",
        ),
    ),
    PostgresMigration(4, "audit log", _AUDIT_LOG),
    PostgresMigration(
        5,
        "devices of sessions",
        (
            "ALTER TABLE sessions ADD COLUMN device TEXT NOT NULL DEFAULT 'Unknown device'",
            "ALTER TABLE sessions ADD COLUMN network TEXT NOT NULL DEFAULT ''",
            "ALTER TABLE sessions ADD COLUMN name TEXT",
            # NULL: when the session began
            "ALTER TABLE sessions ADD COLUMN last_used_at TIMESTAMPTZ",
            "DROP INDEX sessions_by_user",
            "CREATE INDEX sessions_by_user ON sessions (user_id, created_at, id)",
            """
            CREATE TABLE known_devices (
                user_id TEXT COLLATE "C" NOT NULL REFERENCES users (id) ON DELETE CASCADE,
                device TEXT NOT NULL,
                network TEXT NOT NULL,
                last_seen_at TIMESTAMPTZ NOT NULL,
                PRIMARY KEY (user_id, device, network)
            )
            """,
        ),
    ),
    PostgresMigration(
        6,
        "API keys",
        (
            """
            CREATE TABLE api_keys (
                id TEXT COLLATE "C" PRIMARY KEY,
                user_id TEXT COLLATE "C" NOT NULL REFERENCES users (id) ON DELETE CASCADE,
                name TEXT NOT NULL,
                scopes TEXT NOT NULL,
                created_at TIMESTAMPTZ NOT NULL,
                expires_at TIMESTAMPTZ NOT NULL,
                revoked_at TIMESTAMPTZ,
                last_used_at TIMESTAMPTZ
            )
            """,
            "CREATE INDEX api_keys_by_user ON api_keys (user_id)",
            """
            CREATE TABLE api_key_secrets (
                digest BYTEA PRIMARY KEY,
                key_id TEXT COLLATE "C" NOT NULL REFERENCES api_keys (id) ON DELETE CASCADE,
                created_at TIMESTAMPTZ NOT NULL,
                ends_at TIMESTAMPTZ NOT NULL
            )
            """,
            "CREATE INDEX api_key_secrets_by_key ON api_key_secrets (key_id)",
        ),
    ),
    PostgresMigration(7, "second factors: authenticator apps, passkeys, recovery codes, challenges", _SECOND_FACTORS),
    PostgresMigration(8, "clients, tickets and grants of the authorization server", OAUTH_TABLES),
    PostgresMigration(9, "verified addresses, changes of passwords, links in mails", _LINKS),
    PostgresMigration(
        10,
        "operations of other services in the audit log",
        (
            """
            CREATE TABLE audit_operations (
                id TEXT COLLATE "C" PRIMARY KEY,
                service TEXT COLLATE "C" NOT NULL,
                position BIGINT NOT NULL UNIQUE,
                resume TEXT NOT NULL
            )
            """,
        ),
    ),
    PostgresMigration(
        11,
        "what the refresh tokens of a session have in common",
        (
            # NULL: the session is from an earlier release, and its used tokens are kept
            "ALTER TABLE sessions ADD COLUMN token_family BYTEA",
            "CREATE UNIQUE INDEX sessions_by_token_family ON sessions (token_family) WHERE token_family IS NOT NULL",
        ),
    ),
)
