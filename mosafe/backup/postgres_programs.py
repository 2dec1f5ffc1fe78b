"""`pg_dump`, `pg_restore` and `psql`: whether they can be used, and how they get the address of the database.

The address goes into variables of the programs and not on their command line, where every user of the machine could
read the password.
"""

from __future__ import annotations

import os
import re
import shutil
import subprocess
from typing import Final
from urllib.parse import parse_qsl, unquote, urlsplit

_VERSION: Final = re.compile(r"\(PostgreSQL\) (\d+)")
# Maps a parameter of the URL to the variable of libpq.
_PORT: Final = 5432
_PARAMETERS: Final = {
    "host": "PGHOST",
    "port": "PGPORT",
    "user": "PGUSER",
    "password": "PGPASSWORD",
    "dbname": "PGDATABASE",
    "database": "PGDATABASE",
    "sslmode": "PGSSLMODE",
    "sslrootcert": "PGSSLROOTCERT",
    "sslcert": "PGSSLCERT",
    "sslkey": "PGSSLKEY",
    "passfile": "PGPASSFILE",
    "target_session_attrs": "PGTARGETSESSIONATTRS",
}
_SECONDS: Final = 10.0


def usable(programs: tuple[str, ...], server_version: int) -> bool:
    """Whether all of `programs` are installed and are not older than the server."""
    return all(_version(program) >= server_version for program in programs)


def _version(program: str) -> int:
    """Return the major version of a program, or 0 if it is not installed."""
    path = shutil.which(program)
    if path is None:
        return 0
    done = subprocess.run(  # noqa: S603 - a program of the operator's PATH, without input of others
        [path, "--version"], capture_output=True, text=True, timeout=_SECONDS, check=False
    )
    match = _VERSION.search(done.stdout)
    return int(match[1]) if match is not None else 0


def variables(url: str) -> dict[str, str] | None:
    """Return the environment of the programs for the database at `url`.

    Return None if the URL has a parameter that is not known here. The database is then read through the driver.
    """
    parts = urlsplit(url)
    hosts = [urlsplit(f"//{host}") for host in parts.netloc.rpartition("@")[2].split(",") if host]
    found = {
        "PGHOST": ",".join(host.hostname or "" for host in hosts),
        "PGPORT": ",".join(str(host.port or _PORT) for host in hosts),
        "PGUSER": unquote(parts.username or ""),
        "PGPASSWORD": unquote(parts.password or ""),
        "PGDATABASE": unquote(parts.path.removeprefix("/")),
    }
    for name, value in parse_qsl(parts.query):
        if name not in _PARAMETERS:
            return None
        found[_PARAMETERS[name]] = value
    return {**os.environ, **{name: value for name, value in found.items() if value}}
