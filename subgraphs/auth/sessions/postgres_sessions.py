"""The list of sessions, and the known devices, in the PostgreSQL store."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

from subgraphs.auth.audit_log.postgres import append_entry
from subgraphs.auth.mail.postgres_outbox import insert_mails
from subgraphs.auth.sessions.devices import MAX_KNOWN, Device, KnownDevice, is_new, was_just_seen
from subgraphs.auth.sessions.session_list import BegunSession, ListedSession, can_be_session_id
from subgraphs.kit.times import from_milliseconds

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from datetime import datetime

    from asyncpg.pool import PoolConnectionProxy

    from subgraphs.auth.audit_log.entry import NewEntry
    from subgraphs.auth.domain import Session
    from subgraphs.auth.sessions.session_list import Arrival
    from subgraphs.kit.pages import PageRequest
    from subgraphs.kit.postgres import PostgresDatabase

_COLUMNS: Final = "id, device, network, name, created_at, coalesce(last_used_at, created_at) AS used_at, expires_at"
_LISTED: Final = """
user_id = $1 AND ended_at IS NULL AND expires_at > $2 AND EXISTS (
    SELECT 1 FROM refresh_tokens AS token
    WHERE token.session_id = sessions.id AND token.used_at IS NULL AND token.expires_at > $2
)
"""
_RENAME: Final = f"UPDATE sessions SET name = $3 WHERE id = $4 AND {_LISTED} RETURNING {_COLUMNS}"  # noqa: S608 - constants
# The rows are locked in the order of their ids, so that two ends of the same sessions do not wait for each other.
_END: Final = """
WITH chosen AS (
    SELECT id FROM sessions
    WHERE user_id = $1 AND ended_at IS NULL AND expires_at > $2 AND id = coalesce($3, id) AND id <> coalesce($4, '')
    ORDER BY id FOR UPDATE
)
UPDATE sessions SET ended_at = $2 FROM chosen WHERE sessions.id = chosen.id RETURNING sessions.id
"""
_REMEMBER: Final = """
INSERT INTO known_devices AS known (user_id, device, network, last_seen_at) VALUES ($1, $2, $3, $4)
ON CONFLICT (user_id, device, network)
DO UPDATE SET last_seen_at = greatest(known.last_seen_at, excluded.last_seen_at)
"""
# A row that another login changes at this moment is skipped, so that none waits for another that waits for it.
_FORGET: Final = """
DELETE FROM known_devices WHERE (user_id, device, network) IN (
    SELECT user_id, device, network FROM known_devices
    WHERE user_id = $1 ORDER BY last_seen_at DESC OFFSET $2 FOR UPDATE SKIP LOCKED
)
"""


class PostgresSessionList:
    """The `SessionList` in the open database of the store."""

    def __init__(self, database: PostgresDatabase) -> None:
        self._database = database

    async def page(self, user_id: str, page: PageRequest, now: datetime) -> Sequence[ListedSession]:
        conditions, parameters = _LISTED, [user_id, now]
        for operator, key in (("<", page.after), (">", page.before)):
            if key is not None:
                conditions += f" AND (created_at, id) {operator} (${len(parameters) + 1}, ${len(parameters) + 2})"
                parameters += [from_milliseconds(int(key[0])), key[1]]
        order = "ASC" if page.backwards else "DESC"
        query = (
            f"SELECT {_COLUMNS} FROM sessions WHERE {conditions}"  # noqa: S608 - constants
            f" ORDER BY created_at {order}, id {order} LIMIT {page.limit + 1}"
        )
        async with self._database.connection() as connection:
            return [_listed(row) for row in await connection.fetch(query, *parameters)]

    async def count(self, user_id: str, now: datetime) -> int:
        query = f"SELECT count(*) FROM sessions WHERE {_LISTED}"  # noqa: S608 - a constant
        async with self._database.connection() as connection:
            return int(await connection.fetchval(query, user_id, now))

    async def rename(self, user_id: str, session_id: str, name: str | None, now: datetime) -> ListedSession | None:
        if not can_be_session_id(session_id):
            return None
        async with self._database.transaction() as connection:
            row = await connection.fetchrow(_RENAME, user_id, now, name, session_id)
        return None if row is None else _listed(row)

    async def end(
        self,
        user_id: str,
        now: datetime,
        *,
        only: str | None = None,
        but: str | None = None,
        audit: NewEntry | None = None,
    ) -> Sequence[str]:
        if only is not None and not can_be_session_id(only):
            return []
        async with self._database.transaction() as connection:
            # A step-up that replaces a session at the same moment has finished, or sees the end of its session.
            await connection.execute("SELECT id FROM users WHERE id = $1 FOR SHARE", user_id)
            rows = await connection.fetch(_END, user_id, now, only, but)
            if rows:
                await append_entry(connection, audit)
        return [row["id"] for row in rows]


async def record_arrival(connection: PoolConnectionProxy, session: Session, arrival: Arrival) -> BegunSession:
    """Remember the device of a new session. If it is new for the user, store its notice, if there is one."""
    device = arrival.device
    rows = await connection.fetch(
        "SELECT device, network, last_seen_at FROM known_devices WHERE user_id = $1", session.user_id
    )
    known = [KnownDevice(Device(row["device"], row["network"]), row["last_seen_at"]) for row in rows]
    notice = arrival.notice if is_new(device, known, session.created_at) else None
    if notice is not None:
        await insert_mails(connection, [notice()])
    if not was_just_seen(device, known, session.created_at):
        await connection.execute(_REMEMBER, session.user_id, device.words, device.network, session.created_at)
    if len(known) >= MAX_KNOWN:
        await connection.execute(_FORGET, session.user_id, MAX_KNOWN)
    return BegunSession(has_notice=notice is not None)


def _listed(row: Mapping[str, Any]) -> ListedSession:
    return ListedSession(
        row["id"],
        Device(row["device"], row["network"]),
        row["name"],
        row["created_at"],
        row["used_at"],
        row["expires_at"],
    )
