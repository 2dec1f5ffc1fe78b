"""Makes a backup while the services run.

Which store is read when decides whether a restore is consistent. The transaction service records an order, the account
service posts it, and the transaction service then marks it COMPLETED. So the state of the orders must not be newer than
the ledger: an order would be COMPLETED without its posting. And the ledger should not be newer than the orders: a
posting would have no order. `pairing` in the manifest says how well the two belong together:

- `ONE_TIME`: both are in one MongoDB cluster, and are read at one cluster time.
- `ORDERS_HELD`: the orders are in SQLite. No order changes while both snapshots begin, which takes milliseconds.
- `ORDERS_FIRST`: the orders are read first, then the ledger. The postings of the moment in between may have no order.

With all three, an order may be PENDING although it is posted. The reconciler completes it when the transaction service
starts. Users are read last, so no account has an owner who does not exist. The positions of consumers are read first of
all; see `mosafe.backup.kafka_offsets`.
"""

from __future__ import annotations

import secrets
from contextlib import ExitStack, contextmanager, nullcontext
from dataclasses import dataclass
from importlib.metadata import version
from typing import TYPE_CHECKING, Final

from bank.values import format_timestamp, now
from mosafe.backup.backup_files import BackupWriter
from mosafe.backup.generated_secrets import GeneratedSecrets
from mosafe.backup.manifest import FORMAT, Manifest, StoreBackup, to_bytes
from mosafe.backup.sqlite_snapshot import SqliteSnapshot, changes_held
from mosafe.store_migrations import POSTGRESQL
from subgraphs.kit.store_factory import MONGODB, SQLITE

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence
    from contextlib import AbstractContextManager
    from datetime import datetime

    from pyrage import x25519

    from mosafe.backup.destination import Destination
    from mosafe.backup.installation import Installation, InstalledStore
    from mosafe.backup.mongo_snapshot import ClusterTime
    from mosafe.backup.store_snapshot import StoreSnapshot

ONE_TIME: Final = "one cluster time"
ORDERS_HELD: Final = "orders held"
ORDERS_FIRST: Final = "orders first"


@dataclass(frozen=True, slots=True)
class BackupOptions:
    """How a backup is written.

    Attributes:
        recipients: the public keys for which the files are encrypted.
        signing_key: signs the manifest, if there is one.
        with_secrets: whether the generated secrets of the data directory are in the backup.
        may_publish: is called before the backup becomes visible; raises if it must not.
    """

    recipients: Sequence[x25519.Recipient]
    signing_key: bytes | None = None
    with_secrets: bool = True
    may_publish: Callable[[], None] = lambda: None


def create(installation: Installation, destination: Destination, options: BackupOptions) -> Manifest:
    """Make a backup of all stores, and return its manifest.

    Raises:
        BackupError: a store cannot be read, or the destination cannot be written. The unfinished backup is deleted.
    """
    started = now()
    backup = f"{started:%Y%m%dT%H%M%SZ}-{secrets.token_hex(3)}"
    writer = BackupWriter(destination, backup, options.recipients)
    try:
        with _snapshots(installation, with_secrets=options.with_secrets) as (found, pairing):
            stores = tuple(_write(snapshot, writer) for snapshot in found)
        manifest = _manifest(backup, started, pairing, stores, options)
        options.may_publish()
        destination.publish(backup, to_bytes(manifest, options.signing_key))
    except BaseException:
        destination.delete(backup)
        raise
    return manifest


def _manifest(
    backup: str, started: datetime, pairing: str, stores: tuple[StoreBackup, ...], options: BackupOptions
) -> Manifest:
    return Manifest(
        format=FORMAT,
        id=backup,
        product=f"mosafe {version('mosafe')}",
        started_at=format_timestamp(started),
        finished_at=format_timestamp(now()),
        pairing=pairing,
        recipients=tuple(str(recipient) for recipient in options.recipients),
        stores=stores,
    )


def _write(snapshot: StoreSnapshot, writer: BackupWriter) -> StoreBackup:
    return StoreBackup(snapshot.facts, tuple(writer.write(part.name, part.dump) for part in snapshot.parts()))


@contextmanager
def _snapshots(installation: Installation, *, with_secrets: bool) -> Iterator[tuple[list[StoreSnapshot], str]]:
    """Begin the snapshots of all stores, and provide them with the pairing of orders and ledger."""
    with ExitStack() as stack:
        found: list[StoreSnapshot] = []
        if installation.brokers is not None:
            # aiokafka takes long to import, and not every installation has Kafka.
            from mosafe.backup.kafka_offsets import KafkaOffsets  # noqa: PLC0415

            found.append(KafkaOffsets.read(installation.brokers))
        transaction, account, auth = installation.stores
        holds = transaction.kind == SQLITE
        with changes_held(transaction.address.sqlite_file) if holds else nullcontext():
            orders = stack.enter_context(_open(transaction, None))
            time: ClusterTime | None = getattr(orders, "cluster_time", None)
            ledger = stack.enter_context(_open(account, time))
        is_one = time is not None and getattr(ledger, "cluster_time", None) == time
        found += [orders, ledger, stack.enter_context(_open(auth, None))]
        if with_secrets:
            found.append(GeneratedSecrets.read(installation.data_dir))
        yield found, ORDERS_HELD if holds else ONE_TIME if is_one else ORDERS_FIRST


def _open(store: InstalledStore, beside: ClusterTime | None) -> AbstractContextManager[StoreSnapshot]:
    """Begin the snapshot of one store. The drivers of servers are imported when they are needed."""
    if store.kind == MONGODB:
        from mosafe.backup.mongo_snapshot import MongoSnapshot  # noqa: PLC0415 - see above

        return MongoSnapshot.open(store.name, store.url, store.address.variable, beside)
    if store.kind == POSTGRESQL:
        from mosafe.backup.postgres_snapshot import PostgresAddress, PostgresSnapshot  # noqa: PLC0415 - see above

        return PostgresSnapshot.open(store.name, PostgresAddress(store.url, store.address.variable))
    return SqliteSnapshot.open(store.name, store.address.sqlite_file)
