"""The outbox of mails in the PostgreSQL store."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from subgraphs.auth.mail.outbox import SEALED_FOR, ClaimedMail, QueuedMail

if TYPE_CHECKING:
    from collections.abc import Iterable
    from datetime import datetime

    from asyncpg.pool import PoolConnectionProxy

    from subgraphs.auth.resealing import Resealing
    from subgraphs.kit.postgres import PostgresDatabase

# Mails that another process claims at this moment are skipped. The mails are chosen once: if PostgreSQL ran the inner
# query for each row, it would claim more than the limit.
_CLAIM: Final = """
WITH due AS MATERIALIZED (SELECT id FROM mails WHERE due_at <= $2 ORDER BY due_at LIMIT $3 FOR UPDATE SKIP LOCKED)
UPDATE mails SET due_at = $1, attempts = attempts + 1
FROM due WHERE mails.id = due.id
RETURNING mails.id, sealed, queued_at, expires_at, attempts
"""


class PostgresMailOutbox:
    """The `MailOutbox` in the open database of the store."""

    def __init__(self, database: PostgresDatabase) -> None:
        self._database = database

    async def add(self, mails: Iterable[QueuedMail]) -> None:
        async with self._database.transaction() as connection:
            await insert_mails(connection, mails)

    async def claim(self, now: datetime, until: datetime, limit: int) -> list[ClaimedMail]:
        async with self._database.connection() as connection:
            rows = await connection.fetch(_CLAIM, until, now, limit)
        return [
            ClaimedMail(QueuedMail(row["id"], row["sealed"], row["queued_at"], row["expires_at"]), row["attempts"])
            for row in rows
        ]

    async def postpone(self, mail_id: str, due_at: datetime) -> None:
        async with self._database.connection() as connection:
            await connection.execute("UPDATE mails SET due_at = $1 WHERE id = $2", due_at, mail_id)

    async def remove(self, mail_id: str) -> None:
        async with self._database.connection() as connection:
            await connection.execute("DELETE FROM mails WHERE id = $1", mail_id)


async def insert_mails(connection: PoolConnectionProxy, mails: Iterable[QueuedMail]) -> None:
    """Store mails in the current database transaction of `connection`."""
    for mail in mails:
        await connection.execute(
            "INSERT INTO mails (id, sealed, queued_at, expires_at, due_at, attempts) VALUES ($1, $2, $3, $4, $3, 0)",
            mail.id,
            mail.sealed,
            mail.queued_at,
            mail.expires_at,
        )


async def reseal_mails(connection: PoolConnectionProxy, resealing: Resealing) -> int:
    """Encrypt the stored mails with a new `AUTH_JWT_SECRET`. Return their number."""
    rows = await connection.fetch("SELECT id, sealed FROM mails ORDER BY id FOR UPDATE")
    await connection.executemany(
        "UPDATE mails SET sealed = $1 WHERE id = $2",
        [(resealing.text(row["sealed"], SEALED_FOR, row["id"].encode()), row["id"]) for row in rows],
    )
    return len(rows)
