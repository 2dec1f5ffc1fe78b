"""`TlsFiles`: the certificate, the private key and the trusted authorities of a process, as PEM files."""

from __future__ import annotations

import os
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Final, Literal, NamedTuple

import msgspec

from servicekit.errors import StartupError
from servicekit.private_files import refuse_loose_secret
from servicekit.tls.peer import IDENTITY_SCHEME

if TYPE_CHECKING:
    from collections.abc import Iterable
    from pathlib import Path

    from cryptography.x509 import Certificate

FileRole = Literal["certificate", "key", "authorities"]
Stamp = tuple[tuple[int, int, int], ...]

# A chain has a leaf, at most a few intermediate certificates, and an authority.
_MAX_CHAIN_LENGTH: Final = 8


class UnusableTlsFile(Exception):
    """A file cannot be used.

    Attributes:
        role: which of the files it is.
        problem: what is wrong with it, with its path.
    """

    def __init__(self, role: FileRole, problem: str) -> None:
        self.role = role
        self.problem = problem
        super().__init__(problem)


class TlsFiles(NamedTuple):
    """The paths of three PEM files.

    Attributes:
        certificate: the certificate of this process, followed by the intermediate certificates, if there are any.
        key: the private key of the certificate. No other user may be able to read it.
        authorities: the certificates of the authorities whose certificates are accepted from peers. While an authority
            is replaced, there are two.
    """

    certificate: Path
    key: Path
    authorities: Path


class Validity(msgspec.Struct, frozen=True):
    """When a certificate is valid. Times are in UTC."""

    not_before: datetime
    not_after: datetime

    @classmethod
    def of(cls, certificate: Certificate) -> Validity:
        return cls(certificate.not_valid_before_utc, certificate.not_valid_after_utc)


class CertificateFacts(NamedTuple):
    """What is known about the certificate of a process, and about the authorities that it trusts."""

    identity: str
    validity: Validity
    authorities: tuple[Validity, ...]


def check_files(files: TlsFiles, *, now: datetime | None = None) -> CertificateFacts:
    """Check that the files belong together and are valid now. Return facts about the certificate.

    Raises:
        UnusableTlsFile: a file cannot be read, or is not PEM; the certificate has expired, is not valid yet, has no
            identity, or does not come from one of the authorities; the key belongs to another certificate, or other
            users can read it; an authority has expired.
    """
    at = now or datetime.now(UTC)
    authorities = _certificates("authorities", files.authorities)
    valid = [each for each in authorities if each.not_valid_before_utc <= at < each.not_valid_after_utc]
    if not valid:
        latest = max(each.not_valid_after_utc for each in authorities)
        raise UnusableTlsFile(
            "authorities", f"each authority in {files.authorities} has expired, the last on {latest:%F}"
        )
    leaf, *intermediate = _certificates("certificate", files.certificate)
    if at >= leaf.not_valid_after_utc:
        problem = f"the certificate {files.certificate} has expired on {leaf.not_valid_after_utc:%F %T} UTC"
        raise UnusableTlsFile("certificate", problem)
    if at < leaf.not_valid_before_utc:
        problem = f"the certificate {files.certificate} is valid only from {leaf.not_valid_before_utc:%F %T} UTC"
        raise UnusableTlsFile("certificate", problem)
    identity = _identity(leaf, files.certificate)
    _check_key(leaf, files)
    if not _comes_from(leaf, intermediate, valid):
        problem = f"the certificate {files.certificate} does not come from an authority in {files.authorities}"
        raise UnusableTlsFile("certificate", problem)
    return CertificateFacts(identity, Validity.of(leaf), tuple(map(Validity.of, authorities)))


def stamp_of(files: Iterable[Path]) -> Stamp:
    """Return a value that changes whenever one of the files is replaced or written. A missing file counts too."""
    return tuple(_stamp(path) for path in files)


def _stamp(path: Path) -> tuple[int, int, int]:
    try:
        found = path.stat()
    except OSError:
        return 0, 0, 0
    return found.st_ino, found.st_mtime_ns, found.st_size


def _certificates(role: FileRole, path: Path) -> list[Certificate]:
    # The library is imported here, because most processes of a developer's machine run without TLS.
    from cryptography.x509 import load_pem_x509_certificates  # noqa: PLC0415

    try:
        return load_pem_x509_certificates(path.read_bytes())
    except OSError as error:
        raise UnusableTlsFile(role, f"cannot read {path}: {error.strerror}") from error
    except ValueError as error:
        raise UnusableTlsFile(role, f"{path} has no certificate in PEM format") from error


def _identity(leaf: Certificate, path: Path) -> str:
    from cryptography import x509  # noqa: PLC0415 - as in `_certificates`

    try:
        names = leaf.extensions.get_extension_for_class(x509.SubjectAlternativeName).value
    except x509.ExtensionNotFound:
        found = []
    else:
        found = names.get_values_for_type(x509.UniformResourceIdentifier)
    if len(found) != 1 or not found[0].startswith(IDENTITY_SCHEME):
        raise UnusableTlsFile(
            "certificate", f"the certificate {path} must have one URI name that begins with spiffe://"
        )
    return found[0]


def _check_key(leaf: Certificate, files: TlsFiles) -> None:
    from cryptography.hazmat.primitives.serialization import load_pem_private_key  # noqa: PLC0415 - as above

    try:
        refuse_loose_secret(files.key)
        key = load_pem_private_key(files.key.read_bytes(), None)
    except OSError as error:
        raise UnusableTlsFile("key", f"cannot read {files.key}: {error.strerror}") from error
    except StartupError as error:
        raise UnusableTlsFile("key", str(error)) from error
    except (ValueError, TypeError) as error:  # TypeError: the key is encrypted
        raise UnusableTlsFile("key", f"{files.key} has no private key in PEM format without a password") from error
    if key.public_key() != leaf.public_key():
        raise UnusableTlsFile("key", f"the key {os.fspath(files.key)} belongs to another certificate")


def _comes_from(leaf: Certificate, intermediate: list[Certificate], authorities: list[Certificate]) -> bool:
    current = leaf
    for _ in range(_MAX_CHAIN_LENGTH):
        if any(_is_issued_by(current, each) for each in authorities):
            return True
        issuer = next((each for each in intermediate if _is_issued_by(current, each)), None)
        if issuer is None:
            return False
        current = issuer
    return False


def _is_issued_by(certificate: Certificate, issuer: Certificate) -> bool:
    from cryptography.exceptions import InvalidSignature  # noqa: PLC0415 - as above

    try:
        certificate.verify_directly_issued_by(issuer)
    except (ValueError, TypeError, InvalidSignature):
        return False
    return True
