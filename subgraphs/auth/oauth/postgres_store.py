"""Clients, tickets and grants in the PostgreSQL database of the auth store."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

import asyncpg

from subgraphs.auth.audit_log.postgres import append_entry
from subgraphs.auth.oauth.clients import from_document, is_client_id, to_document
from subgraphs.auth.oauth.store import Grant, Ticket, grant_document, parse_grant

if TYPE_CHECKING:
    from collections.abc import Callable, Collection, Mapping
    from datetime import datetime

    from subgraphs.auth.audit_log.entry import NewEntry
    from subgraphs.auth.oauth.clients import Client
    from subgraphs.kit.postgres import PostgresDatabase

_TICKET: Final = (
    "SELECT kind, digest, alias, document, expires_at FROM oauth_tickets"
    " WHERE kind = $1 AND (digest = $2 OR alias = $2)"
)
_LIVE_GRANTS: Final = (
    "SELECT document FROM oauth_grants JOIN sessions ON sessions.id = session_id"
    " WHERE user_id = $1 AND ended_at IS NULL AND expires_at > $2"
)

_GRANTS_OF: Final = (
    "SELECT session_id, granted.document AS granted, client.document AS client"
    " FROM oauth_grants AS granted JOIN oauth_clients AS client ON client.id = client_id WHERE session_id = ANY($1)"
)


class PostgresOAuthStore:
    """The `OAuthStore` on the open database of the auth store."""

    def __init__(self, database: PostgresDatabase) -> None:
        self._database = database

    async def add_client(self, client: Client, *, audit: NewEntry | None = None) -> None:
        async with self._database.transaction() as connection:
            await connection.execute(
                "INSERT INTO oauth_clients (id, created_at, document) VALUES ($1, $2, $3)",
                client.id,
                client.created_at,
                to_document(client),
            )
            await append_entry(connection, audit)

    async def client(self, client_id: str) -> Client | None:
        if not is_client_id(client_id):
            return None
        async with self._database.connection() as connection:
            document = await connection.fetchval("SELECT document FROM oauth_clients WHERE id = $1", client_id)
        return None if document is None else from_document(document)

    async def clients(self) -> list[Client]:
        async with self._database.connection() as connection:
            rows = await connection.fetch("SELECT document FROM oauth_clients ORDER BY created_at, id")
        return [from_document(row["document"]) for row in rows]

    async def replace_client(self, client: Client, *, audit: NewEntry | None = None) -> bool:
        async with self._database.transaction() as connection:
            changed = await connection.fetchval(
                "UPDATE oauth_clients SET document = $1 WHERE id = $2 RETURNING id", to_document(client), client.id
            )
            await append_entry(connection, audit if changed is not None else None)
        return changed is not None

    async def remove_client(self, client_id: str, *, audit: NewEntry | None = None) -> list[str] | None:
        async with self._database.transaction() as connection:
            # The lock lets `add_grant` wait, so that every grant is among those that are returned.
            known = await connection.fetchval("SELECT id FROM oauth_clients WHERE id = $1 FOR UPDATE", client_id)
            if known is None:
                return None
            rows = await connection.fetch(
                "SELECT session_id FROM oauth_grants WHERE client_id = $1 ORDER BY session_id", client_id
            )
            await connection.execute("DELETE FROM oauth_clients WHERE id = $1", client_id)
            await append_entry(connection, audit)
        return [row["session_id"] for row in rows]

    async def add_ticket(self, ticket: Ticket, expired_before: datetime, *, audit: NewEntry | None = None) -> bool:
        async with self._database.transaction() as connection:
            await connection.execute(
                "DELETE FROM oauth_tickets WHERE (kind, digest) IN (SELECT kind, digest FROM oauth_tickets"
                " WHERE expires_at < $1 ORDER BY expires_at LIMIT 1000 FOR UPDATE SKIP LOCKED)",
                expired_before,
            )
        try:
            async with self._database.transaction() as connection:
                await connection.execute(
                    "INSERT INTO oauth_tickets (kind, digest, alias, document, expires_at) VALUES ($1, $2, $3, $4, $5)",
                    ticket.kind,
                    ticket.digest,
                    ticket.alias,
                    ticket.document,
                    ticket.expires_at,
                )
                await append_entry(connection, audit)
        except asyncpg.UniqueViolationError as error:
            if error.constraint_name != "oauth_tickets_by_alias":
                raise
            return False
        return True

    async def ticket(self, kind: str, key: bytes) -> Ticket | None:
        async with self._database.connection() as connection:
            row = await connection.fetchrow(_TICKET, kind, key)
        return None if row is None else _ticket(row)

    async def change_ticket(self, kind: str, key: bytes, rule: Callable[[Ticket], Ticket | None]) -> Ticket | None:
        async with self._database.transaction() as connection:
            row = await connection.fetchrow(f"{_TICKET} FOR UPDATE", kind, key)
            if row is None:
                return None
            found = _ticket(row)
            changed = rule(found)
            if changed is None:
                await connection.execute(
                    "DELETE FROM oauth_tickets WHERE kind = $1 AND digest = $2", kind, found.digest
                )
            else:
                await connection.execute(
                    "UPDATE oauth_tickets SET document = $1, expires_at = $2 WHERE kind = $3 AND digest = $4",
                    changed.document,
                    changed.expires_at,
                    kind,
                    found.digest,
                )
        return found

    async def add_grant(self, grant: Grant) -> bool:
        async with self._database.transaction() as connection:
            known = await connection.fetchval("SELECT id FROM oauth_clients WHERE id = $1 FOR SHARE", grant.client_id)
            if known is None:
                return False
            await connection.execute(
                "INSERT INTO oauth_grants (session_id, client_id, document) VALUES ($1, $2, $3)",
                grant.session_id,
                grant.client_id,
                grant_document(grant),
            )
        return True

    async def grant(self, session_id: str) -> Grant | None:
        async with self._database.connection() as connection:
            document = await connection.fetchval("SELECT document FROM oauth_grants WHERE session_id = $1", session_id)
        return None if document is None else parse_grant(document)

    async def change_grant(self, session_id: str, rule: Callable[[Grant], Grant]) -> Grant | None:
        query = "SELECT document FROM oauth_grants WHERE session_id = $1 FOR UPDATE"
        async with self._database.transaction() as connection:
            document = await connection.fetchval(query, session_id)
            if document is None:
                return None
            changed = rule(parse_grant(document))
            await connection.execute(
                "UPDATE oauth_grants SET document = $1 WHERE session_id = $2", grant_document(changed), session_id
            )
        return changed

    async def grants_of_sessions(self, session_ids: Collection[str]) -> dict[str, tuple[Grant, Client]]:
        async with self._database.connection() as connection:
            rows = await connection.fetch(_GRANTS_OF, sorted(set(session_ids)))
        return {row["session_id"]: (parse_grant(row["granted"]), from_document(row["client"])) for row in rows}

    async def session_of_refresh_token(self, token_digest: bytes, family: bytes | None = None) -> str | None:
        async with self._database.connection() as connection:
            session_id: str | None = await connection.fetchval(
                "SELECT session_id FROM refresh_tokens WHERE digest = $1"
                " UNION SELECT id FROM sessions WHERE token_family = $2 LIMIT 1",
                token_digest,
                family,
            )
        return session_id

    async def live_grants(self, user_id: str, client_id: str | None, now: datetime) -> list[Grant]:
        condition, values = ("", ()) if client_id is None else (" AND client_id = $3", (client_id,))
        async with self._database.connection() as connection:
            rows = await connection.fetch(_LIVE_GRANTS + condition, user_id, now, *values)
        return [parse_grant(row["document"]) for row in rows]


def _ticket(row: Mapping[str, Any]) -> Ticket:
    return Ticket(row["kind"], row["digest"], row["document"], row["expires_at"], row["alias"])
