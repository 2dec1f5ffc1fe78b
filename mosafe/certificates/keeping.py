"""Keeps a folder of certificates complete and valid: `mosafe certs keep`, and `mosafe up --mtls`."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Final

from bank.topology import load_topology
from mosafe.certificates.issuing import Subject, subject_of

if TYPE_CHECKING:
    from mosafe.certificates.folder import CertificateFolder

_NOWHERE_ELSE: Final = Subject("")


def complete(
    folder: CertificateFolder, further: Subject = _NOWHERE_ELSE, public: frozenset[str] = frozenset()
) -> tuple[str, ...]:
    """Create the authority and the certificates of all processes that are missing, and renew those that are due.

    `further` has names and addresses that each certificate must have. `public` has names of hosts whose certificates a
    public authority issues: no certificate here has them, even if `further` does. Return the names of the processes
    that got a new certificate.

    Raises:
        StartupError: a file cannot be read or written, or the authority has expired.
    """
    if not folder.has_authority:
        folder.init()
    folder.write_bundle()
    renewed = folder.renew_due()
    further = replace(further, dns_names=tuple(name for name in further.dns_names if name not in public))
    known = {entry.name: subject_of(entry.certificate) for entry in folder.certificates()}
    missing = tuple(name for name in load_topology().processes if not _has_names(known.get(name), further, public))
    for name in missing:
        folder.issue(name, further=further)
    return tuple(dict.fromkeys((*renewed, *missing)))


def continue_rotation(folder: CertificateFolder) -> bool:
    """Take the next step of replacing the authority, if there is one. Return whether there was.

    A rotation begins by itself when the authority is due. Between two calls, all processes must have had the time to
    read the new files.

    Raises:
        StartupError: a file cannot be read or written.
    """
    if folder.rotation == "begun":
        folder.switch_authority()
    elif folder.rotation == "switched":
        folder.finish_rotation()
    elif folder.authorities()[0].state == "valid":
        return False
    else:
        folder.begin_rotation()
    return True


def _has_names(own: Subject | None, further: Subject, public: frozenset[str]) -> bool:
    if own is None or not public.isdisjoint(own.dns_names):
        return False
    return {*further.dns_names, *further.addresses} <= {*own.dns_names, *own.addresses}
