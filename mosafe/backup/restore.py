"""Restores a backup into the stores that the settings name.

Nothing is changed before the whole backup was verified: the manifest, the kinds of the stores, that the stores are
empty or may be replaced, and each file with its checksums. Then the stores are replaced one after the other. PostgreSQL
and SQLite change in one step; MongoDB has a mark with which no service starts. So an interrupted restore is repeated.

At the end, the stores are paired anew (bank §4.8), and the orders that differ from the ledger are counted.
"""

from __future__ import annotations

import asyncio
import socket
from dataclasses import dataclass
from datetime import timedelta
from typing import TYPE_CHECKING, Final, Protocol

from bank.values import now
from mosafe.backup.backup_files import BackupReader
from mosafe.backup.errors import (
    IN_USE,
    NEWER_RELEASE,
    NOT_EMPTY,
    RESTORED_DIFFERENTLY,
    WRONG_KEY,
    WRONG_STORE,
    BackupError,
)
from mosafe.backup.generated_secrets import FILE as SECRETS_FILE
from mosafe.backup.generated_secrets import NAME as SECRETS
from mosafe.backup.generated_secrets import parse_secrets, refuse_other_secrets, write_secrets
from mosafe.backup.manifest import KAFKA
from mosafe.backup.read_backup import verify
from mosafe.backup.sqlite_restore import SqliteTarget
from mosafe.processes import PROCESSES, port_of, reachable_host
from mosafe.store_migrations import POSTGRESQL, newest_migration
from mosafe.stores import accept_stores, orders_and_postings
from subgraphs.kit.store_factory import MONGODB, open_store

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from pyrage import x25519

    from mosafe.backup.destination import Destination
    from mosafe.backup.installation import Installation, InstalledStore
    from mosafe.backup.manifest import Manifest, StoreBackup

_CONNECT_SECONDS: Final = 1.0
# Cached accounts of the time before the restore live this long (bank §4.11).
_CACHE_SECONDS: Final = 60.0
_PAGE: Final = 500
# The leases of running orders in the backup have ended by then.
_LATER: Final = timedelta(days=1)


class Target(Protocol):
    """A store that is restored. All methods raise `BackupError` if the store cannot be used."""

    def is_empty(self) -> bool:
        """Whether nothing is lost when the store is replaced."""

    def restore(self, store: StoreBackup, reader: BackupReader) -> None:
        """Replace the store."""


@dataclass(frozen=True, slots=True)
class RestoreResult:
    """What a restore has done.

    Attributes:
        pending_posted: PENDING orders that are posted. The reconciler completes them.
        pending_unposted: PENDING orders that are not posted. The reconciler posts them, or ends them.
        differences: other differences between orders and ledger, one a line. A person must look at them.
        offsets: what was done with the positions of consumer groups, one a line.
    """

    pending_posted: int
    pending_unposted: int
    differences: Sequence[str]
    offsets: Sequence[str]


@dataclass(frozen=True, slots=True)
class BackupSource:
    """The backup that is restored, and the keys that open it."""

    destination: Destination
    manifest: Manifest
    identities: Sequence[x25519.Identity]

    @property
    def reader(self) -> BackupReader:
        return BackupReader(self.destination, self.manifest.id, self.identities)


def restore(
    source: BackupSource, environ: Mapping[str, str], installation: Installation, *, replace: bool
) -> RestoreResult:
    """Restore all stores of a backup.

    Raises:
        BackupError: the backup cannot be used here, a store has data and `replace` is false, or a service runs.
    """
    if not source.identities:
        raise BackupError(WRONG_KEY, "BACKUP_IDENTITY is not set; it holds the private key of the backup")
    targets = [(_backup_of(source.manifest, store), _target(store)) for store in installation.stores]
    for (backup, _), store in zip(targets, installation.stores, strict=True):
        _refuse_unfit(backup, store)
    _refuse_running_services(environ)
    secrets = _read_secrets(source)
    if not replace:
        refuse_other_secrets(installation.data_dir, secrets)
    for (backup, target), store in zip(targets, installation.stores, strict=True):
        if not replace and not target.is_empty():
            raise BackupError(
                NOT_EMPTY, f"the {backup.facts.name} store has data ({_place(store)}); --replace replaces it"
            )
    verify(source.destination, source.manifest, source.identities)
    write_secrets(installation.data_dir, secrets)
    for backup, target in targets:
        target.restore(backup, source.reader)
    states = asyncio.run(accept_stores(environ))
    for backup, _ in targets:
        state = states[backup.facts.name]
        if (state.id, state.changes) != (backup.facts.store_id, backup.facts.changes):
            raise BackupError(
                RESTORED_DIFFERENTLY,
                f"the {backup.facts.name} store has id {state.id} and {state.changes} changes; the manifest says"
                f" {backup.facts.store_id} and {backup.facts.changes}",
            )
    return asyncio.run(_result(installation, _restore_offsets(source, installation)))


def _backup_of(manifest: Manifest, store: InstalledStore) -> StoreBackup:
    found = manifest.store(store.name)
    if found is None:
        raise BackupError(WRONG_STORE, f"the backup has no {store.name} store")
    return found


def _refuse_unfit(backup: StoreBackup, store: InstalledStore) -> None:
    if backup.facts.kind != store.kind:
        raise BackupError(
            WRONG_STORE,
            f"the {store.name} store of the backup is in {backup.facts.kind}, and {store.address.variable} selects"
            f" {store.kind}",
        )
    try:
        newest = newest_migration(store.name, store.kind)
    except KeyError:
        raise BackupError(WRONG_STORE, f"the {store.name} store cannot be in {store.kind}") from None
    if (backup.facts.migration or 0) > newest:
        raise BackupError(
            NEWER_RELEASE,
            f"the {store.name} store of the backup has schema version {backup.facts.migration}; this release supports"
            f" versions up to {newest}",
        )


def _target(store: InstalledStore) -> Target:
    if store.kind == MONGODB:
        from mosafe.backup.mongo_restore import MongoTarget  # noqa: PLC0415 - the driver imports slowly

        return MongoTarget(store.url, store.address.variable)
    if store.kind == POSTGRESQL:
        from mosafe.backup.postgres_restore import PostgresTarget  # noqa: PLC0415 - the driver imports slowly
        from mosafe.backup.postgres_snapshot import PostgresAddress  # noqa: PLC0415 - the driver imports slowly

        return PostgresTarget(PostgresAddress(store.url, store.address.variable))
    return SqliteTarget(store.address.sqlite_file)


def _place(store: InstalledStore) -> str:
    """Return the place of a store without its password."""
    return store.address.variable if store.address.url is not None else str(store.address.default)


def _refuse_running_services(environ: Mapping[str, str]) -> None:
    """Refuse to replace the stores under running services of this machine. Those of other machines are not seen."""
    host = reachable_host(environ).strip("[]")
    for process in PROCESSES:
        if process.name in {"auth", "account", "transaction"}:
            port = port_of(process, environ)
            try:
                with socket.create_connection((host, port), _CONNECT_SECONDS):
                    raise BackupError(
                        IN_USE, f"the {process.name} service listens on {host}:{port}; stop all services first"
                    )
            except OSError:
                continue


def _read_secrets(source: BackupSource) -> dict[str, str]:
    found = source.manifest.store(SECRETS)
    for file in found.files if found is not None else ():
        if file.name == SECRETS_FILE:
            content = bytearray()
            source.reader.read(file, content.extend)
            return parse_secrets(bytes(content))
    return {}


def _restore_offsets(source: BackupSource, installation: Installation) -> list[str]:
    found = source.manifest.store(KAFKA)
    if found is None or installation.brokers is None:
        return []
    from mosafe.backup.kafka_offsets import KafkaOffsets  # noqa: PLC0415 - aiokafka imports slowly

    content = bytearray()
    source.reader.read(found.files[0], content.extend)
    return KafkaOffsets.parse(bytes(content)).restore(installation.brokers)


async def _result(installation: Installation, offsets: Sequence[str]) -> RestoreResult:
    orders, ledger = installation.store("transaction"), installation.store("account")
    async with open_store(ledger.address, ledger.stores) as accounts:
        # A cached account may be newer than the restored ledger.
        await accounts.suspend_cache(_CACHE_SECONDS)
        async with open_store(orders.address, orders.stores) as transactions:
            differences = await orders_and_postings(accounts, transactions)
            posted = unposted = 0
            last = ""
            while page := await transactions.unclaimed_ids(now() + _LATER, after=last, limit=_PAGE):
                known = await accounts.which_posted(page)
                posted += len(known)
                unposted += len(page) - len(known)
                last = page[-1]
    return RestoreResult(posted, unposted, differences, offsets)
