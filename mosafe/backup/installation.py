"""The stores of an installation, as the settings of the services name them."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final

from mosafe.backup.errors import WRONG_STORE, BackupError
from mosafe.store_migrations import POSTGRESQL
from mosafe.stores import SERVICES
from servicekit.settings import load
from subgraphs.kit.store_factory import MONGODB, SQLITE
from subgraphs.transaction.settings import TransactionSettings

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

    from subgraphs.kit.store_factory import StoreAddress

_KINDS: Final = {SQLITE: SQLITE, MONGODB: MONGODB, POSTGRESQL: POSTGRESQL, "postgres": POSTGRESQL}
# In this order a backup reads the stores; see `mosafe.backup.create`.
_ORDER: Final = ("transaction", "account", "auth")


@dataclass(frozen=True, slots=True)
class InstalledStore:
    """One store of the installation.

    Attributes:
        name: `transaction`, `account` or `auth`.
        kind: `sqlite`, `mongodb` or `postgresql`.
        address: the URL or the file of the store.
        stores: the table of implementations, to open the store with its service's code.
    """

    name: str
    kind: str
    address: StoreAddress
    stores: Any

    @property
    def url(self) -> str:
        return self.address.url.get_secret_value() if self.address.url is not None else ""


@dataclass(frozen=True, slots=True)
class Installation:
    """The stores in the order of a backup, the data directory, and Kafka."""

    stores: tuple[InstalledStore, ...]
    data_dir: Path
    brokers: str | None

    @classmethod
    def of(cls, environ: Mapping[str, str]) -> Installation:
        """Raises ConfigurationError or BackupError if a variable of a store has a wrong value."""
        found = []
        for name in _ORDER:
            settings, stores = SERVICES[name]
            address = load(settings, environ).store
            kind = _KINDS.get(address.scheme)
            if kind is None:
                raise BackupError(WRONG_STORE, f"{address.variable}: there are no backups of {address.scheme}://")
            found.append(InstalledStore(name, kind, address, stores))
        transaction = load(TransactionSettings, environ)
        return cls(tuple(found), transaction.data_dir, transaction.kafka_brokers)

    def store(self, name: str) -> InstalledStore:
        return next(store for store in self.stores if store.name == name)
