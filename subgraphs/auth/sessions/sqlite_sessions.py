"""The list of sessions, and the known devices, in the SQLite store."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

from subgraphs.auth.audit_log.sqlite import append_entry
from subgraphs.auth.mail.sqlite_outbox import insert_mails
from subgraphs.auth.sessions.devices import MAX_KNOWN, Device, KnownDevice, is_new, was_just_seen
from subgraphs.auth.sessions.session_list import TOUCH_AGAIN, BegunSession, ListedSession, can_be_session_id
from subgraphs.kit.times import from_milliseconds, to_milliseconds

if TYPE_CHECKING:
    from collections.abc import Sequence
    from datetime import datetime

    from servicekit.sqlite import Database
    from servicekit.sqlite_statements import Statements
    from subgraphs.auth.audit_log.entry import NewEntry
    from subgraphs.auth.domain import Session
    from subgraphs.auth.sessions.session_list import Arrival
    from subgraphs.kit.pages import PageRequest

_COLUMNS: Final = "id, device, network, name, created_at, coalesce(last_used_at, created_at) AS used_at, expires_at"
_LISTED: Final = """
user_id = :user AND ended_at IS NULL AND expires_at > :now AND EXISTS (
    SELECT 1 FROM refresh_tokens
    WHERE session_id = sessions.id AND used_at IS NULL AND refresh_tokens.expires_at > :now
)
"""
_RENAME: Final = f"UPDATE sessions SET name = :name WHERE id = :id AND {_LISTED} RETURNING {_COLUMNS}"  # noqa: S608 - constants
_END: Final = """
UPDATE sessions SET ended_at = :now
WHERE user_id = :user AND ended_at IS NULL AND expires_at > :now AND id = ifnull(:only, id) AND id != ifnull(:but, '')
RETURNING id
"""
_TOUCH: Final = """
UPDATE sessions SET last_used_at = :now, network = :network
WHERE id = :id AND coalesce(last_used_at, created_at) <= :before
"""
_REMEMBER: Final = """
INSERT INTO known_devices (user_id, device, network, last_seen_at) VALUES (?, ?, ?, ?)
ON CONFLICT DO UPDATE SET last_seen_at = max(last_seen_at, excluded.last_seen_at)
"""
_FORGET: Final = """
DELETE FROM known_devices WHERE user_id = :user AND (device, network) NOT IN (
    SELECT device, network FROM known_devices WHERE user_id = :user ORDER BY last_seen_at DESC LIMIT :most
)
"""


class SqliteSessionList:
    """The `SessionList` in the open database of the store."""

    def __init__(self, database: Database) -> None:
        self._database = database

    async def page(self, user_id: str, page: PageRequest, now: datetime) -> Sequence[ListedSession]:
        conditions = _LISTED
        parameters: dict[str, object] = {"user": user_id, "now": to_milliseconds(now), "limit": page.limit + 1}
        for name, operator, key in (("after", "<", page.after), ("before", ">", page.before)):
            if key is not None:
                conditions += f" AND (created_at, id) {operator} (:{name}_time, :{name}_id)"
                parameters |= {f"{name}_time": int(key[0]), f"{name}_id": key[1]}
        order = "ASC" if page.backwards else "DESC"
        query = (
            f"SELECT {_COLUMNS} FROM sessions WHERE {conditions}"  # noqa: S608 - constants
            f" ORDER BY created_at {order}, id {order} LIMIT :limit"
        )
        async with self._database.snapshot() as connection:
            return [_listed(row) for row in await connection.execute_fetchall(query, parameters)]

    async def count(self, user_id: str, now: datetime) -> int:
        query = f"SELECT count(*) FROM sessions WHERE {_LISTED}"  # noqa: S608 - a constant
        async with self._database.snapshot() as connection:
            ((count,),) = await connection.execute_fetchall(query, {"user": user_id, "now": to_milliseconds(now)})
        return int(count)

    async def rename(self, user_id: str, session_id: str, name: str | None, now: datetime) -> ListedSession | None:
        if not can_be_session_id(session_id):
            return None
        parameters = {"user": user_id, "id": session_id, "name": name, "now": to_milliseconds(now)}
        async with self._database.transaction(is_short=True) as connection:
            rows = await connection.execute_fetchall(_RENAME, parameters)
        return next((_listed(row) for row in rows), None)

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
        parameters = {"user": user_id, "now": to_milliseconds(now), "only": only, "but": but}
        async with self._database.transaction(is_short=True) as connection:
            rows = await connection.execute_fetchall(_END, parameters)
            if rows:
                await append_entry(connection, audit)
        return [row["id"] for row in rows]


async def record_arrival(connection: Statements, session: Session, arrival: Arrival) -> BegunSession:
    """Remember the device of a new session. If it is new for the user, store its notice, if there is one."""
    device = arrival.device
    rows = await connection.execute_fetchall(
        "SELECT device, network, last_seen_at FROM known_devices WHERE user_id = ?", (session.user_id,)
    )
    known = [KnownDevice(Device(row["device"], row["network"]), from_milliseconds(row["last_seen_at"])) for row in rows]
    notice = arrival.notice if is_new(device, known, session.created_at) else None
    if notice is not None:
        await insert_mails(connection, [notice()])
    if not was_just_seen(device, known, session.created_at):
        seen_at = to_milliseconds(session.created_at)
        await connection.execute(_REMEMBER, (session.user_id, device.words, device.network, seen_at))
    if len(known) >= MAX_KNOWN:
        await connection.execute(_FORGET, {"user": session.user_id, "most": MAX_KNOWN})
    return BegunSession(has_notice=notice is not None)


async def touch(connection: Statements, session_id: str, network: str, now: datetime) -> None:
    """Store that a session is used now, unless its last use is less than a minute ago."""
    moment, before = to_milliseconds(now), to_milliseconds(now - TOUCH_AGAIN)
    await connection.execute(_TOUCH, {"id": session_id, "network": network, "now": moment, "before": before})


def _listed(row: Any) -> ListedSession:
    return ListedSession(
        row["id"],
        Device(row["device"], row["network"]),
        row["name"],
        from_milliseconds(row["created_at"]),
        from_milliseconds(row["used_at"]),
        from_milliseconds(row["expires_at"]),
    )
