"""Opens a usage store: an SQLite file, or a PostgreSQL database."""

from __future__ import annotations

from pathlib import Path
from typing import Final

from router.usage.sqlite_connection import SqliteConnection
from router.usage.usage_store import UsageStore
from servicekit.errors import StartupError

POSTGRES_SCHEMES: Final = ("postgres://", "postgresql://")


async def open_store(location: str, *, for_reading: bool = False) -> UsageStore:
    """Open the store at a location: the URL of a PostgreSQL database, or the path of a file, which is created.

    A large file is opened faster `for_reading`, because the search for damaged pages would take up to a second.

    Raises:
        StartupError: The file cannot be used, or the driver of PostgreSQL is not installed.
        StoreFailure: The database cannot be reached.
    """
    if not location.startswith(POSTGRES_SCHEMES):
        return UsageStore(await SqliteConnection.open(Path(location), for_reading=for_reading))
    try:
        # Only this store needs the driver.
        from router.usage.postgres_connection import PostgresConnection  # noqa: PLC0415
    except ModuleNotFoundError as error:
        raise StartupError(
            "a usage store in PostgreSQL needs the package asyncpg: pip install mosafe[usage]"
        ) from error
    return UsageStore(await PostgresConnection.open(location))
