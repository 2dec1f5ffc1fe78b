"""The signing keys of a running service. They are read from the store and replaced before they are too old.

Several processes may use one store, for example the service and a command of an operator. When a process needs the
keys, it reads them again if its last read was more than `READ_AGAIN` ago. If two processes change the keys at the same
time, only one of them succeeds.

With a wrong clock, the service still signs tokens: see `signing_keys.redated`. The clock of a running service is a
`CautiousClock`, so that no key is deleted too early if the time jumps ahead.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from typing import TYPE_CHECKING, Any, Final, NamedTuple

import jwt
import structlog

from bank import values
from servicekit.errors import ConfigurationError
from subgraphs.auth import signing_keys
from subgraphs.auth.signing_keys import PUBLISH_AHEAD, KeyVault, PrivateKey, SigningKey

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from subgraphs.auth.audit_log.entry import NewEntry
    from subgraphs.auth.store.protocol import AuthStore

# How old the keys in memory may be before they are read again. The time is short, so that a process soon notices that a
# key was withdrawn.
READ_AGAIN: Final = timedelta(seconds=5)

_log = structlog.stdlib.get_logger("keys")


class Signer(NamedTuple):
    """The key that signs now."""

    key_id: str
    private_key: PrivateKey


@dataclass(frozen=True, slots=True)
class KeyInUse:
    """The key was not retired, because tokens that it signed are valid.

    Attributes:
        until: the time from which none of them is valid; None if the key signs now.
    """

    until: datetime | None


class KeyRing:
    """Signs tokens, and publishes and rotates the keys.

    It is also the `bank.identity.KeySource` of the service's own verifier of tokens.
    """

    def __init__(self, store: AuthStore, vault: KeyVault, *, clock: Callable[[], datetime] = values.now) -> None:
        self._store = store
        self._vault = vault
        self._clock = clock
        self._keys: list[SigningKey] = []
        self._read_at: datetime | None = None
        self._opened: dict[str, PrivateKey] = {}
        self._verifying: dict[str, jwt.PyJWK] = {}

    async def sign(self, claims: Mapping[str, Any], token_type: str) -> str:
        """Return a JWT with `claims`, and with the media type `token_type` as the header `typ`.

        Raises:
            ConfigurationError: the key was encrypted with another `AUTH_JWT_SECRET`.
        """
        key_id, private_key = await self.signer()
        algorithm = next(key.algorithm for key in self._keys if key.id == key_id)
        return jwt.encode(dict(claims), private_key, algorithm=algorithm, headers={"kid": key_id, "typ": token_type})

    async def signer(self) -> Signer:
        """Return the id and the private key of the key that signs now.

        Raises:
            ConfigurationError: the key was encrypted with another `AUTH_JWT_SECRET`.
        """
        await self._read()
        key = signing_keys.signing(self._keys, self._clock())
        assert key is not None  # noqa: S101 - reading adds the first key; for the type checker
        if key.id not in self._opened:
            self._opened = {key.id: self._vault.open(key)}
        return Signer(key.id, self._opened[key.id])

    async def public_keys(self) -> list[dict[str, Any]]:
        """Return the published keys as JWKs, the oldest first."""
        await self._read()
        return [key.public_jwk for key in signing_keys.published(self._keys, self._clock())]

    async def key(self, key_id: str) -> jwt.PyJWK | None:
        """Return the published key with this id, or None. Each call returns the same object for the same key.

        `TokenVerifier` compares the objects, and verifies a token again if its key is another one.
        """
        published = {jwk["kid"]: jwk for jwk in await self.public_keys()}
        for withdrawn in self._verifying.keys() - published.keys():
            del self._verifying[withdrawn]
        if key_id in published and key_id not in self._verifying:
            self._verifying[key_id] = jwt.PyJWK(published[key_id])
        return self._verifying.get(key_id)

    async def keys(self) -> list[SigningKey]:
        """Return all stored keys, the oldest first."""
        self._read_at = None
        await self._read()
        return sorted(self._keys, key=lambda key: key.active_from)

    async def rotate(
        self, *, withdraw: bool = False, audit: Callable[[SigningKey], NewEntry] | None = None
    ) -> SigningKey:
        """Publish a new key, which signs after every verifier has had time to fetch it.

        Set `withdraw` if a key has leaked. The new key then signs immediately, and all other keys are deleted. The
        access tokens that the deleted keys signed become invalid. `audit` returns the entry of the audit log for the
        new key.
        """
        while True:
            now = self._clock()
            keys = await self._store.signing_keys()
            key = self._vault.create(now, now if withdraw or not keys else now + PUBLISH_AHEAD)
            known = {stored.id for stored in keys}
            entry = None if audit is None else audit(key)
            if await self._store.replace_signing_keys(known, key, known if withdraw else (), audit=entry):
                self._read_at = None
                return key

    async def retire(
        self, key_id: str, *, at_once: bool = False, audit: NewEntry | None = None
    ) -> SigningKey | KeyInUse | None:
        """Delete a key, and return it. Return None if there is no key with this id.

        If tokens that the key signed are valid, it is only deleted if `at_once`. These tokens then become invalid. If
        the deleted key signs, another one signs from now on: the published successor, or a new key. `audit` is the
        entry of the audit log for the deletion.
        """
        while True:
            now = self._clock()
            keys = {key.id: key for key in await self._store.signing_keys()}
            key = keys.get(key_id)
            if key is None:
                return None
            end = signing_keys.tokens_end(key, [*keys.values()], now)
            if not at_once and (end is None or end > now):
                return KeyInUse(end)
            remove, add = {key_id}, None
            if end is None:
                rest = [other for other in keys.values() if other.id != key_id and other.active_from > now]
                successor = signing_keys.signing(rest, now)
                add = self._vault.create(now, now) if successor is None else replace(successor, active_from=now)
                remove |= {add.id} & keys.keys()
            if await self._store.replace_signing_keys(keys.keys(), add, remove, audit=audit):
                self._read_at = None
                return key

    async def _read(self) -> None:
        now = self._clock()
        if self._read_at is not None and abs(now - self._read_at) < READ_AGAIN:
            return
        keys = await self._store.signing_keys()
        while await self._replace_old_keys(keys, now):
            keys = await self._store.signing_keys()
        self._keys, self._read_at = keys, now

    async def _replace_old_keys(self, keys: list[SigningKey], now: datetime) -> bool:
        """Bring the stored keys up to date. Return True if the store may have changed.

        A key whose `created_at` is in the future gets new times. If the newest key needs a successor, a new key is
        added. Keys that no verifier needs are deleted.
        """
        known = {key.id for key in keys}
        if (misdated := signing_keys.redated(keys, now)) is not None:
            if await self._store.replace_signing_keys(known, misdated, {misdated.id}):
                active_from = values.format_timestamp(misdated.active_from)
                _log.warning("the clock was set back, a key gets new times", key=misdated.id, active_from=active_from)
            return True
        unneeded = known - {key.id for key in signing_keys.published(keys, now)}
        successor: SigningKey | None = None
        if signing_keys.is_due(keys, now, self._vault.algorithm) and self._has_current_secret(keys, now):
            successor = self._vault.create(now, now + PUBLISH_AHEAD if keys else now)
        if successor is None and not unneeded:
            return False
        await self._store.replace_signing_keys(known, successor, unneeded)
        return True

    def _has_current_secret(self, keys: list[SigningKey], now: datetime) -> bool:
        """Whether `AUTH_JWT_SECRET` opens the stored keys.

        While a service runs, an operator may change the secret (`mosafe auth keys reseal`). Then this process must not
        add a key, because it would encrypt the key with the old secret. It can sign until it is started again.
        """
        current = signing_keys.signing(keys, now)
        if current is None or current.id not in self._opened:
            return True
        try:
            self._vault.open(current)
        except ConfigurationError:
            _log.error("AUTH_JWT_SECRET was changed, no new key; start the service with the new secret", key=current.id)
            return False
        return True
