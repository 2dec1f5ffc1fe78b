"""The second step of a login, logins with a passkey alone, and the step-up of a session.

Every proof is counted by the limits of logins until it is accepted. Its challenge allows a few attempts, and the store
accepts each proof once, whoever sends it at the same time.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Final

from subgraphs.auth.authentication import Authentication, Method
from subgraphs.auth.domain import email_key
from subgraphs.auth.second_factor import challenges
from subgraphs.auth.second_factor.challenges import Challenge, Purpose, passkey_challenge, password_fingerprint
from subgraphs.auth.second_factor.factors import Factors, UsedRecoveryCode
from subgraphs.auth.second_factor.notices import FactorChange, notice
from subgraphs.auth.second_factor.passkeys import InvalidPasskey, credential_id_of, user_id_of

if TYPE_CHECKING:
    from collections.abc import Sequence
    from datetime import datetime

    from bank.identity import Caller
    from subgraphs.auth.attempts import Origin
    from subgraphs.auth.domain import User
    from subgraphs.auth.second_factor.factor_verification import GivenProof, VerifiedProof
    from subgraphs.auth.second_factor.factors import FactorKind, Passkey
    from subgraphs.auth.second_factor.parts import FactorParts
    from subgraphs.auth.store.protocol import Credentials

_PASSWORD: Final = frozenset({Method.PASSWORD})


@dataclass(frozen=True, slots=True)
class LoginChallenge:
    """The password was right, and the login needs a second factor.

    Attributes:
        passkey_options: the JSON for `navigator.credentials.get`; None if the user has no passkey.
    """

    token: str
    kinds: tuple[FactorKind, ...]
    passkey_options: str | None
    expires_at: datetime


@dataclass(frozen=True, slots=True)
class PasskeyChallenge:
    """A passkey shall sign. `options` is the JSON for `navigator.credentials.get`."""

    token: str
    options: str
    expires_at: datetime


@dataclass(frozen=True, slots=True)
class Identified:
    """A user who has given a second factor or a passkey, and the proof of the whole login."""

    user: User
    authentication: Authentication


@dataclass(frozen=True, slots=True)
class InvalidProof:
    """The proof is wrong, or was used before.

    Attributes:
        again: the challenge of the login, for another attempt; None for proofs without such a challenge.
    """

    again: LoginChallenge | None = None


class InvalidChallenge:
    """The challenge is unknown, expired or used up, or the password has changed since."""


class PasskeysUnavailable:
    """The bank has no domain for passkeys, or the user has no passkey."""


class SecondFactorLogin:
    """The use cases of logging in with second factors, and of proving the identity again."""

    def __init__(self, parts: FactorParts) -> None:
        self._store = parts.store
        self._factors = parts.store.second_factors
        self._verification = parts.verification
        self._limits = parts.limits
        self._mails = parts.mails
        self._clocks = parts.clocks

    async def begin(self, known: Credentials) -> LoginChallenge | None:
        """Return the challenge of a login whose password was right; None if the user has no second factor."""
        factors = await self._factors.factors(known.user.id) if known.has_second_factor else Factors()
        if not factors.is_enrolled:
            return None
        bound_to = password_fingerprint(known.password_hash)
        token, challenge = await self._challenge(Purpose.LOGIN, known.user.id, bound_to)
        return self._login_challenge(token, challenge, factors)

    def _login_challenge(self, token: str, challenge: Challenge, factors: Factors) -> LoginChallenge:
        options = self._options(token, factors.passkeys) if factors.passkeys else None
        return LoginChallenge(token, factors.kinds, options, challenge.expires_at)

    async def begin_with_passkey(self, origin: Origin) -> PasskeyChallenge | PasskeysUnavailable:
        """Return the challenge of a login with a passkey alone.

        Raises:
            RateLimited: too many such logins from this address.
        """
        await self._limits.count_passkey_login(origin)
        return await self._passkey_challenge(Purpose.PASSKEY_LOGIN, None, "", ())

    async def complete(
        self, token: str, given: GivenProof, origin: Origin
    ) -> Identified | InvalidProof | InvalidChallenge:
        """Return the user of a login whose second step was right.

        Raises:
            RateLimited: too many failed logins of this account or from this address.
        """
        wanted = [Purpose.LOGIN, *([Purpose.PASSKEY_LOGIN] if given.assertion is not None else [])]
        challenge = await self._factors.take_attempt(challenges.digest(token), wanted, self._clocks.now())
        if challenge is None:
            return InvalidChallenge()
        if challenge.user_id is None:
            return await self._complete_with_passkey(challenge, token, given.assertion or "")
        user = await self._user(challenge.user_id)
        known = None if user is None else await self._store.credentials(user.email)
        if user is None or known is None or password_fingerprint(known.password_hash) != challenge.bound_to:
            return InvalidChallenge()
        verified = await self._accepted(user, given, token, challenge.digest, origin)
        if verified is None:
            factors = await self._factors.factors(user.id)
            return InvalidProof(again=self._login_challenge(token, challenge, factors))
        proof = verified.authentication
        return Identified(user, replace(proof, methods=proof.methods | _PASSWORD))

    async def _complete_with_passkey(
        self, challenge: Challenge, token: str, assertion: str
    ) -> Identified | InvalidProof:
        try:
            passkey = await self._factors.passkey(credential_id_of(assertion))
            named = user_id_of(assertion)
        except InvalidPasskey:
            return InvalidProof()
        # A passkey that logs a user in names this user (step 6 of verifying an assertion in WebAuthn).
        if passkey is None or named != passkey.user_id:
            return InvalidProof()
        verified = self._verification.verify_passkey(assertion, passkey, token, self._clocks.now())
        user = await self._user(passkey.user_id)
        if verified is None or user is None or not await self._factors.accept(verified.proof, challenge.digest):
            return InvalidProof()
        return Identified(user, verified.authentication)

    async def begin_step_up(self, caller: Caller) -> PasskeyChallenge | PasskeysUnavailable:
        """Return a challenge for the caller's passkeys."""
        factors = await self._factors.factors(caller.user_id)
        if not factors.passkeys:
            return PasskeysUnavailable()
        return await self._passkey_challenge(Purpose.STEP_UP, caller.user_id, caller.session_id, factors.passkeys)

    async def verify_again(
        self, caller: Caller, given: GivenProof, token: str, origin: Origin
    ) -> Authentication | InvalidProof | InvalidChallenge:
        """Return the caller's new proof. `token` is that of `begin_step_up` for a passkey, and else empty.

        Raises:
            RateLimited: as `complete`.
        """
        digest = None
        if given.assertion is not None:
            now = self._clocks.now()
            challenge = await self._factors.take_attempt(challenges.digest(token), [Purpose.STEP_UP], now)
            if challenge is None or (challenge.user_id, challenge.bound_to) != (caller.user_id, caller.session_id):
                return InvalidChallenge()
            digest = challenge.digest
        user = await self._user(caller.user_id)
        verified = None if user is None else await self._accepted(user, given, token, digest, origin)
        return InvalidProof() if verified is None else verified.authentication

    async def _accepted(
        self, user: User, given: GivenProof, token: str, digest: bytes | None, origin: Origin
    ) -> VerifiedProof | None:
        """Verify a proof within the limits of the account, and use it up together with its challenge."""
        attempt = await self._limits.begin_second_factor(email_key(user.email), origin, is_code=given.code is not None)
        factors = await self._factors.factors(user.id)
        verified = self._verification.verify(given, user.id, factors, token, self._clocks.now())
        used_code = verified is not None and isinstance(verified.proof, UsedRecoveryCode)
        mails = notice(self._mails, user, FactorChange.CODE_USED) if used_code else ()
        if verified is None or not await self._factors.accept(verified.proof, digest, mails):
            return None
        if mails:
            self._mails.wake()
        await attempt.give_back()
        return verified

    async def _passkey_challenge(
        self, purpose: Purpose, user_id: str | None, bound_to: str, allowed: Sequence[Passkey]
    ) -> PasskeyChallenge | PasskeysUnavailable:
        if self._verification.relying_party is None:
            return PasskeysUnavailable()
        token, challenge = await self._challenge(purpose, user_id, bound_to)
        return PasskeyChallenge(token, self._options(token, allowed) or "", challenge.expires_at)

    def _options(self, token: str, allowed: Sequence[Passkey]) -> str | None:
        party = self._verification.relying_party
        return None if party is None else party.assertion_options(passkey_challenge(token), allowed)

    async def _challenge(self, purpose: Purpose, user_id: str | None, bound_to: str) -> tuple[str, Challenge]:
        now = self._clocks.now()
        token, challenge = Challenge.begin(purpose, user_id, bound_to, now)
        await self._factors.add_challenge(challenge, min(now, self._clocks.for_deletion()))
        return token, challenge

    async def _user(self, user_id: str) -> User | None:
        """Return a user who may log in."""
        user = (await self._store.users([user_id])).get(user_id)
        return None if user is None or user.disabled_at is not None else user
