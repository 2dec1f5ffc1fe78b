"""Chooses the store of a service by the scheme of its database URL (bank §4.7).

Each service has a table of the schemes that it supports. A new kind of store is a new row:

```
STORES: Final[Stores[AccountStore]] = {SQLITE: SqliteAccountStore.open_at}
```
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass
from datetime import datetime
from typing import TYPE_CHECKING, Final, Protocol, TypeAlias, TypeVar

from bank import values
from servicekit.errors import ConfigurationError
from servicekit.settings import sqlite_path

if TYPE_CHECKING:
    from collections.abc import AsyncIterator
    from pathlib import Path

    from pydantic import SecretStr

SQLITE: Final = "sqlite"
MONGODB: Final = "mongodb"


class Closable(Protocol):
    async def close(self) -> None:
        """Release the connections; the store cannot be used afterwards."""


S = TypeVar("S", bound=Closable)


@dataclass(frozen=True, slots=True)
class StoreAddress:
    """The address of a service's store.

    Attributes:
        url: the database URL; None selects the SQLite file `default`.
        variable: the environment variable that holds the URL, for error messages.
        default: the SQLite file in the data directory.
    """

    url: SecretStr | None
    variable: str
    default: Path

    @property
    def scheme(self) -> str:
        """The URL's scheme in lower case; `sqlite` without a URL."""
        if self.url is None:
            return SQLITE
        return self.url.get_secret_value().partition(":")[0].lower()

    @property
    def sqlite_file(self) -> Path:
        """The SQLite file.

        Raises:
            ConfigurationError: the URL is not of the form `sqlite:///path`.
        """
        return sqlite_path(self.url, self.variable, self.default)


Clock: TypeAlias = Callable[[], datetime]
# Maps a scheme to a function that opens the store at an address.
Stores: TypeAlias = Mapping[str, Callable[[StoreAddress, Clock], Awaitable[S]]]


@asynccontextmanager
async def open_store(address: StoreAddress, stores: Stores[S], *, clock: Clock = values.now) -> AsyncIterator[S]:
    """Open the store at `address`, and close it at the end of the block.

    Raises:
        ConfigurationError: `stores` has no entry for the URL's scheme.
        StartupError: the store cannot be opened.
    """
    open_at = stores.get(address.scheme)
    if open_at is None:
        known = " and ".join(f"{scheme}://" for scheme in stores)
        raise ConfigurationError(
            address.variable, f"this release knows {known} only; unset it for the embedded default"
        )
    store = await open_at(address, clock)
    try:
        yield store
    finally:
        await store.close()
