"""Tells the transaction service and the sandbox provider of `mosafe up` about each other."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Final

from bank.secret_file import read_or_create_secret
from servicekit.settings import FILE_SUFFIX
from subgraphs.transaction.payments.settings import WEBHOOK_PATH

if TYPE_CHECKING:
    from collections.abc import Mapping

# Maps the variable of a secret to the file in the data directory that has it, if the user has not set the variable.
_SECRETS: Final = {
    "PAYMENT_PROVIDER_KEY": Path("secrets", "payment-provider.key"),
    "PAYMENT_WEBHOOK_SECRET": Path("secrets", "payment-webhooks.key"),
}
_WEBHOOK_URL: Final = "SANDBOX_PROVIDER_WEBHOOK_URL"


def local_variables(environ: Mapping[str, str], transaction_url: str) -> dict[str, str]:
    """Return the variables that the user has not set. Create the files of missing secrets.

    Args:
        environ: what the user has set.
        transaction_url: the base URL of the transaction service.

    Raises:
        StartupError: a file cannot be read or created.
    """
    data_dir = Path(environ.get("MOSAFE_DATA_DIR") or ".mosafe")
    found = {} if environ.get(_WEBHOOK_URL) else {_WEBHOOK_URL: transaction_url + WEBHOOK_PATH}
    for variable, file in _SECRETS.items():
        if not environ.get(variable) and not environ.get(variable + FILE_SUFFIX):
            read_or_create_secret(data_dir / file)
            found[variable + FILE_SUFFIX] = str((data_dir / file).absolute())
    return found
