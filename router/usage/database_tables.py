"""The tables of a usage store, for SQLite and PostgreSQL. After a release, the statements of a step never change."""

from __future__ import annotations

from typing import Final

from router.usage.usage_data import BUCKET_COUNT

BUCKET_COLUMNS: Final = tuple(f"bucket_{number}" for number in range(BUCKET_COUNT))
_COUNTS: Final = "requests BIGINT NOT NULL, errors BIGINT NOT NULL, seconds DOUBLE PRECISION NOT NULL, " + ", ".join(
    f"{column} BIGINT NOT NULL" for column in BUCKET_COLUMNS
)

FIRST_STEP: Final = (
    """CREATE TABLE operations (
        id BIGINT NOT NULL PRIMARY KEY,
        name TEXT NOT NULL,
        kind TEXT NOT NULL,
        document TEXT NOT NULL,
        first_seen BIGINT NOT NULL,
        last_seen BIGINT NOT NULL,
        unknown_variables BIGINT NOT NULL
    )""",
    "CREATE TABLE clients (id BIGINT NOT NULL PRIMARY KEY, name TEXT NOT NULL, version TEXT NOT NULL)",
    "CREATE TABLE coordinates (id BIGINT NOT NULL PRIMARY KEY, name TEXT NOT NULL)",
    """CREATE TABLE uses (
        operation BIGINT NOT NULL,
        coordinate BIGINT NOT NULL,
        in_variables BIGINT NOT NULL,
        last_seen BIGINT NOT NULL,
        PRIMARY KEY (operation, coordinate, in_variables)
    )""",
    "CREATE INDEX uses_of_coordinate ON uses (coordinate)",
    *(
        f"""CREATE TABLE {table} (
            period BIGINT NOT NULL, operation BIGINT NOT NULL, client BIGINT NOT NULL, {_COUNTS},
            PRIMARY KEY (period, operation, client)
        )"""
        for table in ("minutes", "days")
    ),
)
"""The statements that create the tables in an empty database. SQLite and PostgreSQL understand all of them.

`first_seen`, `last_seen` and `unknown_variables` are seconds since 1970. `unknown_variables` is the time of the last
request for which some values of variables were not looked at; 0 if there is no such request. `period` is the number of
a minute or of a day since 1970.
"""
