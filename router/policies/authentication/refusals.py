"""The exceptions and refusals for a request whose credential is missing, not valid, or cannot be checked now."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from router.errors import Refused

if TYPE_CHECKING:
    from collections.abc import Sequence

CODE: Final = "UNAUTHENTICATED"
UNAVAILABLE_CODE: Final = "AUTHENTICATION_UNAVAILABLE"


class CredentialRefused(Exception):
    """The credential of a request is not valid.

    `reason` is only for logs. The response to the client is the same for every reason.
    """

    def __init__(self, reason: str) -> None:
        super().__init__(reason)
        self.reason = reason


class ProofRefused(CredentialRefused):
    """The access token is bound to a key, and the request has no valid proof that the client has this key.

    Subgraphs cannot check proofs. So such a request is refused even if invalid credentials are ignored.
    """


class NonceMissing(Exception):
    """The proof of a request has no recent nonce. The client must make another proof, with `nonce`."""

    def __init__(self, nonce: str) -> None:
        super().__init__("the proof has no recent nonce")
        self.nonce = nonce


class CredentialUndecided(Exception):
    """The credential cannot be checked now, for example because the issuer's keys cannot be fetched."""


class Challenges:
    """Makes the headers `WWW-Authenticate` of refusals (RFC 9110 §11.6.1): one for each scheme that is accepted.

    `proof_algorithms` are the signature algorithms of proofs; empty if DPoP is off. With `bearer=False`, a token needs
    a proof.
    """

    def __init__(self, proof_algorithms: Sequence[str] = (), *, bearer: bool = True) -> None:
        self._bearer = bearer
        self._algorithms = " ".join(proof_algorithms)

    def invalid_credential(self) -> Refused:
        """Return the refusal of a request whose credential is not valid (RFC 6750 §3.1, RFC 9449 §7.1).

        The refusal does not say why the credential is not valid.
        """
        return _unauthenticated("The credential is not valid.", self._headers('error="invalid_token"'))

    def missing_credential(self) -> Refused:
        """Return the refusal of a request without a credential (RFC 6750 §3)."""
        return _unauthenticated("This server requires a credential.", self._headers())

    def missing_nonce(self, nonce: str) -> Refused:
        """Return the refusal of a proof without a recent nonce (RFC 9449 §9). The client may try again with `nonce`."""
        headers = (("www-authenticate", self._dpop('error="use_dpop_nonce"')), ("dpop-nonce", nonce))
        return _unauthenticated("The proof needs the nonce of this response.", headers)

    def _headers(self, error: str = "") -> tuple[tuple[str, str], ...]:
        values = [f"Bearer {error}".rstrip()] if self._bearer else []
        if self._algorithms:
            values.append(self._dpop(error))
        return tuple(("www-authenticate", value) for value in values)

    def _dpop(self, error: str) -> str:
        return "DPoP " + ", ".join(filter(None, (error, f'algs="{self._algorithms}"')))


def undecided_credential() -> Refused:
    """Return the refusal of a request whose credential cannot be checked now."""
    return Refused(
        "Credentials cannot be checked right now.",
        code=UNAVAILABLE_CODE,
        status=503,
        headers=(("retry-after", "1"),),
    )


def _unauthenticated(message: str, headers: tuple[tuple[str, str], ...]) -> Refused:
    return Refused(message, code=CODE, status=401, headers=headers)
