"""The exceptions and refusals for a request whose credential is missing, not valid, or cannot be checked now."""

from __future__ import annotations

from typing import Final

from router.errors import Refused

CODE: Final = "UNAUTHENTICATED"
UNAVAILABLE_CODE: Final = "AUTHENTICATION_UNAVAILABLE"


class CredentialRefused(Exception):
    """The credential of a request is not valid.

    `reason` is only for logs. The response to the client is the same for every reason.
    """

    def __init__(self, reason: str) -> None:
        super().__init__(reason)
        self.reason = reason


class CredentialUndecided(Exception):
    """The credential cannot be checked now, for example because the issuer's keys cannot be fetched."""


def invalid_credential() -> Refused:
    """Return the refusal of a request whose credential is not valid (RFC 6750 §3.1).

    The refusal does not say why the credential is not valid.
    """
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
