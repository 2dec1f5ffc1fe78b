"""The signing keys of access tokens, and all else that is sealed, in the PostgreSQL database of the auth service."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any, Final

from subgraphs.auth.audit_log.postgres import append_entry
from subgraphs.auth.mail.postgres_outbox import reseal_mails
from subgraphs.auth.second_factor.postgres_store import reseal_secrets
from subgraphs.auth.signing_keys import SigningKey
from subgraphs.kit.postgres_store import PostgresStore

if TYPE_CHECKING:
    from collections.abc import Collection, Mapping

    from subgraphs.auth.audit_log.entry import NewEntry
    from subgraphs.auth.resealing import Resealing

_SIGNING_KEYS: Final = "SELECT id, created_at, active_from, public_jwk, sealed_private_key FROM signing_keys"


class PostgresSigningKeys(PostgresStore):
    """The part of the `AuthStore` with signing keys."""

    async def signing_keys(self) -> list[SigningKey]:
        async with self._database.connection() as connection:
            return [_signing_key(row) for row in await connection.fetch(_SIGNING_KEYS)]

    async def replace_signing_keys(
        self,
        known: Collection[str],
        add: SigningKey | None,
        remove: Collection[str],
        *,
        audit: NewEntry | None = None,
    ) -> bool:
        async with self._changing() as connection:
            await connection.execute("LOCK TABLE signing_keys IN EXCLUSIVE MODE")
            stored = await connection.fetch("SELECT id FROM signing_keys")
            if {row["id"] for row in stored} != set(known):
                return False
            await connection.execute("DELETE FROM signing_keys WHERE id = ANY($1)", list(remove))
            if add is not None:
                await connection.execute(
                    "INSERT INTO signing_keys (id, created_at, active_from, public_jwk, sealed_private_key)"
                    " VALUES ($1, $2, $3, $4, $5)",
                    add.id,
                    add.created_at,
                    add.active_from,
                    json.dumps(add.public_jwk),
                    add.sealed_private_key,
                )
            await append_entry(connection, audit)
        return True

    async def reseal(self, resealing: Resealing, *, audit: NewEntry | None = None) -> int:
        async with self._changing() as connection:
            await connection.execute("LOCK TABLE signing_keys IN EXCLUSIVE MODE")
            resealed = [resealing.signing_key(_signing_key(row)) for row in await connection.fetch(_SIGNING_KEYS)]
            await connection.executemany(
                "UPDATE signing_keys SET sealed_private_key = $1 WHERE id = $2",
                [(key.sealed_private_key, key.id) for key in resealed],
            )
            others = await reseal_secrets(connection, resealing) + await reseal_mails(connection, resealing)
            await append_entry(connection, audit)
        return len(resealed) + others


def _signing_key(row: Mapping[str, Any]) -> SigningKey:
    return SigningKey(
        row["id"],
        row["created_at"],
        row["active_from"],
        json.loads(row["public_jwk"]),
        row["sealed_private_key"],
    )
