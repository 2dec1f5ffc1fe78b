"""What the transaction service can be told."""

from __future__ import annotations

from typing import TYPE_CHECKING

from pydantic import Field, SecretStr

from servicekit.errors import ConfigurationError
from servicekit.settings import Port, sqlite_path
from subgraphs.kit.settings import SubgraphSettings

if TYPE_CHECKING:
    from pathlib import Path


class TransactionSettings(SubgraphSettings):
    """Attributes of the transaction service.

    Attributes:
        db_url: ``sqlite:///path``; by default a file in the data directory.
        account_internal_url: base URL of the account service, whose ``/internal/`` routes post to the ledger.
    """

    port: Port = Field(3003, alias="TRANSACTION_PORT")
    db_url: SecretStr | None = Field(None, alias="TRANSACTION_DB_URL")
    account_internal_url: str = Field("http://127.0.0.1:3002", alias="ACCOUNT_INTERNAL_URL", pattern=r"^https?://")
    kafka_brokers: str | None = Field(None, alias="KAFKA_BROKERS")

    def model_post_init(self, context: object) -> None:
        super().model_post_init(context)
        if self.kafka_brokers is not None:
            raise ConfigurationError("KAFKA_BROKERS", "this release publishes no events; unset it")

    @property
    def database(self) -> Path:
        """The file of the embedded store. Raises ConfigurationError when another store is asked for."""
        return sqlite_path(self.db_url, "TRANSACTION_DB_URL", self.data_dir / "transaction.sqlite3")
