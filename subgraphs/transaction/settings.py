"""The settings of the transaction service."""

from __future__ import annotations

from typing import TYPE_CHECKING

from pydantic import Field, SecretStr

from servicekit.settings import Port  # noqa: TC001 - pydantic reads annotations at run time
from subgraphs.kit.settings import Brokers, SubgraphSettings
from subgraphs.kit.store_factory import StoreAddress
from subgraphs.kit.store_identity import StorePlace

if TYPE_CHECKING:
    from pathlib import Path


class TransactionSettings(SubgraphSettings):
    """Settings of the transaction service.

    Attributes:
        db_url: `sqlite:///path`; by default a file in the data directory.
        account_internal_url: the base URL of the account service, whose `/internal/` routes post to the ledger.
        kafka_brokers: the Kafka cluster that gets the events; None publishes none.
    """

    port: Port = Field(3003, alias="TRANSACTION_PORT")
    db_url: SecretStr | None = Field(None, alias="TRANSACTION_DB_URL")
    account_internal_url: str = Field("http://127.0.0.1:3002", alias="ACCOUNT_INTERNAL_URL", pattern=r"^https?://")
    kafka_brokers: Brokers | None = Field(None, alias="KAFKA_BROKERS")

    @property
    def store(self) -> StoreAddress:
        """Where the service keeps its data."""
        return StoreAddress(self.db_url, "TRANSACTION_DB_URL", self.data_dir / "transaction.sqlite3")

    @property
    def place(self) -> StorePlace:
        """Return the place of the store in the installation."""
        return StorePlace("transaction", self.store, self.data_dir)

    @property
    def database(self) -> Path:
        """The file of the SQLite store. Raises ConfigurationError when the URL selects another store."""
        return self.store.sqlite_file
