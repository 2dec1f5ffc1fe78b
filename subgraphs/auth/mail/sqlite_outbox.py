"""The outbox of mails in the SQLite store."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from subgraphs.auth.mail.outbox import SEALED_FOR, ClaimedMail, QueuedMail
from subgraphs.kit.times import from_milliseconds, to_milliseconds

if TYPE_CHECKING:
    from collections.abc import Iterable
    from datetime import datetime

    from servicekit.sqlite import Database
    from servicekit.sqlite_statements import Statements
    from subgraphs.auth.resealing import Resealing

_CLAIM: Final = """
UPDATE mails SET due_at = ?, attempts = attempts + 1
WHERE id IN (SELECT id FROM mails WHERE due_at <= ? ORDER BY due_at LIMIT ?)
RETURNING id, sealed, queued_at, expires_at, attempts
"""


class SqliteMailOutbox:
    """The `MailOutbox` in the open database of the store."""

    def __init__(self, database: Database) -> None:
        self._database = database

    async def add(self, mails: Iterable[QueuedMail]) -> None:
        async with self._database.transaction(is_short=True) as connection:
            await insert_mails(connection, mails)

    async def claim(self, now: datetime, until: datetime, limit: int) -> list[ClaimedMail]:
        async with self._database.transaction(is_short=True) as connection:
            rows = await connection.execute_fetchall(_CLAIM, (to_milliseconds(until), to_milliseconds(now), limit))
        return [
            ClaimedMail(
                QueuedMail(
                    row["id"],
                    row["sealed"],
                    from_milliseconds(row["queued_at"]),
                    from_milliseconds(row["expires_at"]),
                ),
                row["attempts"],
            )
            for row in rows
        ]

    async def postpone(self, mail_id: str, due_at: datetime) -> None:
        async with self._database.transaction(is_short=True) as connection:
            await connection.execute("UPDATE mails SET due_at = ? WHERE id = ?", (to_milliseconds(due_at), mail_id))

    async def remove(self, mail_id: str) -> None:
        async with self._database.transaction(is_short=True) as connection:
            await connection.execute("DELETE FROM mails WHERE id = ?", (mail_id,))


async def insert_mails(connection: Statements, mails: Iterable[QueuedMail]) -> None:
    """Store mails in the current database transaction of `connection`."""
    for mail in mails:
        queued_at = to_milliseconds(mail.queued_at)
        await connection.execute(
            "INSERT INTO mails (id, sealed, queued_at, expires_at, due_at, attempts) VALUES (?, ?, ?, ?, ?, 0)",
            (mail.id, mail.sealed, queued_at, to_milliseconds(mail.expires_at), queued_at),
        )


async def reseal_mails(connection: Statements, resealing: Resealing) -> int:
    """Encrypt the stored mails with a new `AUTH_JWT_SECRET`. Return their number."""
    rows = await connection.execute_fetchall("SELECT id, sealed FROM mails")
    await connection.executemany(
        "UPDATE mails SET sealed = ? WHERE id = ?",
        [(resealing.text(row["sealed"], SEALED_FOR, row["id"].encode()), row["id"]) for row in rows],
    )
    return len(rows)
