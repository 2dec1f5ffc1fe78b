"""TLS contexts that use the newest files for each handshake.

A context looks at its files before each handshake, and reads them again if they have changed. So a new certificate, or
a new authority, is used without a restart, and connections that are open stay open. If the new files cannot be used,
the old ones stay in use, and a warning is logged.

Python's own contexts cannot do this: an authority that a context trusts cannot be removed from it.
"""

from __future__ import annotations

import ssl
import time
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any, Final, Self

import structlog

from servicekit.tls.failures import COUNTS, HANDSHAKE, ServerIdentityError, tls_failure
from servicekit.tls.files import TlsFiles, UnusableTlsFile, check_files, stamp_of
from servicekit.tls.peer import peer_of

if TYPE_CHECKING:
    import socket
    from collections.abc import Callable, Iterable, Iterator
    from pathlib import Path

# The ciphers of TLS 1.2: forward secrecy and authenticated encryption (RFC 9325 §4.2). TLS 1.3 has no others.
_CIPHERS: Final = "ECDHE+AESGCM:ECDHE+CHACHA20"
# Files that cannot be used are read again after this time, because a certificate may become valid later.
_RETRY_SECONDS: Final = 10.0

_log = structlog.stdlib.get_logger("tls")


class ReloadingContext(ssl.SSLContext):
    """A context for `ssl=` of asyncio, uvloop, uvicorn and httpx. Each handshake uses the newest files.

    `read` makes a context from the files. `server_name` replaces the host name that a client sends and checks.
    """

    _files: tuple[Path, ...]
    _read: Callable[[], ssl.SSLContext]
    _server_name: str | None

    def __new__(cls, protocol: int, *args: Any, **kwargs: Any) -> Self:
        del args, kwargs
        return super().__new__(cls, protocol)

    def __init__(
        self,
        protocol: int,
        files: Iterable[Path],
        read: Callable[[], ssl.SSLContext],
        server_name: str | None = None,
    ) -> None:
        """Read the files.

        Raises:
            UnusableTlsFile: the files cannot be used.
        """
        del protocol
        self._files = tuple(files)
        self._read = read
        self._server_name = server_name
        self._seen = stamp_of(self._files)
        self._retry_at = float("inf")
        self._current = read()

    def wrap_bio(
        self,
        incoming: ssl.MemoryBIO,
        outgoing: ssl.MemoryBIO,
        server_side: bool = False,  # noqa: FBT001, FBT002 - the signature of the standard library
        server_hostname: str | bytes | None = None,
        session: ssl.SSLSession | None = None,
    ) -> ssl.SSLObject:
        name = server_hostname if self._server_name is None or server_side else self._server_name
        return self.newest().wrap_bio(incoming, outgoing, server_side, name, session)

    def wrap_socket(self, sock: socket.socket, *arguments: Any, **options: Any) -> ssl.SSLSocket:
        if self._server_name is not None and not options.get("server_side"):
            options["server_hostname"] = self._server_name
        return self.newest().wrap_socket(sock, *arguments, **options)

    def newest(self) -> ssl.SSLContext:
        """Return a context with the newest files that can be used."""
        stamp = stamp_of(self._files)
        if stamp != self._seen or time.monotonic() >= self._retry_at:
            self._seen = stamp
            try:
                self._current = self._read()
            except UnusableTlsFile as error:
                self._retry_at = time.monotonic() + _RETRY_SECONDS
                _log.warning("new TLS files cannot be used; the old ones stay in use", reason=error.problem)
            else:
                self._retry_at = float("inf")
                _log.info("TLS files read again", files=[str(path) for path in self._files])
        return self._current


def server_context(files: TlsFiles) -> ReloadingContext:
    """Return the context of a server that requires a certificate from each client.

    Raises:
        UnusableTlsFile: the files cannot be used.
    """

    def read() -> ssl.SSLContext:
        check_files(files)
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.sslobject_class = _LoggedSSLObject
        _harden(context)
        _load(context, files)
        context.verify_mode = ssl.CERT_REQUIRED
        # A resumed session does not verify the client's certificate again, which may have expired in the meantime.
        context.num_tickets = 0
        context.options |= ssl.OP_NO_TICKET | ssl.OP_CIPHER_SERVER_PREFERENCE
        return context

    return ReloadingContext(ssl.PROTOCOL_TLS_SERVER, files, read)


def client_context(
    files: TlsFiles, *, server_name: str | None = None, server_identity: str | None = None
) -> ReloadingContext:
    """Return the context of a client that presents its certificate.

    Args:
        files: the files of the client.
        server_name: the name that is sent (SNI) and must be in the server's certificate. None for the host in the URL.
        server_identity: the URI that the server's certificate must have. None accepts every server with the right name.

    Raises:
        UnusableTlsFile: the files cannot be used.
    """

    def read() -> ssl.SSLContext:
        check_files(files)
        context = IdentityCheckingContext(ssl.PROTOCOL_TLS_CLIENT)
        context.server_identity = server_identity
        _harden(context)
        _load(context, files)
        return context

    return ReloadingContext(ssl.PROTOCOL_TLS_CLIENT, files, read, server_name)


class IdentityCheckingContext(ssl.SSLContext):
    """A client's context whose handshakes fail if the server's identity is not `server_identity`. None: any server."""

    server_identity: str | None = None

    @property
    def sslobject_class(self) -> type[ssl.SSLObject]:  # type: ignore[override]  # the base class has an attribute
        return _CheckedSSLObject

    @property
    def sslsocket_class(self) -> type[ssl.SSLSocket]:  # type: ignore[override]  # the same
        return _CheckedSSLSocket


class _CheckedSSLObject(ssl.SSLObject):
    """A connection whose handshake fails if the server has another identity than expected."""

    def do_handshake(self) -> None:
        with _counted():
            super().do_handshake()
            _check_identity(self)


class _CheckedSSLSocket(ssl.SSLSocket):
    """The same for a socket that waits."""

    def do_handshake(self, block: bool = False) -> None:  # noqa: FBT001, FBT002 - the signature of the standard library
        with _counted():
            super().do_handshake(block)
            _check_identity(self)


@contextmanager
def _counted() -> Iterator[None]:
    """Count a handshake of a client that fails."""
    try:
        yield
    except (ssl.SSLWantReadError, ssl.SSLWantWriteError):
        raise  # the handshake continues when more data has arrived
    except ssl.SSLError as error:
        failure = tls_failure(error)
        COUNTS.as_client[HANDSHAKE if failure is None else failure.code] += 1
        raise


def _check_identity(connection: ssl.SSLObject | ssl.SSLSocket) -> None:
    context = connection.context
    expected = context.server_identity if isinstance(context, IdentityCheckingContext) else None
    if expected is not None and ((peer := peer_of(connection)) is None or peer.identity != expected):
        raise ServerIdentityError(f"the server is {peer.identity if peer else 'unknown'}, not {expected}")


class _LoggedSSLObject(ssl.SSLObject):
    """A connection of a server. A failed handshake is logged, because the application never hears of it."""

    def do_handshake(self) -> None:
        try:
            super().do_handshake()
        except (ssl.SSLWantReadError, ssl.SSLWantWriteError):
            raise  # the handshake continues when more data has arrived
        except ssl.SSLError as error:
            _log.info("TLS handshake with a client failed", reason=error.reason or str(error))
            COUNTS.as_server[error.reason or "UNKNOWN"] += 1
            raise


def _harden(context: ssl.SSLContext) -> None:
    context.minimum_version = ssl.TLSVersion.TLSv1_2
    context.set_ciphers(_CIPHERS)
    context.options |= ssl.OP_NO_RENEGOTIATION


def _load(context: ssl.SSLContext, files: TlsFiles) -> None:
    """Load the files. They were checked just before, but may have changed since then."""
    try:
        context.load_verify_locations(files.authorities)
        context.load_cert_chain(files.certificate, files.key, lambda: "")
    except (OSError, ValueError) as error:
        raise UnusableTlsFile("certificate", f"{files.certificate} changed while it was read") from error
