"""The TLS files of this process, from the variables `MOSAFE_TLS_*`. Without the variables, it serves plain HTTP."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from servicekit.errors import ConfigurationError
from servicekit.tls.contexts import ReloadingContext, client_context, server_context
from servicekit.tls.files import FileRole, TlsFiles, UnusableTlsFile, check_files

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

VARIABLES: Final[Mapping[FileRole, str]] = {
    "certificate": "MOSAFE_TLS_CERT_FILE",
    "key": "MOSAFE_TLS_KEY_FILE",
    "authorities": "MOSAFE_TLS_CA_FILE",
}


def tls_files(certificate: Path | None, key: Path | None, authorities: Path | None) -> TlsFiles | None:
    """Return the files that the variables name; None if no variable is set.

    Raises:
        ConfigurationError: only some of the variables are set.
    """
    if certificate is not None and key is not None and authorities is not None:
        return TlsFiles(certificate, key, authorities)
    given: dict[FileRole, Path | None] = {"certificate": certificate, "key": key, "authorities": authorities}
    missing = [VARIABLES[role] for role, path in given.items() if path is None]
    if len(missing) == len(VARIABLES):
        return None
    present = next(name for name in VARIABLES.values() if name not in missing)
    needed = ", ".join(VARIABLES.values())
    raise ConfigurationError(missing[0], f"not set, but {present} is set; mutual TLS needs {needed}")


def process_server_context(files: TlsFiles, *, identity: str | None = None) -> ReloadingContext:
    """Return the context with which this process serves.

    Args:
        files: the files of the process.
        identity: the identity that the certificate must have; None for any.

    Raises:
        ConfigurationError: a file cannot be used, or the certificate is for another process.
    """
    try:
        own = check_files(files).identity
        if identity is not None and own != identity:
            problem = f"the certificate {files.certificate} is for {own}, but this process is {identity}"
            raise ConfigurationError(VARIABLES["certificate"], problem)
        return server_context(files)
    except UnusableTlsFile as error:
        raise ConfigurationError(VARIABLES[error.role], error.problem) from error


def process_client_context(files: TlsFiles, *, server_identity: str | None = None) -> ReloadingContext:
    """Return the context with which this process calls the server with `server_identity`; None for any server.

    Raises:
        ConfigurationError: a file cannot be used.
    """
    try:
        return client_context(files, server_identity=server_identity)
    except UnusableTlsFile as error:
        raise ConfigurationError(VARIABLES[error.role], error.problem) from error
