"""Tells the router the secret with which it signs its requests to the services.

The services find the secret in the data directory by themselves. The router knows no data directory, so it gets the
path of the file in a variable.
"""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Final

from pydantic import TypeAdapter, ValidationError

from bank.signature_secret import SIGNATURE_SECRET_FILE, read_or_create_signature_secret
from servicekit.errors import ConfigurationError
from servicekit.settings import FILE_SUFFIX

if TYPE_CHECKING:
    from collections.abc import Mapping

SWITCH: Final = "SUBGRAPH_SIGNATURES"
SECRET: Final = "SUBGRAPH_SIGNATURE_SECRET"  # noqa: S105 - the name of a variable


def signature_variables(environ: Mapping[str, str]) -> dict[str, str]:
    """Return the variable that names the file with the secret. Create the file if it is missing.

    Return nothing if the user has set the secret, or has switched signatures off.

    Raises:
        ConfigurationError: the value of the switch is neither true nor false.
        StartupError: the file cannot be read or created.
    """
    if not _is_on(environ.get(SWITCH)) or environ.get(SECRET) or environ.get(SECRET + FILE_SUFFIX):
        return {}
    data_dir = Path(environ.get("MOSAFE_DATA_DIR") or ".mosafe")
    read_or_create_signature_secret(data_dir)
    return {SECRET + FILE_SUFFIX: str((data_dir / SIGNATURE_SECRET_FILE).absolute())}


def _is_on(text: str | None) -> bool:
    try:
        return not text or TypeAdapter(bool).validate_python(text)
    except ValidationError:
        raise ConfigurationError(SWITCH, "neither true (on) nor false (off)") from None
