"""Why a TLS connection could not be opened: a stable code for logs and counters, and a human-readable sentence.

| code | when |
|---|---|
| TLS_HOSTNAME_MISMATCH | the server's certificate is for another host |
| TLS_CERTIFICATE_EXPIRED | the server's certificate has expired, or is not valid yet |
| TLS_UNKNOWN_AUTHORITY | the server's certificate comes from an authority that the client does not trust |
| TLS_WRONG_IDENTITY | the server is another process than the one that is called |
| TLS_CLIENT_REFUSED | the server refused the client's certificate, or got none |
| TLS_HANDSHAKE_FAILED | anything else: for example, the server does not speak TLS |
"""

from __future__ import annotations

import ssl
from collections import Counter
from typing import TYPE_CHECKING, Final

import msgspec

if TYPE_CHECKING:
    from collections.abc import Mapping

HOSTNAME: Final = "TLS_HOSTNAME_MISMATCH"
EXPIRED: Final = "TLS_CERTIFICATE_EXPIRED"
AUTHORITY: Final = "TLS_UNKNOWN_AUTHORITY"
IDENTITY: Final = "TLS_WRONG_IDENTITY"
REFUSED: Final = "TLS_CLIENT_REFUSED"
HANDSHAKE: Final = "TLS_HANDSHAKE_FAILED"

# The codes of OpenSSL (X509_V_ERR_*, `x509_vfy.h`).
_VERIFY_CODES: Final[Mapping[int, str]] = {
    2: AUTHORITY,  # unable to get the issuer's certificate
    9: EXPIRED,  # not yet valid
    10: EXPIRED,
    18: AUTHORITY,  # a self-signed certificate
    19: AUTHORITY,  # a self-signed certificate in the chain
    20: AUTHORITY,  # unable to get the local issuer's certificate
    21: AUTHORITY,  # unable to verify the first certificate
    62: HOSTNAME,
    64: HOSTNAME,  # the address differs
}
_SENTENCES: Final[Mapping[str, str]] = {
    HOSTNAME: "the certificate of the server is for another host",
    EXPIRED: "the certificate of the server has expired or is not valid yet",
    AUTHORITY: "the certificate of the server comes from an authority that is not trusted",
    REFUSED: "the server refused the certificate of this process",
    HANDSHAKE: "the TLS handshake failed",
}


# In TLS 1.3, a client finishes its handshake before the server has verified the client's certificate (RFC 8446 §2).
CLOSED_AT_ONCE: Final = "if a new connection is closed at once, the server may refuse the certificate of this process"


class ServerIdentityError(ssl.SSLCertVerificationError):
    """The server has a trusted certificate, but is another process than the one that the client wants to call."""


class TlsFailure(msgspec.Struct, frozen=True):
    """A code of the table above, and a sentence with the reason of the TLS library."""

    code: str
    message: str

    def __str__(self) -> str:
        return f"{self.code}: {self.message}"


def tls_failure(error: BaseException) -> TlsFailure | None:
    """Return why a connection could not be opened; None if `error` does not come from TLS."""
    if isinstance(error, ServerIdentityError):
        return TlsFailure(IDENTITY, str(error.args[0]))
    if isinstance(error, ssl.SSLCertVerificationError):
        code = _VERIFY_CODES.get(getattr(error, "verify_code", -1), HANDSHAKE)
        return TlsFailure(code, f"{_SENTENCES[code]} ({getattr(error, 'verify_message', '') or error})")
    if isinstance(error, ssl.SSLError):
        reason = error.reason or str(error)
        code = REFUSED if "ALERT" in reason else HANDSHAKE
        return TlsFailure(code, f"{_SENTENCES[code]} ({reason})")
    return None


class HandshakeCounts:
    """How many handshakes of this process have failed since its start.

    Attributes:
        as_client: by the codes of the table above.
        as_server: by the reason of OpenSSL, such as `PEER_DID_NOT_RETURN_A_CERTIFICATE`.
    """

    def __init__(self) -> None:
        self.as_client: Counter[str] = Counter()
        self.as_server: Counter[str] = Counter()

    def details(self) -> Mapping[str, Mapping[str, int]]:
        """Return what `/health/ready` shows; nothing if no handshake has failed."""
        named = {"asClient": dict(self.as_client), "asServer": dict(self.as_server)}
        return {name: counts for name, counts in named.items() if counts}


# There is one for the process, because a context of TLS may be used by any library, which does not report its failures.
COUNTS: Final = HandshakeCounts()
