"""How a session begins in the PostgreSQL store: one statement inserts its row and its refresh token."""

from __future__ import annotations

from dataclasses import dataclass
from enum import Enum
from typing import TYPE_CHECKING, Final

from subgraphs.auth.sessions.devices import KNOWN_FOR, SEEN_AGAIN
from subgraphs.auth.store.postgres_session_rows import PROOF, proof_columns
from subgraphs.auth.store.protocol import ENDED_KEPT

if TYPE_CHECKING:
    from datetime import datetime

    from asyncpg.pool import PoolConnectionProxy

    from subgraphs.auth.domain import RefreshToken, Session, User
    from subgraphs.auth.sessions.devices import Device

# `owner` locks the user. So a transaction that disables the user, or changes the password, waits, and ends this
# session, too.
#
# `deleted` deletes old rows. One that another transaction deletes at this moment is skipped. It joins `owner`, so it
# locks no session before the user is locked. Otherwise two transactions could wait for each other.
_INSERT_SESSION: Final = f"""
WITH owner AS (
    SELECT id FROM users
    WHERE id = $1 AND disabled_at IS NULL AND ($2 OR password_changed_at IS NOT DISTINCT FROM $3)
    FOR SHARE
),
device AS (
    SELECT user_id, device, network FROM known_devices JOIN owner ON user_id = owner.id
    WHERE device = $4 AND network = $5 AND last_seen_at > $6
),
seen AS (
    UPDATE known_devices SET last_seen_at = $8 FROM device
    WHERE (known_devices.user_id, known_devices.device, known_devices.network)
        = (device.user_id, device.device, device.network)
    AND last_seen_at <= $7
),
begun AS (
    INSERT INTO sessions (user_id, device, network, created_at, id, expires_at, {PROOF}, token_family)
    SELECT $1, $4, $5, $8, $9, $10, $11, $12, $13, $14 FROM owner WHERE $15 OR EXISTS (SELECT 1 FROM device)
    RETURNING id
),
token AS (
    INSERT INTO refresh_tokens (digest, session_id, issued_at, expires_at) SELECT $16, id, $17, $18 FROM begun
),
deleted AS (
    DELETE FROM sessions WHERE id IN (
        SELECT sessions.id FROM sessions CROSS JOIN owner WHERE expires_at < $19 OR ended_at < $20
        LIMIT 1000 FOR UPDATE OF sessions SKIP LOCKED
    )
)
SELECT EXISTS (SELECT 1 FROM begun) AS has_begun, EXISTS (SELECT 1 FROM owner) AS has_owner
"""  # noqa: S608 - a constant


class Inserted(Enum):
    """Whether `insert_session` has inserted the session."""

    YES = "yes"
    NOT_OF_THIS_USER = "not of this user"
    """The user is disabled, does not exist, or has changed the password."""
    NOT_ON_THIS_DEVICE = "not on this device"
    """The user has not logged in from the device before, or long ago."""


@dataclass(frozen=True, slots=True)
class NewSession:
    """What is inserted, and what is deleted (`AuthStore.begin_session`).

    Attributes:
        known: the user when they proved their identity; None if a change of the password does not matter.
    """

    session: Session
    token: RefreshToken
    device: Device
    expired_before: datetime
    known: User | None


async def insert_session(connection: PoolConnectionProxy, new: NewSession, *, only_on_known_device: bool) -> Inserted:
    """Insert a session, and delete old ones.

    If the device is known, the time of its last login is stored, unless it was stored a moment ago.
    """
    session, token, began = new.session, new.token, new.session.created_at
    row = await connection.fetchrow(
        _INSERT_SESSION,
        session.user_id,
        new.known is None,
        None if new.known is None else new.known.password_changed_at,
        new.device.words,
        new.device.network,
        began - KNOWN_FOR,
        began - SEEN_AGAIN,
        began,
        session.id,
        session.expires_at,
        *proof_columns(session.authentication),
        session.family,
        not only_on_known_device,
        token.digest,
        token.issued_at,
        token.expires_at,
        new.expired_before,
        new.expired_before - ENDED_KEPT,
    )
    if row["has_begun"]:
        return Inserted.YES
    return Inserted.NOT_ON_THIS_DEVICE if row["has_owner"] else Inserted.NOT_OF_THIS_USER
