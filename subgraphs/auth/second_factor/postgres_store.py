"""Second factors in the PostgreSQL database of the auth service."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

from subgraphs.auth.audit_log.postgres import append_entry
from subgraphs.auth.mail.postgres_outbox import insert_mails
from subgraphs.auth.second_factor.challenges import MAX_ATTEMPTS, Challenge, Purpose
from subgraphs.auth.second_factor.factors import (
    Factors,
    Passkey,
    Proof,
    Totp,
    UsedCode,
    UsedPasskey,
    UsedRecoveryCode,
)
from subgraphs.auth.second_factor.totp import SEALED_FOR
from subgraphs.auth.store.postgres_users import end_sessions

if TYPE_CHECKING:
    from collections.abc import Collection, Mapping, Sequence
    from datetime import datetime

    from asyncpg.pool import PoolConnectionProxy

    from subgraphs.auth.audit_log.entry import NewEntry
    from subgraphs.auth.mail.outbox import QueuedMail
    from subgraphs.auth.resealing import Resealing
    from subgraphs.kit.postgres import PostgresDatabase

_COLUMNS: Final = "credential_id, user_id, public_key, sign_count, name, enrolled_at, last_used_at"
# Expired challenges are deleted when others begin. One that another transaction deletes at this moment is skipped.
_DELETE_EXPIRED: Final = """
DELETE FROM second_factor_challenges WHERE digest IN (
    SELECT digest FROM second_factor_challenges WHERE expires_at < $1 LIMIT 1000 FOR UPDATE SKIP LOCKED
)
"""
_TAKE_ATTEMPT: Final = """
UPDATE second_factor_challenges SET attempts = attempts + 1
WHERE digest = $1 AND purpose = ANY($2) AND expires_at > $3 AND attempts < $4
RETURNING digest, purpose, user_id, bound_to, expires_at, sealed
"""
_ENROL_TOTP: Final = """
INSERT INTO totp_factors (user_id, sealed_secret, enrolled_at, last_step) VALUES ($1, $2, $3, $4)
ON CONFLICT (user_id) DO UPDATE SET
    sealed_secret = excluded.sealed_secret, enrolled_at = excluded.enrolled_at, last_step = excluded.last_step
"""
_ADD_PASSKEY: Final = """
INSERT INTO passkeys (credential_id, user_id, public_key, sign_count, name, enrolled_at)
VALUES ($1, $2, $3, $4, $5, $6)
ON CONFLICT DO NOTHING RETURNING credential_id
"""
_REMOVE_UNUSED_CODES: Final = """
DELETE FROM recovery_codes WHERE user_id = $1
AND NOT EXISTS (SELECT 1 FROM totp_factors WHERE user_id = $1)
AND NOT EXISTS (SELECT 1 FROM passkeys WHERE user_id = $1)
"""


class _UsedBefore(Exception):
    """A part of the change is impossible, so the transaction is rolled back."""


class PostgresSecondFactors:
    """The `SecondFactorStore` in a PostgreSQL database.

    A change of the factors of a user locks the user's row first, so that two changes do not interleave.
    """

    def __init__(self, database: PostgresDatabase) -> None:
        self._database = database

    async def factors(self, user_id: str) -> Factors:
        async with self._database.connection() as connection:
            totp = await connection.fetchrow(
                "SELECT sealed_secret, enrolled_at, last_step FROM totp_factors WHERE user_id = $1", user_id
            )
            passkeys = await connection.fetch(
                f"SELECT {_COLUMNS} FROM passkeys WHERE user_id = $1 ORDER BY enrolled_at, credential_id",  # noqa: S608 - a constant
                user_id,
            )
            left = await connection.fetchval("SELECT count(*) FROM recovery_codes WHERE user_id = $1", user_id)
        app = None if totp is None else Totp(totp["sealed_secret"], totp["enrolled_at"], totp["last_step"])
        return Factors(app, tuple(map(_passkey, passkeys)), left)

    async def passkey(self, credential_id: bytes) -> Passkey | None:
        query = f"SELECT {_COLUMNS} FROM passkeys WHERE credential_id = $1"  # noqa: S608 - a constant
        async with self._database.connection() as connection:
            row = await connection.fetchrow(query, credential_id)
        return None if row is None else _passkey(row)

    async def add_challenge(self, challenge: Challenge, expired_before: datetime) -> None:
        async with self._database.transaction() as connection:
            await connection.execute(_DELETE_EXPIRED, expired_before)
            await connection.execute(
                "INSERT INTO second_factor_challenges (digest, purpose, user_id, bound_to, expires_at, sealed)"
                " VALUES ($1, $2, $3, $4, $5, $6)",
                challenge.digest,
                challenge.purpose.value,
                challenge.user_id,
                challenge.bound_to,
                challenge.expires_at,
                challenge.sealed,
            )

    async def take_attempt(self, digest: bytes, purposes: Collection[Purpose], now: datetime) -> Challenge | None:
        async with self._database.connection() as connection:
            row = await connection.fetchrow(_TAKE_ATTEMPT, digest, list(purposes), now, MAX_ATTEMPTS)
        return None if row is None else _challenge(row)

    async def accept(self, proof: Proof, challenge: bytes | None, mails: Sequence[QueuedMail] = ()) -> bool:
        try:
            async with self._database.transaction() as connection:
                await _use(connection, proof)
                if challenge is not None:
                    await _end(connection, challenge)
                await insert_mails(connection, mails)
        except _UsedBefore:
            return False
        return True

    async def enrol_totp(
        self,
        challenge: bytes,
        user_id: str,
        totp: Totp,
        codes: Collection[bytes],
        mails: Sequence[QueuedMail] = (),
    ) -> bool:
        try:
            async with self._database.transaction() as connection:
                await _lock(connection, user_id)
                await _end(connection, challenge)
                await connection.execute(_ENROL_TOTP, user_id, totp.sealed_secret, totp.enrolled_at, totp.last_step)
                await _replace_codes(connection, user_id, codes)
                await insert_mails(connection, mails)
        except _UsedBefore:
            return False
        return True

    async def enrol_passkey(
        self, challenge: bytes, passkey: Passkey, codes: Collection[bytes], mails: Sequence[QueuedMail] = ()
    ) -> bool:
        try:
            async with self._database.transaction() as connection:
                await _lock(connection, passkey.user_id)
                await _end(connection, challenge)
                added = await connection.fetchval(
                    _ADD_PASSKEY,
                    passkey.credential_id,
                    passkey.user_id,
                    passkey.public_key,
                    passkey.sign_count,
                    passkey.name,
                    passkey.enrolled_at,
                )
                _require(added)
                await _replace_codes(connection, passkey.user_id, codes)
                await insert_mails(connection, mails)
        except _UsedBefore:
            return False
        return True

    async def rename_passkey(self, user_id: str, credential_id: bytes, name: str) -> Passkey | None:
        async with self._database.connection() as connection:
            row = await connection.fetchrow(
                "UPDATE passkeys SET name = $1 WHERE user_id = $2 AND credential_id = $3"  # noqa: S608 - a constant
                f" RETURNING {_COLUMNS}",
                name,
                user_id,
                credential_id,
            )
        return None if row is None else _passkey(row)

    async def remove_totp(self, user_id: str, mails: Sequence[QueuedMail] = ()) -> bool:
        async with self._database.transaction() as connection:
            await _lock(connection, user_id)
            removed = await connection.fetchval(
                "DELETE FROM totp_factors WHERE user_id = $1 RETURNING user_id", user_id
            )
            await connection.execute(_REMOVE_UNUSED_CODES, user_id)
            if removed is not None:
                await insert_mails(connection, mails)
        return removed is not None

    async def remove_passkey(self, user_id: str, credential_id: bytes, mails: Sequence[QueuedMail] = ()) -> bool:
        async with self._database.transaction() as connection:
            await _lock(connection, user_id)
            removed = await connection.fetchval(
                "DELETE FROM passkeys WHERE user_id = $1 AND credential_id = $2 RETURNING user_id",
                user_id,
                credential_id,
            )
            await connection.execute(_REMOVE_UNUSED_CODES, user_id)
            if removed is not None:
                await insert_mails(connection, mails)
        return removed is not None

    async def replace_recovery_codes(
        self, user_id: str, codes: Collection[bytes], mails: Sequence[QueuedMail] = ()
    ) -> None:
        async with self._database.transaction() as connection:
            await _lock(connection, user_id)
            await _replace_codes(connection, user_id, codes)
            await insert_mails(connection, mails)

    async def reset(
        self, user_id: str, now: datetime, *, audit: NewEntry | None = None, mails: Sequence[QueuedMail] = ()
    ) -> None:
        async with self._database.transaction() as connection:
            await _lock(connection, user_id)
            for table in ("totp_factors", "passkeys", "recovery_codes", "second_factor_challenges"):
                await connection.execute(f"DELETE FROM {table} WHERE user_id = $1", user_id)  # noqa: S608 - constants
            await end_sessions(connection, user_id, now)
            await insert_mails(connection, mails)
            await append_entry(connection, audit)


async def reseal_secrets(connection: PoolConnectionProxy, resealing: Resealing) -> int:
    """Encrypt the secrets of authenticator apps with a new `AUTH_JWT_SECRET`; return their number.

    Enrolments that have begun must begin again.
    """
    rows = await connection.fetch("SELECT user_id, sealed_secret FROM totp_factors FOR UPDATE")
    sealed = [
        (resealing.text(row["sealed_secret"], SEALED_FOR, row["user_id"].encode()), row["user_id"]) for row in rows
    ]
    await connection.executemany("UPDATE totp_factors SET sealed_secret = $1 WHERE user_id = $2", sealed)
    await connection.execute("DELETE FROM second_factor_challenges WHERE length(sealed) > 0")
    return len(sealed)


async def _lock(connection: PoolConnectionProxy, user_id: str) -> None:
    await connection.execute("SELECT id FROM users WHERE id = $1 FOR NO KEY UPDATE", user_id)


async def _use(connection: PoolConnectionProxy, proof: Proof) -> None:
    match proof:
        case UsedCode(user_id, step):
            _require(
                await connection.fetchval(
                    "UPDATE totp_factors SET last_step = $1 WHERE user_id = $2 AND last_step < $1 RETURNING user_id",
                    step,
                    user_id,
                )
            )
        case UsedRecoveryCode(user_id, digest):
            _require(
                await connection.fetchval(
                    "DELETE FROM recovery_codes WHERE user_id = $1 AND digest = $2 RETURNING user_id", user_id, digest
                )
            )
        case UsedPasskey(credential_id, old_count, new_count, at):
            _require(
                await connection.fetchval(
                    "UPDATE passkeys SET sign_count = $1, last_used_at = $2"
                    " WHERE credential_id = $3 AND sign_count = $4 RETURNING user_id",
                    new_count,
                    at,
                    credential_id,
                    old_count,
                )
            )


async def _end(connection: PoolConnectionProxy, challenge: bytes) -> None:
    _require(
        await connection.fetchval("DELETE FROM second_factor_challenges WHERE digest = $1 RETURNING digest", challenge)
    )


def _require(changed: object) -> None:
    if changed is None:
        raise _UsedBefore


async def _replace_codes(connection: PoolConnectionProxy, user_id: str, codes: Collection[bytes]) -> None:
    if codes:
        await connection.execute("DELETE FROM recovery_codes WHERE user_id = $1", user_id)
        await connection.executemany(
            "INSERT INTO recovery_codes (user_id, digest) VALUES ($1, $2)", [(user_id, code) for code in codes]
        )


def _passkey(row: Mapping[str, Any]) -> Passkey:
    return Passkey(
        row["credential_id"],
        row["user_id"],
        row["public_key"],
        row["sign_count"],
        row["name"],
        row["enrolled_at"],
        row["last_used_at"],
    )


def _challenge(row: Mapping[str, Any]) -> Challenge:
    return Challenge(
        row["digest"], Purpose(row["purpose"]), row["user_id"], row["bound_to"], row["expires_at"], row["sealed"]
    )
