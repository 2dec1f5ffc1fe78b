"""Makes certificate authorities and the certificates of processes (RFC 5280, SPIFFE X.509-SVID)."""

from __future__ import annotations

import ipaddress
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Final

from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat, load_pem_private_key
from cryptography.x509.oid import ExtendedKeyUsageOID, NameOID

from servicekit.errors import StartupError

if TYPE_CHECKING:
    from collections.abc import Callable

# Other machines may have a clock that is a little behind. They must accept a new certificate at once.
BACKDATED: Final = timedelta(minutes=5)
# All certificates of the platform have this key, because it is small, fast, and known to every TLS library.
_CURVE: Final = ec.SECP256R1()

_NO_USE: Final = {
    "digital_signature": False,
    "content_commitment": False,
    "key_encipherment": False,
    "data_encipherment": False,
    "key_agreement": False,
    "key_cert_sign": False,
    "crl_sign": False,
    "encipher_only": False,
    "decipher_only": False,
}


def now() -> datetime:
    """Return the time in UTC, without microseconds, which certificates do not have."""
    return datetime.now(UTC).replace(microsecond=0)


@dataclass(frozen=True, slots=True)
class Subject:
    """What a certificate says about a process: its identity, and the hosts where it listens."""

    identity: str
    dns_names: tuple[str, ...] = ()
    addresses: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Issued:
    """A certificate with its private key."""

    certificate: x509.Certificate
    key: ec.EllipticCurvePrivateKey

    @property
    def certificate_pem(self) -> str:
        return self.certificate.public_bytes(Encoding.PEM).decode("ascii")

    @property
    def key_pem(self) -> str:
        return self.key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption()).decode("ascii")

    @classmethod
    def from_pem(cls, certificate: str, key: str) -> Issued:
        """Read a certificate and its key.

        Raises:
            ValueError: one of the texts is not PEM, or the key is not an elliptic curve key.
        """
        read = load_pem_private_key(key.encode("ascii"), None)
        if not isinstance(read, ec.EllipticCurvePrivateKey):
            raise ValueError("not an elliptic curve key")  # noqa: TRY004 - the file is wrong, not the program
        return cls(x509.load_pem_x509_certificate(certificate.encode("ascii")), read)


@dataclass(frozen=True, slots=True)
class Authority:
    """A certificate authority that issues the certificates of processes. `clock` returns the time in UTC."""

    issued: Issued
    clock: Callable[[], datetime] = field(default=now)

    @classmethod
    def create(cls, trust_domain: str, lifetime: timedelta, *, clock: Callable[[], datetime] = now) -> Authority:
        """Return a new authority, whose name contains `trust_domain`."""
        key, at = ec.generate_private_key(_CURVE), clock()
        serial = x509.random_serial_number()
        # The serial number is part of the name, so that two authorities of a rotation have different names.
        name = x509.Name(
            [
                x509.NameAttribute(NameOID.ORGANIZATION_NAME, trust_domain),
                x509.NameAttribute(NameOID.COMMON_NAME, f"{trust_domain} authority {serial:x}"[:64]),
            ]
        )
        certificate = (
            x509.CertificateBuilder(name, name, key.public_key(), serial, at - BACKDATED, at + lifetime)
            .add_extension(x509.BasicConstraints(ca=True, path_length=0), critical=True)
            .add_extension(x509.KeyUsage(**{**_NO_USE, "key_cert_sign": True, "crl_sign": True}), critical=True)
            .add_extension(x509.SubjectKeyIdentifier.from_public_key(key.public_key()), critical=False)
            .sign(key, hashes.SHA256())
        )
        return cls(Issued(certificate, key), clock)

    def issue(self, subject: Subject, lifetime: timedelta) -> Issued:
        """Return a certificate for a process, which is both a server and a client.

        The certificate is not valid for longer than the authority.
        """
        own, key, at = self.issued, ec.generate_private_key(_CURVE), self.clock()
        names: list[x509.GeneralName] = [x509.UniformResourceIdentifier(subject.identity)]
        names += [x509.DNSName(name) for name in subject.dns_names]
        names += [x509.IPAddress(ipaddress.ip_address(address)) for address in subject.addresses]
        issuer = own.certificate.extensions.get_extension_for_class(x509.SubjectKeyIdentifier).value
        usages = [ExtendedKeyUsageOID.SERVER_AUTH, ExtendedKeyUsageOID.CLIENT_AUTH]
        end = min(at + lifetime, own.certificate.not_valid_after_utc)
        certificate = (
            x509.CertificateBuilder(own.certificate.subject, x509.Name([]), key.public_key())
            .serial_number(x509.random_serial_number())
            .not_valid_before(at - BACKDATED)
            .not_valid_after(end)
            # The subject is empty, so the names are critical (RFC 5280 §4.2.1.6).
            .add_extension(x509.SubjectAlternativeName(names), critical=True)
            .add_extension(x509.BasicConstraints(ca=False, path_length=None), critical=True)
            .add_extension(x509.KeyUsage(**{**_NO_USE, "digital_signature": True}), critical=True)
            .add_extension(x509.ExtendedKeyUsage(usages), critical=False)
            .add_extension(x509.AuthorityKeyIdentifier.from_issuer_subject_key_identifier(issuer), critical=False)
            .add_extension(x509.SubjectKeyIdentifier.from_public_key(key.public_key()), critical=False)
            .sign(own.key, hashes.SHA256())
        )
        return Issued(certificate, key)


def identity_of(certificate: x509.Certificate) -> str | None:
    """Return the URI in the certificate of a process; None if there is none."""
    try:
        names = certificate.extensions.get_extension_for_class(x509.SubjectAlternativeName).value
    except x509.ExtensionNotFound:
        return None
    return next(iter(names.get_values_for_type(x509.UniformResourceIdentifier)), None)


def subject_of(certificate: x509.Certificate) -> Subject:
    """Return the identity and the hosts in the certificate of a process.

    Raises:
        StartupError: the certificate has no URI.
    """
    identity = identity_of(certificate)
    if identity is None:
        raise StartupError(f"the certificate of {certificate.subject.rfc4514_string()} has no URI of a process")
    names = certificate.extensions.get_extension_for_class(x509.SubjectAlternativeName).value
    addresses = tuple(str(address) for address in names.get_values_for_type(x509.IPAddress))
    return Subject(identity, tuple(names.get_values_for_type(x509.DNSName)), addresses)
