"""The rows of users in the PostgreSQL store."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from subgraphs.auth.domain import Role, User

if TYPE_CHECKING:
    from collections.abc import Mapping
    from datetime import datetime

    from asyncpg.pool import PoolConnectionProxy


def user_of(row: Mapping[str, Any]) -> User:
    """Return the user of a row that has the columns `USER`."""
    return User(
        row["id"],
        row["email"],
        row["name"],
        frozenset(Role(name) for name in row["roles"]),
        row["created_at"],
        disabled_at=row["disabled_at"],
        email_verified_at=row["email_verified_at"],
        password_changed_at=row["password_changed_at"],
    )


async def end_sessions(
    connection: PoolConnectionProxy, user_id: str, now: datetime, *, except_session: str | None = None
) -> None:
    """End the sessions of a user, in the current database transaction. `except_session` goes on."""
    await connection.execute(
        "UPDATE sessions SET ended_at = $1 WHERE user_id = $2 AND ended_at IS NULL AND id IS DISTINCT FROM $3",
        now,
        user_id,
        except_session,
    )
