"""Clients, tickets and grants in the SQLite file of the auth store."""

from __future__ import annotations

import json
import sqlite3
from typing import TYPE_CHECKING, Any, Final

from subgraphs.auth.audit_log.sqlite import append_entry
from subgraphs.auth.oauth.clients import from_document, is_client_id, to_document
from subgraphs.auth.oauth.store import Grant, Ticket, grant_document, parse_grant
from subgraphs.kit.times import from_milliseconds, to_milliseconds

if TYPE_CHECKING:
    from collections.abc import Callable, Collection
    from datetime import datetime

    from servicekit.sqlite import Database
    from servicekit.sqlite_statements import Queries
    from subgraphs.auth.audit_log.entry import NewEntry
    from subgraphs.auth.oauth.clients import Client

_LIVE_GRANTS: Final = (
    "SELECT document FROM oauth_grants JOIN sessions ON sessions.id = session_id"
    " WHERE user_id = ? AND ended_at IS NULL AND expires_at > ?"
)

_GRANTS_OF: Final = (
    "SELECT session_id, granted.document AS granted, client.document AS client FROM json_each(?) AS wanted"
    " JOIN oauth_grants AS granted ON session_id = wanted.value JOIN oauth_clients AS client ON client.id = client_id"
)
_SESSION_OF: Final = (
    "SELECT session_id FROM refresh_tokens WHERE digest = ?"
    " UNION SELECT id FROM sessions WHERE token_family = ? LIMIT 1"
)


class SqliteOAuthStore:
    """The `OAuthStore` on the open database of the auth store."""

    def __init__(self, database: Database) -> None:
        self._database = database

    async def add_client(self, client: Client, *, audit: NewEntry | None = None) -> None:
        row = (client.id, to_milliseconds(client.created_at), to_document(client))
        async with self._database.transaction() as connection:
            await connection.execute("INSERT INTO oauth_clients (id, created_at, document) VALUES (?, ?, ?)", row)
            await append_entry(connection, audit)

    async def client(self, client_id: str) -> Client | None:
        if not is_client_id(client_id):
            return None
        async with self._database.snapshot() as connection:
            rows = await connection.execute_fetchall("SELECT document FROM oauth_clients WHERE id = ?", (client_id,))
        return next((from_document(row["document"]) for row in rows), None)

    async def clients(self) -> list[Client]:
        async with self._database.snapshot() as connection:
            rows = await connection.execute_fetchall("SELECT document FROM oauth_clients ORDER BY created_at, id")
        return [from_document(row["document"]) for row in rows]

    async def replace_client(self, client: Client, *, audit: NewEntry | None = None) -> bool:
        statement = "UPDATE oauth_clients SET document = ? WHERE id = ?"
        async with self._database.transaction() as connection:
            is_known = await connection.execute(statement, (to_document(client), client.id)) == 1
            await append_entry(connection, audit if is_known else None)
        return is_known

    async def remove_client(self, client_id: str, *, audit: NewEntry | None = None) -> list[str] | None:
        query = "SELECT session_id FROM oauth_grants WHERE client_id = ? ORDER BY session_id"
        async with self._database.transaction() as connection:
            rows = await connection.execute_fetchall(query, (client_id,))
            if await connection.execute("DELETE FROM oauth_clients WHERE id = ?", (client_id,)) == 0:
                return None
            await append_entry(connection, audit)
        return [row["session_id"] for row in rows]

    async def add_ticket(self, ticket: Ticket, expired_before: datetime, *, audit: NewEntry | None = None) -> bool:
        row = (ticket.kind, ticket.digest, ticket.alias, ticket.document, to_milliseconds(ticket.expires_at))
        async with self._database.transaction() as connection:
            await connection.execute(
                "DELETE FROM oauth_tickets WHERE expires_at < ?", (to_milliseconds(expired_before),)
            )
            try:
                await connection.execute(
                    "INSERT INTO oauth_tickets (kind, digest, alias, document, expires_at) VALUES (?, ?, ?, ?, ?)", row
                )
            except sqlite3.IntegrityError as error:
                if error.sqlite_errorname != "SQLITE_CONSTRAINT_UNIQUE":
                    raise
                return False
            await append_entry(connection, audit)
        return True

    async def ticket(self, kind: str, key: bytes) -> Ticket | None:
        async with self._database.snapshot() as connection:
            return await _find(connection, kind, key)

    async def change_ticket(self, kind: str, key: bytes, rule: Callable[[Ticket], Ticket | None]) -> Ticket | None:
        async with self._database.transaction() as connection:
            found = await _find(connection, kind, key)
            if found is None:
                return None
            changed = rule(found)
            if changed is None:
                await connection.execute(
                    "DELETE FROM oauth_tickets WHERE kind = ? AND digest = ?", (kind, found.digest)
                )
            else:
                await connection.execute(
                    "UPDATE oauth_tickets SET document = ?, expires_at = ? WHERE kind = ? AND digest = ?",
                    (changed.document, to_milliseconds(changed.expires_at), kind, found.digest),
                )
        return found

    async def add_grant(self, grant: Grant) -> bool:
        async with self._database.transaction() as connection:
            inserted = await connection.execute(
                "INSERT INTO oauth_grants (session_id, client_id, document) SELECT ?, id, ? FROM oauth_clients"
                " WHERE id = ?",
                (grant.session_id, grant_document(grant), grant.client_id),
            )
        return inserted == 1

    async def grant(self, session_id: str) -> Grant | None:
        query = "SELECT document FROM oauth_grants WHERE session_id = ?"
        async with self._database.snapshot() as connection:
            rows = await connection.execute_fetchall(query, (session_id,))
        return next((parse_grant(row["document"]) for row in rows), None)

    async def change_grant(self, session_id: str, rule: Callable[[Grant], Grant]) -> Grant | None:
        query = "SELECT document FROM oauth_grants WHERE session_id = ?"
        async with self._database.transaction() as connection:
            rows = await connection.execute_fetchall(query, (session_id,))
            changed = next((rule(parse_grant(row["document"])) for row in rows), None)
            if changed is not None:
                await connection.execute(
                    "UPDATE oauth_grants SET document = ? WHERE session_id = ?", (grant_document(changed), session_id)
                )
        return changed

    async def grants_of_sessions(self, session_ids: Collection[str]) -> dict[str, tuple[Grant, Client]]:
        async with self._database.snapshot() as connection:
            rows = await connection.execute_fetchall(_GRANTS_OF, (json.dumps(sorted(set(session_ids))),))
        return {row["session_id"]: (parse_grant(row["granted"]), from_document(row["client"])) for row in rows}

    async def session_of_refresh_token(self, token_digest: bytes, family: bytes | None = None) -> str | None:
        async with self._database.snapshot() as connection:
            rows = await connection.execute_fetchall(_SESSION_OF, (token_digest, family))
        return next((row["session_id"] for row in rows), None)

    async def live_grants(self, user_id: str, client_id: str | None, now: datetime) -> list[Grant]:
        condition, values = ("", ()) if client_id is None else (" AND client_id = ?", (client_id,))
        async with self._database.snapshot() as connection:
            rows = await connection.execute_fetchall(_LIVE_GRANTS + condition, (user_id, to_milliseconds(now), *values))
        return [parse_grant(row["document"]) for row in rows]


async def _find(connection: Queries, kind: str, key: bytes) -> Ticket | None:
    query = (
        "SELECT kind, digest, alias, document, expires_at FROM oauth_tickets"
        " WHERE kind = ? AND digest = ? UNION ALL"
        " SELECT kind, digest, alias, document, expires_at FROM oauth_tickets WHERE kind = ? AND alias = ? LIMIT 1"
    )
    for row in await connection.execute_fetchall(query, (kind, key, kind, key)):
        return _ticket(row)
    return None


def _ticket(row: Any) -> Ticket:
    return Ticket(row["kind"], row["digest"], row["document"], from_milliseconds(row["expires_at"]), row["alias"])
