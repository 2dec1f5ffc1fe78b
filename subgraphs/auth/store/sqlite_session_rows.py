"""The rows of sessions in the SQLite store."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

from subgraphs.auth.authentication import Authentication, methods_text, parse_methods
from subgraphs.auth.domain import Session
from subgraphs.auth.store.sqlite_users import user_of
from subgraphs.auth.store.user_columns import USER
from subgraphs.kit.times import from_milliseconds, to_milliseconds

if TYPE_CHECKING:
    from datetime import datetime

    from servicekit.sqlite_statements import Queries, Statements
    from subgraphs.auth.domain import User

# The columns of `proof_columns`.
PROOF: Final = "methods, authenticated_at, factor_enrolled_at"
# Selects the columns that `session_of` reads.
SESSION: Final = f"SELECT id, user_id, created_at, expires_at, ended_at, token_family, {PROOF} FROM sessions"  # noqa: S608 - constants


async def session_and_user(connection: Queries, session_id: str) -> tuple[Session, User]:
    """Return the session of a stored token, and the session's user. Foreign keys guarantee that both exist."""
    (session_row,) = await connection.execute_fetchall(f"{SESSION} WHERE id = ?", (session_id,))
    query = f"SELECT {USER} FROM users WHERE id = ?"  # noqa: S608 - a constant
    (user_row,) = await connection.execute_fetchall(query, (session_row["user_id"],))
    return session_of(session_row), user_of(user_row)


async def write_end(connection: Statements, before: Session, after: Session) -> None:
    """Store that a session has ended, if `before` had not."""
    if after.ended_at is not None and after != before:
        await connection.execute(
            "UPDATE sessions SET ended_at = ? WHERE id = ?", (to_milliseconds(after.ended_at), after.id)
        )


def session_of(row: Any) -> Session:
    """Return the session of a row that has the columns of `SESSION`."""
    created_at = from_milliseconds(row["created_at"])
    proof = Authentication(
        parse_methods(row["methods"]),
        _time(row["authenticated_at"]) or created_at,
        _time(row["factor_enrolled_at"]),
    )
    return Session(
        row["id"],
        row["user_id"],
        created_at,
        from_milliseconds(row["expires_at"]),
        _time(row["ended_at"]),
        authentication=proof,
        family=row["token_family"],
    )


def _time(milliseconds: int | None) -> datetime | None:
    return None if milliseconds is None else from_milliseconds(milliseconds)


def proof_columns(authentication: Authentication) -> tuple[str, int, int | None]:
    enrolled = authentication.factor_enrolled_at
    return (
        methods_text(authentication.methods),
        to_milliseconds(authentication.at),
        None if enrolled is None else to_milliseconds(enrolled),
    )
