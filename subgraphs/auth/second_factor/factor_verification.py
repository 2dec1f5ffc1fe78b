"""Judges the proofs that a user gives with a second factor: a code, a recovery code or the signature of a passkey."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import structlog

from servicekit.errors import ConfigurationError, Unavailable
from subgraphs.auth.authentication import Authentication, Method
from subgraphs.auth.second_factor import recovery_codes, totp
from subgraphs.auth.second_factor.challenges import passkey_challenge
from subgraphs.auth.second_factor.factors import UsedCode, UsedRecoveryCode
from subgraphs.auth.second_factor.passkeys import InvalidPasskey, credential_id_of

if TYPE_CHECKING:
    from datetime import datetime

    from subgraphs.auth.sealing import Sealer
    from subgraphs.auth.second_factor.factors import Factors, Passkey, Proof
    from subgraphs.auth.second_factor.passkeys import RelyingParty

_log = structlog.stdlib.get_logger("second factor")


@dataclass(frozen=True, slots=True)
class GivenProof:
    """What a client sends; exactly one attribute is set.

    Attributes:
        code: of an authenticator app.
        assertion: the JSON of the browser's answer, signed by a passkey.
    """

    code: str | None = None
    recovery_code: str | None = None
    assertion: str | None = None


@dataclass(frozen=True, slots=True)
class VerifiedProof:
    """A right proof, which the store has not accepted yet, and what it says about the user."""

    proof: Proof
    authentication: Authentication


class FactorVerification:
    """Verifies proofs. It reads no store: `SecondFactorStore.accept` decides whether a proof was used before.

    `relying_party` is None if passkeys are not available. `totp_tolerance` is that of `totp.matching_step`.
    """

    def __init__(self, sealer: Sealer, relying_party: RelyingParty | None, totp_tolerance: int = 0) -> None:
        self._sealer = sealer
        self.relying_party = relying_party
        self._totp_tolerance = totp_tolerance

    def verify(
        self, given: GivenProof, user_id: str, factors: Factors, token: str, now: datetime
    ) -> VerifiedProof | None:
        """Return the verified proof of a user; None if it is wrong.

        `token` is that of the challenge, for which a passkey has signed.

        Raises:
            Unavailable: the secret of the authenticator app was sealed with another `AUTH_JWT_SECRET`.
        """
        if given.code is not None:
            return self._code(given.code, user_id, factors, now)
        if given.recovery_code is not None:
            digest = recovery_codes.digest(user_id, given.recovery_code)
            since = factors.enrolled_at
            if since is None:
                return None
            return VerifiedProof(UsedRecoveryCode(user_id, digest), _shown(Method.CODE, now, since))
        return self._assertion(given.assertion or "", factors, token, now)

    def _code(self, code: str, user_id: str, factors: Factors, now: datetime) -> VerifiedProof | None:
        app = factors.totp
        if app is None:
            return None
        step = self.matching_step(app.sealed_secret, user_id, code, now)
        if step is None or step <= app.last_step:
            return None
        return VerifiedProof(UsedCode(user_id, step), _shown(Method.CODE, now, app.enrolled_at))

    def _assertion(self, assertion: str, factors: Factors, token: str, now: datetime) -> VerifiedProof | None:
        try:
            credential_id = credential_id_of(assertion)
        except InvalidPasskey:
            return None
        passkey = next((each for each in factors.passkeys if each.credential_id == credential_id), None)
        return None if passkey is None else self.verify_passkey(assertion, passkey, token, now)

    def verify_passkey(self, assertion: str, passkey: Passkey, token: str, now: datetime) -> VerifiedProof | None:
        """Return the proof in a signature of `passkey`; None if it is wrong."""
        if self.relying_party is None:
            return None
        try:
            used = self.relying_party.used(assertion, passkey_challenge(token), passkey, now)
        except InvalidPasskey as error:
            _log.warning("passkey refused", user_id=passkey.user_id, reason=str(error))
            return None
        return VerifiedProof(used, _shown(Method.PASSKEY, now, passkey.enrolled_at))

    def matching_step(self, sealed_secret: bytes, user_id: str, code: str, now: datetime) -> int | None:
        """Return the step of a code of a user's authenticator app (`totp.matching_step`).

        Raises:
            Unavailable: as `open_secret`.
        """
        return totp.matching_step(self.open_secret(sealed_secret, user_id), code, now, self._totp_tolerance)

    def seal_secret(self, secret: str, user_id: str) -> bytes:
        """Return the secret of an authenticator app as it is stored."""
        return self._sealer.seal(secret.encode(), bound_to=user_id.encode())

    def open_secret(self, sealed: bytes, user_id: str) -> str:
        """Return the secret in a text of `seal_secret`.

        Raises:
            Unavailable: it was sealed with another `AUTH_JWT_SECRET`, or for another user.
        """
        try:
            return self._sealer.open(sealed, bound_to=user_id.encode()).decode()
        except ConfigurationError as error:
            _log.error("the secret of an authenticator app was sealed with another AUTH_JWT_SECRET", user_id=user_id)
            raise Unavailable from error


def _shown(method: Method, now: datetime, since: datetime) -> Authentication:
    return Authentication(frozenset({method}), now, factor_enrolled_at=since)
