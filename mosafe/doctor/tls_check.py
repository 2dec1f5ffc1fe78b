"""Checks certificate, key and authorities of mutual TLS, and tells other checks how to call the processes."""

from __future__ import annotations

import asyncio
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Final

from bank.topology import load_topology
from mosafe.certificates.commands import FOLDER
from mosafe.certificates.folder import CertificateFolder
from mosafe.doctor.findings import Context, Finding, failed, ok, warning
from mosafe.local_mtls import OPERATOR
from servicekit.errors import ConfigurationError
from servicekit.tls.files import TlsFiles, UnusableTlsFile, Validity, check_files
from servicekit.tls.process_files import VARIABLES, process_client_context, tls_files

if TYPE_CHECKING:
    from collections.abc import Iterator
    from ssl import SSLContext

_RENEW: Final = "mosafe certs rotate"
_LIST: Final = "mosafe certs list"
# A certificate should be renewed when less than this part of its time remains.
_LAST_PART: Final = 1 / 3


async def check_tls(context: Context) -> list[Finding]:
    """Whether mutual TLS can be used, if it is configured."""
    try:
        files = files_of_operator(context)
        if files is None:
            return [ok("tls", "mutual TLS is not configured")]
        facts = await asyncio.to_thread(check_files, files)
    except ConfigurationError as error:
        return [failed("tls", str(error), "set all three variables")]
    except UnusableTlsFile as error:
        fix = _RENEW if error.role == "certificate" else _LIST
        # What `mosafe up --mtls` has left does no harm to a platform without mutual TLS.
        return [failed("tls", error.problem, fix) if _has_variables(context) else warning("tls", error.problem, fix)]
    found = [*_ends_soon(f"the certificate of {facts.identity}", facts.validity)]
    for number, authority in enumerate(facts.authorities, 1):
        found += _ends_soon(f"authority {number} of {len(facts.authorities)} in {files.authorities}", authority)
    return found or [
        ok("tls", f"the certificate of {facts.identity} is valid until {facts.validity.not_after:%F %H:%M} UTC")
    ]


def files_of_operator(context: Context) -> TlsFiles | None:
    """Return the files with which the processes are called.

    They are those of `MOSAFE_TLS_*`, or those that `mosafe up --mtls` has made for the operator. Without mutual TLS,
    return None.

    Raises:
        ConfigurationError: only some of the variables are set.
    """
    given = {role: context.environ.get(name) or None for role, name in VARIABLES.items()}
    paths = {role: Path(path) if path is not None else None for role, path in given.items()}
    files = tls_files(paths["certificate"], paths["key"], paths["authorities"])
    if files is not None or context.data_dir is None:
        return files
    local = CertificateFolder(context.data_dir / FOLDER).files(OPERATOR)
    return local if local.certificate.exists() else None


def contexts_for(context: Context, process: str) -> Iterator[tuple[str, SSLContext | bool]]:
    """Yield the ways to call a process: the scheme of the URL, and `verify` of httpx.

    With the variables of mutual TLS, there is one. A platform of this machine can run with or without mutual TLS.

    Raises:
        ConfigurationError: only some of the variables are set, or a file cannot be used.
    """
    files = files_of_operator(context)
    if not _has_variables(context):
        yield "http", False
    if files is not None:
        yield "https", process_client_context(files, server_identity=load_topology().identity(process))


def _has_variables(context: Context) -> bool:
    return any(context.environ.get(name) for name in VARIABLES.values())


def ends_soon(validity: Validity) -> bool:
    """Whether less than a third of the time of a certificate remains."""
    return validity.not_after - datetime.now(UTC) < _LAST_PART * (validity.not_after - validity.not_before)


def _ends_soon(name: str, validity: Validity) -> Iterator[Finding]:
    if validity.not_after <= datetime.now(UTC):
        yield warning("tls", f"{name} has expired on {validity.not_after:%F %H:%M} UTC", _LIST)
    elif ends_soon(validity):
        yield warning("tls", f"{name} expires at {validity.not_after:%F %H:%M} UTC", _RENEW)
