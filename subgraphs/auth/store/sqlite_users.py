"""The rows of users in the SQLite store."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from subgraphs.auth.domain import Role, User
from subgraphs.kit.times import from_milliseconds, to_milliseconds

if TYPE_CHECKING:
    from collections.abc import Collection
    from datetime import datetime

    from servicekit.sqlite_statements import Statements


def user_of(row: Any) -> User:
    """Return the user of a row that has the columns `USER`."""
    return User(
        row["id"],
        row["email"],
        row["name"],
        roles_of(row["roles"]),
        from_milliseconds(row["created_at"]),
        disabled_at=_optional(row["disabled_at"]),
        email_verified_at=_optional(row["email_verified_at"]),
        password_changed_at=_optional(row["password_changed_at"]),
    )


def _optional(milliseconds: int | None) -> datetime | None:
    return None if milliseconds is None else from_milliseconds(milliseconds)


def roles_of(text: str) -> frozenset[Role]:
    return frozenset(Role(name) for name in text.split())


def roles_text(roles: Collection[Role]) -> str:
    return " ".join(sorted(roles))


async def end_sessions(
    connection: Statements, user_id: str, now: datetime, *, except_session: str | None = None
) -> None:
    """End the sessions of a user, in the current database transaction. `except_session` goes on."""
    await connection.execute(
        "UPDATE sessions SET ended_at = ? WHERE user_id = ? AND ended_at IS NULL AND id IS NOT ?",
        (to_milliseconds(now), user_id, except_session),
    )
