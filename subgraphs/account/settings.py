"""What the account service can be told."""

from __future__ import annotations

from typing import TYPE_CHECKING

from pydantic import Field, SecretStr

from servicekit.settings import Port, sqlite_path
from subgraphs.kit.settings import SubgraphSettings

if TYPE_CHECKING:
    from pathlib import Path


class AccountSettings(SubgraphSettings):
    """Attributes of the account service.

    Attributes:
        db_url: ``sqlite:///path``; by default a file in the data directory.
        max_per_user: how many accounts that are not closed a user may own.
    """

    port: Port = Field(3002, alias="ACCOUNT_PORT")
    db_url: SecretStr | None = Field(None, alias="ACCOUNT_DB_URL")
    max_per_user: int = Field(100, alias="ACCOUNT_MAX_PER_USER", ge=1)

    @property
    def database(self) -> Path:
        """The file of the embedded store. Raises ConfigurationError when another store is asked for."""
        return sqlite_path(self.db_url, "ACCOUNT_DB_URL", self.data_dir / "account.sqlite3")
