"""The settings of the account service."""

from __future__ import annotations

from typing import TYPE_CHECKING

from pydantic import Field, SecretStr

from servicekit.settings import Port  # noqa: TC001 - pydantic reads annotations at run time
from subgraphs.kit.settings import SubgraphSettings
from subgraphs.kit.store_factory import StoreAddress

if TYPE_CHECKING:
    from pathlib import Path


class AccountSettings(SubgraphSettings):
    """Settings of the account service.

    Attributes:
        db_url: `sqlite:///path`; by default a file in the data directory.
        max_per_user: the number of accounts, not counting closed ones, that a user may own.
    """

    port: Port = Field(3002, alias="ACCOUNT_PORT")
    db_url: SecretStr | None = Field(None, alias="ACCOUNT_DB_URL")
    max_per_user: int = Field(100, alias="ACCOUNT_MAX_PER_USER", ge=1)

    @property
    def store(self) -> StoreAddress:
        """Where the service keeps its data."""
        return StoreAddress(self.db_url, "ACCOUNT_DB_URL", self.data_dir / "account.sqlite3")

    @property
    def database(self) -> Path:
        """The file of the SQLite store. Raises ConfigurationError when the URL selects another store."""
        return self.store.sqlite_file
