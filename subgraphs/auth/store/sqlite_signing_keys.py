"""The signing keys of access tokens, and all else that is sealed, in the SQLite file of the auth service."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any, Final

from subgraphs.auth.audit_log.sqlite import append_entry
from subgraphs.auth.mail.sqlite_outbox import reseal_mails
from subgraphs.auth.second_factor.sqlite_store import reseal_secrets
from subgraphs.auth.signing_keys import SigningKey
from subgraphs.kit.sqlite_store import SqliteStore
from subgraphs.kit.times import from_milliseconds, to_milliseconds

if TYPE_CHECKING:
    from collections.abc import Collection

    from subgraphs.auth.audit_log.entry import NewEntry
    from subgraphs.auth.resealing import Resealing

_SIGNING_KEYS: Final = "SELECT id, created_at, active_from, public_jwk, sealed_private_key FROM signing_keys"


class SqliteSigningKeys(SqliteStore):
    """The part of the `AuthStore` with signing keys."""

    async def signing_keys(self) -> list[SigningKey]:
        async with self._database.snapshot() as connection:
            return [_signing_key(row) for row in await connection.execute_fetchall(_SIGNING_KEYS)]

    async def replace_signing_keys(
        self,
        known: Collection[str],
        add: SigningKey | None,
        remove: Collection[str],
        *,
        audit: NewEntry | None = None,
    ) -> bool:
        async with self._changing() as connection:
            stored = await connection.execute_fetchall("SELECT id FROM signing_keys")
            if {row["id"] for row in stored} != set(known):
                return False
            await connection.executemany("DELETE FROM signing_keys WHERE id = ?", [(key_id,) for key_id in remove])
            if add is not None:
                await connection.execute(
                    "INSERT INTO signing_keys (id, created_at, active_from, public_jwk, sealed_private_key)"
                    " VALUES (?, ?, ?, ?, ?)",
                    (
                        add.id,
                        to_milliseconds(add.created_at),
                        to_milliseconds(add.active_from),
                        json.dumps(add.public_jwk),
                        add.sealed_private_key,
                    ),
                )
            await append_entry(connection, audit)
        return True

    async def reseal(self, resealing: Resealing, *, audit: NewEntry | None = None) -> int:
        async with self._changing() as connection:
            stored = [_signing_key(row) for row in await connection.execute_fetchall(_SIGNING_KEYS)]
            resealed = [resealing.signing_key(key) for key in stored]
            await connection.executemany(
                "UPDATE signing_keys SET sealed_private_key = ? WHERE id = ?",
                [(key.sealed_private_key, key.id) for key in resealed],
            )
            others = await reseal_secrets(connection, resealing) + await reseal_mails(connection, resealing)
            await append_entry(connection, audit)
        return len(resealed) + others


def _signing_key(row: Any) -> SigningKey:
    return SigningKey(
        row["id"],
        from_milliseconds(row["created_at"]),
        from_milliseconds(row["active_from"]),
        json.loads(row["public_jwk"]),
        row["sealed_private_key"],
    )
