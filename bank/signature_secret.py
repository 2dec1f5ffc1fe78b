"""The secret with which the router signs its requests to the services (RFC 9421).

It is `SUBGRAPH_SIGNATURE_SECRET`, or a file in the data directory that the first process creates. It is not the secret
of `service_credential`, which the router must not have: with that secret, a process can post money.
"""

from __future__ import annotations

from pathlib import Path
from typing import Final

from bank.secret_file import read_or_create_secret

SIGNATURE_SECRET_FILE: Final = Path("secrets", "signatures.key")


def read_or_create_signature_secret(data_dir: Path) -> str:
    """Return the secret in the data directory. If the file is missing, create it.

    Raises:
        StartupError: the file cannot be read or created, is open to other users, or is too short.
    """
    return read_or_create_secret(data_dir / SIGNATURE_SECRET_FILE)
