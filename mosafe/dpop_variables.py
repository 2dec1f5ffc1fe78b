"""Gives the router and the REST layer the secret of the statements about DPoP proofs (`servicekit.dpop.statements`)."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Final

from bank.secret_file import read_or_create_secret
from servicekit.settings import FILE_SUFFIX

if TYPE_CHECKING:
    from collections.abc import Mapping

SECRET: Final = "DPOP_STATEMENT_SECRET"  # noqa: S105 - the name of a variable
_FILE: Final = Path("secrets", "dpop-statements.key")


def dpop_variables(environ: Mapping[str, str]) -> dict[str, str]:
    """Return the variable that names the file with the secret. Create the file if it is missing.

    Return nothing if the user has set the secret.

    Raises:
        StartupError: the file cannot be read or created.
    """
    if environ.get(SECRET) or environ.get(SECRET + FILE_SUFFIX):
        return {}
    path = Path(environ.get("MOSAFE_DATA_DIR") or ".mosafe") / _FILE
    read_or_create_secret(path)
    return {SECRET + FILE_SUFFIX: str(path.absolute())}
