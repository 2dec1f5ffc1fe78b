"""Second factors in the SQLite file of the auth service."""

from __future__ import annotations

import json
from dataclasses import replace
from typing import TYPE_CHECKING, Any, Final

from subgraphs.auth.audit_log.sqlite import append_entry
from subgraphs.auth.mail.sqlite_outbox import insert_mails
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
from subgraphs.auth.store.sqlite_users import end_sessions
from subgraphs.kit.times import from_milliseconds, to_milliseconds

if TYPE_CHECKING:
    from collections.abc import Collection, Sequence
    from datetime import datetime

    from servicekit.sqlite import Database
    from servicekit.sqlite_statements import Statements
    from subgraphs.auth.audit_log.entry import NewEntry
    from subgraphs.auth.mail.outbox import QueuedMail
    from subgraphs.auth.resealing import Resealing

_PASSKEY: Final = "SELECT credential_id, user_id, public_key, sign_count, name, enrolled_at, last_used_at FROM passkeys"
_TAKE_ATTEMPT: Final = """
UPDATE second_factor_challenges SET attempts = attempts + 1
WHERE digest = ? AND purpose IN (SELECT value FROM json_each(?)) AND expires_at > ? AND attempts < ?
RETURNING digest, purpose, user_id, bound_to, expires_at, sealed
"""
_ENROL_TOTP: Final = """
INSERT INTO totp_factors (user_id, sealed_secret, enrolled_at, last_step) VALUES (?, ?, ?, ?)
ON CONFLICT (user_id) DO UPDATE SET
    sealed_secret = excluded.sealed_secret, enrolled_at = excluded.enrolled_at, last_step = excluded.last_step
"""
_ADD_PASSKEY: Final = """
INSERT INTO passkeys (credential_id, user_id, public_key, sign_count, name, enrolled_at) VALUES (?, ?, ?, ?, ?, ?)
ON CONFLICT DO NOTHING
"""
_REMOVE_UNUSED_CODES: Final = """
DELETE FROM recovery_codes WHERE user_id = :user
AND NOT EXISTS (SELECT 1 FROM totp_factors WHERE user_id = :user)
AND NOT EXISTS (SELECT 1 FROM passkeys WHERE user_id = :user)
"""


class _UsedBefore(Exception):
    """A part of the change is impossible, so the transaction is rolled back."""


class SqliteSecondFactors:
    """The `SecondFactorStore` on one SQLite file."""

    def __init__(self, database: Database) -> None:
        self._database = database

    async def factors(self, user_id: str) -> Factors:
        async with self._database.snapshot() as connection:
            totp = await connection.execute_fetchall(
                "SELECT sealed_secret, enrolled_at, last_step FROM totp_factors WHERE user_id = ?", (user_id,)
            )
            passkeys = await connection.execute_fetchall(
                f"{_PASSKEY} WHERE user_id = ? ORDER BY enrolled_at, credential_id", (user_id,)
            )
            ((left,),) = await connection.execute_fetchall(
                "SELECT count(*) FROM recovery_codes WHERE user_id = ?", (user_id,)
            )
        app = next(
            (Totp(row["sealed_secret"], from_milliseconds(row["enrolled_at"]), row["last_step"]) for row in totp), None
        )
        return Factors(app, tuple(map(_passkey, passkeys)), left)

    async def passkey(self, credential_id: bytes) -> Passkey | None:
        async with self._database.snapshot() as connection:
            rows = await connection.execute_fetchall(f"{_PASSKEY} WHERE credential_id = ?", (credential_id,))
        return next(map(_passkey, rows), None)

    async def add_challenge(self, challenge: Challenge, expired_before: datetime) -> None:
        row = (
            challenge.digest,
            challenge.purpose.value,
            challenge.user_id,
            challenge.bound_to,
            to_milliseconds(challenge.expires_at),
            challenge.sealed,
        )
        async with self._database.transaction() as connection:
            await connection.execute(
                "DELETE FROM second_factor_challenges WHERE expires_at < ?", (to_milliseconds(expired_before),)
            )
            await connection.execute(
                "INSERT INTO second_factor_challenges (digest, purpose, user_id, bound_to, expires_at, sealed)"
                " VALUES (?, ?, ?, ?, ?, ?)",
                row,
            )

    async def take_attempt(self, digest: bytes, purposes: Collection[Purpose], now: datetime) -> Challenge | None:
        async with self._database.transaction() as connection:
            rows = await connection.execute_fetchall(
                _TAKE_ATTEMPT, (digest, json.dumps(list(purposes)), to_milliseconds(now), MAX_ATTEMPTS)
            )
        return next(map(_challenge, rows), None)

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
                await _end(connection, challenge)
                row = (user_id, totp.sealed_secret, to_milliseconds(totp.enrolled_at), totp.last_step)
                await connection.execute(_ENROL_TOTP, row)
                await _replace_codes(connection, user_id, codes)
                await insert_mails(connection, mails)
        except _UsedBefore:
            return False
        return True

    async def enrol_passkey(
        self, challenge: bytes, passkey: Passkey, codes: Collection[bytes], mails: Sequence[QueuedMail] = ()
    ) -> bool:
        row = (
            passkey.credential_id,
            passkey.user_id,
            passkey.public_key,
            passkey.sign_count,
            passkey.name,
            to_milliseconds(passkey.enrolled_at),
        )
        try:
            async with self._database.transaction() as connection:
                await _end(connection, challenge)
                _require(await connection.execute(_ADD_PASSKEY, row))
                await _replace_codes(connection, passkey.user_id, codes)
                await insert_mails(connection, mails)
        except _UsedBefore:
            return False
        return True

    async def rename_passkey(self, user_id: str, credential_id: bytes, name: str) -> Passkey | None:
        async with self._database.transaction() as connection:
            rows = await connection.execute_fetchall(
                f"{_PASSKEY} WHERE user_id = ? AND credential_id = ?", (user_id, credential_id)
            )
            await connection.execute(
                "UPDATE passkeys SET name = ? WHERE user_id = ? AND credential_id = ?", (name, user_id, credential_id)
            )
        return next((replace(_passkey(row), name=name) for row in rows), None)

    async def remove_totp(self, user_id: str, mails: Sequence[QueuedMail] = ()) -> bool:
        async with self._database.transaction() as connection:
            removed = await connection.execute("DELETE FROM totp_factors WHERE user_id = ?", (user_id,))
            await connection.execute(_REMOVE_UNUSED_CODES, {"user": user_id})
            if removed == 1:
                await insert_mails(connection, mails)
        return removed == 1

    async def remove_passkey(self, user_id: str, credential_id: bytes, mails: Sequence[QueuedMail] = ()) -> bool:
        async with self._database.transaction() as connection:
            removed = await connection.execute(
                "DELETE FROM passkeys WHERE user_id = ? AND credential_id = ?", (user_id, credential_id)
            )
            await connection.execute(_REMOVE_UNUSED_CODES, {"user": user_id})
            if removed == 1:
                await insert_mails(connection, mails)
        return removed == 1

    async def replace_recovery_codes(
        self, user_id: str, codes: Collection[bytes], mails: Sequence[QueuedMail] = ()
    ) -> None:
        async with self._database.transaction() as connection:
            await _replace_codes(connection, user_id, codes)
            await insert_mails(connection, mails)

    async def reset(
        self, user_id: str, now: datetime, *, audit: NewEntry | None = None, mails: Sequence[QueuedMail] = ()
    ) -> None:
        async with self._database.transaction() as connection:
            for table in ("totp_factors", "passkeys", "recovery_codes", "second_factor_challenges"):
                await connection.execute(f"DELETE FROM {table} WHERE user_id = ?", (user_id,))  # noqa: S608 - constants
            await end_sessions(connection, user_id, now)
            await insert_mails(connection, mails)
            await append_entry(connection, audit)


async def reseal_secrets(connection: Statements, resealing: Resealing) -> int:
    """Encrypt the secrets of authenticator apps with a new `AUTH_JWT_SECRET`; return their number.

    Enrolments that have begun must begin again.
    """
    rows = await connection.execute_fetchall("SELECT user_id, sealed_secret FROM totp_factors")
    sealed = [
        (resealing.text(row["sealed_secret"], SEALED_FOR, row["user_id"].encode()), row["user_id"]) for row in rows
    ]
    await connection.executemany("UPDATE totp_factors SET sealed_secret = ? WHERE user_id = ?", sealed)
    await connection.execute("DELETE FROM second_factor_challenges WHERE length(sealed) > 0")
    return len(sealed)


async def _use(connection: Statements, proof: Proof) -> None:
    statement, values = _statement(proof)
    _require(await connection.execute(statement, values))


def _statement(proof: Proof) -> tuple[str, tuple[object, ...]]:
    """Return the statement that uses a proof up, and its values. It changes a row only if the proof is unused."""
    match proof:
        case UsedCode(user_id, step):
            return "UPDATE totp_factors SET last_step = ? WHERE user_id = ? AND last_step < ?", (step, user_id, step)
        case UsedRecoveryCode(user_id, digest):
            return "DELETE FROM recovery_codes WHERE user_id = ? AND digest = ?", (user_id, digest)
        case UsedPasskey(credential_id, old_count, new_count, at):
            return (
                "UPDATE passkeys SET sign_count = ?, last_used_at = ? WHERE credential_id = ? AND sign_count = ?",
                (new_count, to_milliseconds(at), credential_id, old_count),
            )


async def _end(connection: Statements, challenge: bytes) -> None:
    _require(await connection.execute("DELETE FROM second_factor_challenges WHERE digest = ?", (challenge,)))


def _require(changed: int) -> None:
    if changed != 1:
        raise _UsedBefore


async def _replace_codes(connection: Statements, user_id: str, codes: Collection[bytes]) -> None:
    if codes:
        await connection.execute("DELETE FROM recovery_codes WHERE user_id = ?", (user_id,))
        await connection.executemany(
            "INSERT INTO recovery_codes (user_id, digest) VALUES (?, ?)", [(user_id, code) for code in codes]
        )


def _passkey(row: Any) -> Passkey:
    last_used_at = None if row["last_used_at"] is None else from_milliseconds(row["last_used_at"])
    return Passkey(
        row["credential_id"],
        row["user_id"],
        row["public_key"],
        row["sign_count"],
        row["name"],
        from_milliseconds(row["enrolled_at"]),
        last_used_at,
    )


def _challenge(row: Any) -> Challenge:
    return Challenge(
        row["digest"],
        Purpose(row["purpose"]),
        row["user_id"],
        row["bound_to"],
        from_milliseconds(row["expires_at"]),
        row["sealed"],
    )
