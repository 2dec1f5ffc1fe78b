"""The rows of sessions in the PostgreSQL store."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

from subgraphs.auth.authentication import Authentication, methods_text, parse_methods
from subgraphs.auth.domain import Session

if TYPE_CHECKING:
    from collections.abc import Mapping
    from datetime import datetime

    from asyncpg.pool import PoolConnectionProxy

# The columns of `proof_columns`.
PROOF: Final = "methods, authenticated_at, factor_enrolled_at"
# Selects the columns that `session_of` reads.
SESSION: Final = f"SELECT id, user_id, created_at, expires_at, ended_at, token_family, {PROOF} FROM sessions"  # noqa: S608 - constants


def session_of(row: Mapping[str, Any]) -> Session:
    """Return the session of a row that has the columns of `SESSION`."""
    proof = Authentication(
        parse_methods(row["methods"]), row["authenticated_at"] or row["created_at"], row["factor_enrolled_at"]
    )
    return Session(
        row["id"],
        row["user_id"],
        row["created_at"],
        row["expires_at"],
        row["ended_at"],
        authentication=proof,
        family=row["token_family"],
    )


def proof_columns(authentication: Authentication) -> tuple[str, datetime, datetime | None]:
    return methods_text(authentication.methods), authentication.at, authentication.factor_enrolled_at


async def write_end(connection: PoolConnectionProxy, before: Session, after: Session) -> None:
    """Store that a session has ended, if `before` had not."""
    if after.ended_at is not None and after != before:
        await connection.execute("UPDATE sessions SET ended_at = $1 WHERE id = $2", after.ended_at, after.id)
