"""TLS of the router as a client: which servers it trusts, and which certificate it presents."""

from __future__ import annotations

import ssl
from typing import TYPE_CHECKING, NamedTuple, Protocol

from servicekit.tls.contexts import IdentityCheckingContext, ReloadingContext
from servicekit.tls.files import UnusableTlsFile

if TYPE_CHECKING:
    from pathlib import Path


class ClientTlsSettings(Protocol):
    """The settings of a server that the router calls, as a section of `router.yaml` has them."""

    @property
    def certificate_authority(self) -> Path | None: ...
    @property
    def client_certificate(self) -> Path | None: ...
    @property
    def client_key(self) -> Path | None: ...
    @property
    def server_identity(self) -> str | None: ...


class ClientTls(NamedTuple):
    """The TLS settings for requests to one server. Each may be None.

    Attributes:
        authority: a PEM file with the certificate authorities to trust; None for the system's authorities.
        certificate: a PEM file with the certificate that the router presents.
        key: a PEM file with the private key; None if it is in the file `certificate`.
        server_name: the name that is sent (SNI) and must be in the server's certificate; None for the host of the URL.
        server_identity: the URI that the server's certificate must have. It is checked only if there is a
            `certificate`, that is, with mutual TLS.
    """

    authority: Path | None = None
    certificate: Path | None = None
    key: Path | None = None
    server_name: str | None = None
    server_identity: str | None = None

    @classmethod
    def of(cls, settings: ClientTlsSettings, server_name: str | None = None) -> ClientTls:
        return cls(
            settings.certificate_authority,
            settings.client_certificate,
            settings.client_key,
            server_name,
            settings.server_identity,
        )

    @property
    def files(self) -> tuple[Path, ...]:
        return tuple(file for file in (self.authority, self.certificate, self.key) if file is not None)


def client_tls_context(place: str, settings: ClientTls) -> ssl.SSLContext | None:
    """Return a context whose handshakes use the newest files; None if the system's trust store is enough.

    `place` says in error messages what the settings are for.

    Raises:
        ValueError: a file has no certificates, or no certificate with its private key.
    """
    if not settings.files and settings.server_name is None:
        return None
    try:
        return ReloadingContext(
            ssl.PROTOCOL_TLS_CLIENT, settings.files, lambda: _read(place, settings), settings.server_name
        )
    except UnusableTlsFile as error:
        raise ValueError(error.problem) from error


def _read(place: str, settings: ClientTls) -> ssl.SSLContext:
    context = IdentityCheckingContext(ssl.PROTOCOL_TLS_CLIENT)
    context.minimum_version = ssl.TLSVersion.TLSv1_2
    if settings.authority is None:
        context.load_default_certs()
    else:
        try:
            context.load_verify_locations(settings.authority)
        except OSError as error:
            problem = f"{place}: {settings.authority} holds no certificates: {error.strerror}"
            raise UnusableTlsFile("authorities", problem) from error
    if settings.certificate is not None:
        context.server_identity = settings.server_identity
        try:
            context.load_cert_chain(settings.certificate, settings.key, lambda: "")
        except (OSError, ValueError) as error:
            problem = f"{place}: {settings.certificate} holds no certificate with its private key"
            raise UnusableTlsFile("certificate", problem) from error
    return context
