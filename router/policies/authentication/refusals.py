"""Why a request has no identity: its credential is not valid, or the credential cannot be checked now."""

from __future__ import annotations

from typing import Final

from router.errors import Refused

CODE: Final = "UNAUTHENTICATED"
UNAVAILABLE_CODE: Final = "AUTHENTICATION_UNAVAILABLE"


class CredentialRefused(Exception):
    """The credential of a request is not valid. `reason` is only for logs: clients get the same response for all."""

    def __init__(self, reason: str) -> None:
        super().__init__(reason)
        self.reason = reason


class CredentialUndecided(Exception):
    """It is not known now whether the credential is valid, for example because no signing keys could be fetched."""


def invalid_credential() -> Refused:
    """Return the refusal of a request whose credential is not valid (RFC 6750 §3.1). It never has a reason."""
    return _unauthenticated("The credential is not valid.", 'Bearer error="invalid_token"')


def missing_credential() -> Refused:
    """Return the refusal of a request without a credential (RFC 6750 §3)."""
    return _unauthenticated("This server requires a credential.", "Bearer")


def undecided_credential() -> Refused:
    """Return the refusal of a request whose credential cannot be checked now."""
    return Refused(
        "Credentials cannot be checked right now.",
        code=UNAVAILABLE_CODE,
        status=503,
        headers=(("retry-after", "1"),),
    )


def _unauthenticated(message: str, challenge: str) -> Refused:
    return Refused(message, code=CODE, status=401, headers=(("www-authenticate", challenge),))
