"""The store of API keys; `tests/subgraphs/auth/api_keys/contract.py` tests every implementation."""

from __future__ import annotations

from typing import TYPE_CHECKING, Protocol

if TYPE_CHECKING:
    from datetime import datetime

    from subgraphs.auth.api_keys.api_key import ApiKey, KeyUse
    from subgraphs.auth.audit_log.entry import NewEntry


class ApiKeyStore(Protocol):
    """API keys and the digests of their secrets.

    A method with the argument `audit` appends this entry to the audit log, in the transaction of its change. If it
    changes nothing, it appends nothing.
    """

    async def add(self, key: ApiKey, digest: bytes, most: int, audit: NewEntry) -> bool:
        """Insert a key with its first secret, which ends with the key.

        The owner's keys that ended `DEAD_KEPT` before the time `key.created_at` are deleted.

        Returns:
            False if the owner already has `most` live keys at the time `key.created_at`, or does not exist.
        """

    async def of_user(self, user_id: str, now: datetime) -> list[ApiKey]:
        """Return the live keys of a user, by ascending time of creation."""

    async def find(self, key_id: str, now: datetime) -> ApiKey | None:
        """Return a key, live or not; None if there is none."""

    async def use(self, digest: bytes, now: datetime) -> KeyUse | None:
        """Return the key of a secret, and when the secret ends; None if the secret is unknown."""

    async def touch(self, key_id: str, now: datetime) -> None:
        """Write `now` as the time of the last use, unless the last use was within `USE_INTERVAL`."""

    async def rotate(self, key_id: str, digest: bytes, now: datetime, old_ends_at: datetime, audit: NewEntry) -> bool:
        """Add a secret that ends with the key. The newest older secret ends at `old_ends_at`, all others at once.

        The sessions of the key end, because they may come from a secret that has ended.

        Returns:
            False if there is no live key with this id.
        """

    async def revoke(self, key_id: str, now: datetime, audit: NewEntry) -> bool:
        """End the key and its sessions. Return False if there is no live key with this id."""
