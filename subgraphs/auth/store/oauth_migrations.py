"""The statements of the migrations that create the tables of clients, tickets and grants. They are released: frozen."""

from __future__ import annotations

from typing import Final

IN_SQLITE: Final = (
    """
    CREATE TABLE oauth_clients (
        id TEXT PRIMARY KEY,
        created_at INTEGER NOT NULL,
        document TEXT NOT NULL
    ) STRICT, WITHOUT ROWID
    """,
    """
    CREATE TABLE oauth_tickets (
        kind TEXT NOT NULL,
        digest BLOB NOT NULL,
        alias BLOB,
        document TEXT NOT NULL,
        expires_at INTEGER NOT NULL,
        PRIMARY KEY (kind, digest)
    ) STRICT, WITHOUT ROWID
    """,
    "CREATE UNIQUE INDEX oauth_tickets_by_alias ON oauth_tickets (kind, alias) WHERE alias IS NOT NULL",
    "CREATE INDEX oauth_tickets_by_expiry ON oauth_tickets (expires_at)",
    """
    CREATE TABLE oauth_grants (
        session_id TEXT PRIMARY KEY REFERENCES sessions (id) ON DELETE CASCADE,
        client_id TEXT NOT NULL REFERENCES oauth_clients (id) ON DELETE CASCADE,
        document TEXT NOT NULL
    ) STRICT, WITHOUT ROWID
    """,
    "CREATE INDEX oauth_grants_by_client ON oauth_grants (client_id)",
)
IN_POSTGRESQL: Final = (
    """
    CREATE TABLE oauth_clients (
        id TEXT COLLATE "C" PRIMARY KEY,
        created_at TIMESTAMPTZ NOT NULL,
        document TEXT NOT NULL
    )
    """,
    """
    CREATE TABLE oauth_tickets (
        kind TEXT COLLATE "C" NOT NULL,
        digest BYTEA NOT NULL,
        alias BYTEA,
        document TEXT NOT NULL,
        expires_at TIMESTAMPTZ NOT NULL,
        PRIMARY KEY (kind, digest)
    )
    """,
    "CREATE UNIQUE INDEX oauth_tickets_by_alias ON oauth_tickets (kind, alias)",
    "CREATE INDEX oauth_tickets_by_expiry ON oauth_tickets (expires_at)",
    """
    CREATE TABLE oauth_grants (
        session_id TEXT COLLATE "C" PRIMARY KEY REFERENCES sessions (id) ON DELETE CASCADE,
        client_id TEXT COLLATE "C" NOT NULL REFERENCES oauth_clients (id) ON DELETE CASCADE,
        document TEXT NOT NULL
    )
    """,
    "CREATE INDEX oauth_grants_by_client ON oauth_grants (client_id)",
)
