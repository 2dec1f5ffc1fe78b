"""Adds and removes second factors.

A session that was stolen, or left open, must not suffice to add or remove a factor. So the user must have proved their
identity a short time before: with the password if there is no factor yet, and else with a factor.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

import structlog

from bank.identity import STRONG_ACR_VALUES
from bank.values import is_line
from servicekit.errors import Unauthenticated
from subgraphs.auth.authentication import Authentication, Method
from subgraphs.auth.domain import email_key
from subgraphs.auth.second_factor import challenges, recovery_codes, totp
from subgraphs.auth.second_factor.challenges import Challenge, Purpose, passkey_challenge
from subgraphs.auth.second_factor.factors import MAX_NAME_LENGTH, MAX_PASSKEYS, Factors, Passkey, Totp
from subgraphs.auth.second_factor.login import InvalidChallenge, InvalidProof, PasskeysUnavailable
from subgraphs.auth.second_factor.notices import FactorChange, notice
from subgraphs.auth.second_factor.passkeys import InvalidPasskey
from subgraphs.kit.step_up import RequiredLogin

if TYPE_CHECKING:
    from datetime import datetime, timedelta

    from bank.identity import Caller
    from subgraphs.auth.attempts import Origin
    from subgraphs.auth.domain import User
    from subgraphs.auth.second_factor.parts import FactorParts
    from subgraphs.auth.second_factor.passkeys import RelyingParty

_log = structlog.stdlib.get_logger("second factor")


@dataclass(frozen=True, slots=True)
class TotpBegun:
    """A secret to store in an authenticator app. It is enrolled when a code of it is confirmed."""

    token: str
    secret: str
    uri: str
    expires_at: datetime


@dataclass(frozen=True, slots=True)
class PasskeyBegun:
    """`options` is the JSON for `navigator.credentials.create`."""

    token: str
    options: str
    expires_at: datetime


@dataclass(frozen=True, slots=True)
class Enrolled:
    """A factor was added.

    Attributes:
        passkey: the new passkey; None for an authenticator app.
        recovery_codes: new codes, if this is the user's first factor; else empty.
    """

    passkey: Passkey | None
    recovery_codes: tuple[str, ...]


class TooManyPasskeys:
    """The user has `MAX_PASSKEYS` passkeys."""


class NoSuchFactor:
    """The user does not have this factor."""


class InvalidName:
    """The name of a passkey is empty, too long or not printable."""


class Enrolment:
    """The use cases of a user's own factors."""

    def __init__(self, parts: FactorParts, *, max_age: timedelta) -> None:
        self._store = parts.store
        self._factors = parts.store.second_factors
        self._verification = parts.verification
        self._limits = parts.limits
        self._mails = parts.mails
        self._clocks = parts.clocks
        self._max_age = max_age

    async def factors(self, caller: Caller) -> Factors:
        return await self._factors.factors(caller.user_id)

    async def begin_totp(self, caller: Caller) -> TotpBegun | RequiredLogin:
        """Return a new secret."""
        user, needed, _ = await self._checked(caller)
        if needed is not None:
            return needed
        secret = totp.new_secret()
        sealed = self._verification.seal_secret(secret, user.id)
        token, challenge = await self._challenge(Purpose.TOTP_ENROLMENT, caller, sealed)
        return TotpBegun(token, secret, totp.key_uri(secret, user.email), challenge.expires_at)

    async def confirm_totp(
        self, caller: Caller, token: str, code: str, origin: Origin
    ) -> Enrolled | InvalidProof | InvalidChallenge | RequiredLogin:
        """Enrol the authenticator app whose code is right. It replaces the present one.

        Raises:
            RateLimited: too many wrong codes.
        """
        user, needed, factors = await self._checked(caller)
        if needed is not None:
            return needed
        challenge = await self._taken(caller, token, Purpose.TOTP_ENROLMENT)
        if challenge is None:
            return InvalidChallenge()
        attempt = await self._limits.begin_second_factor(email_key(user.email), origin, is_code=True)
        now = self._clocks.now()
        step = self._verification.matching_step(challenge.sealed, user.id, code, now)
        if step is None:
            return InvalidProof()
        await attempt.give_back()
        app = Totp(challenge.sealed, now, step)
        plain = _codes_for(factors)
        digests = [recovery_codes.digest(user.id, each) for each in plain]
        mails = notice(self._mails, user, FactorChange.APP_ADDED)
        if not await self._factors.enrol_totp(challenge.digest, user.id, app, digests, mails):
            return InvalidChallenge()
        await self._enrolled(caller, Method.CODE, now)
        return Enrolled(None, plain)

    async def remove_totp(self, caller: Caller) -> NoSuchFactor | RequiredLogin | None:
        """Remove the authenticator app. Return None if it was removed."""
        user, needed, _ = await self._checked(caller)
        if needed is not None:
            return needed
        if not await self._factors.remove_totp(user.id, notice(self._mails, user, FactorChange.APP_REMOVED)):
            return NoSuchFactor()
        self._mails.wake()
        _log.info("second factor removed", user_id=user.id, kind="totp")
        return None

    async def begin_passkey(
        self, caller: Caller
    ) -> PasskeyBegun | RequiredLogin | TooManyPasskeys | PasskeysUnavailable:
        """Return the options with which the browser makes a new passkey."""
        checked = await self._checked_for_passkey(caller)
        if not isinstance(checked, tuple):
            return checked
        user, factors, party = checked
        token, challenge = await self._challenge(Purpose.PASSKEY_ENROLMENT, caller)
        options = party.registration_options(user, passkey_challenge(token), factors.passkeys)
        return PasskeyBegun(token, options, challenge.expires_at)

    async def add_passkey(
        self, caller: Caller, token: str, response: str, name: str
    ) -> (
        Enrolled | InvalidProof | InvalidChallenge | InvalidName | RequiredLogin | TooManyPasskeys | PasskeysUnavailable
    ):
        """Add the passkey in the browser's answer."""
        checked = await self._checked_for_passkey(caller)
        if not isinstance(checked, tuple):
            return checked
        user, factors, party = checked
        label = _label(name)
        if label is None:
            return InvalidName()
        challenge = await self._taken(caller, token, Purpose.PASSKEY_ENROLMENT)
        if challenge is None:
            return InvalidChallenge()
        now = self._clocks.now()
        plain = _codes_for(factors)
        digests = [recovery_codes.digest(user.id, each) for each in plain]
        try:
            passkey = party.registered(response, passkey_challenge(token), user.id, label, now)
        except InvalidPasskey as error:
            _log.warning("new passkey refused", user_id=user.id, reason=str(error))
            return InvalidProof()
        mails = notice(self._mails, user, FactorChange.PASSKEY_ADDED)
        if not await self._factors.enrol_passkey(challenge.digest, passkey, digests, mails):
            return InvalidProof()
        await self._enrolled(caller, Method.PASSKEY, now)
        return Enrolled(passkey, plain)

    async def rename_passkey(
        self, caller: Caller, credential_id: bytes, name: str
    ) -> Passkey | NoSuchFactor | InvalidName:
        label = _label(name)
        if label is None:
            return InvalidName()
        return await self._factors.rename_passkey(caller.user_id, credential_id, label) or NoSuchFactor()

    async def remove_passkey(self, caller: Caller, credential_id: bytes) -> NoSuchFactor | RequiredLogin | None:
        """Remove a passkey. Return None if it was removed."""
        user, needed, _ = await self._checked(caller)
        if needed is not None:
            return needed
        mails = notice(self._mails, user, FactorChange.PASSKEY_REMOVED)
        if not await self._factors.remove_passkey(user.id, credential_id, mails):
            return NoSuchFactor()
        self._mails.wake()
        _log.info("second factor removed", user_id=user.id, kind="passkey")
        return None

    async def renew_recovery_codes(self, caller: Caller) -> tuple[str, ...] | NoSuchFactor | RequiredLogin:
        """Return new recovery codes. The old ones are no longer valid."""
        user, needed, factors = await self._checked(caller)
        if needed is not None:
            return needed
        if not factors.is_enrolled:
            return NoSuchFactor()
        plain = tuple(recovery_codes.new_codes())
        digests = [recovery_codes.digest(user.id, each) for each in plain]
        mails = notice(self._mails, user, FactorChange.CODES_RENEWED)
        await self._factors.replace_recovery_codes(user.id, digests, mails)
        self._mails.wake()
        return plain

    async def _checked_for_passkey(
        self, caller: Caller
    ) -> tuple[User, Factors, RelyingParty] | RequiredLogin | TooManyPasskeys | PasskeysUnavailable:
        """Return what is needed to add a passkey, or why none can be added."""
        user, needed, factors = await self._checked(caller)
        if needed is not None:
            return needed
        if self._verification.relying_party is None:
            return PasskeysUnavailable()
        if len(factors.passkeys) >= MAX_PASSKEYS:
            return TooManyPasskeys()
        return user, factors, self._verification.relying_party

    async def _checked(self, caller: Caller) -> tuple[User, RequiredLogin | None, Factors]:
        """Return the caller, what the caller must prove first, and the caller's factors."""
        user = (await self._store.users([caller.user_id])).get(caller.user_id)
        if user is None:
            raise Unauthenticated
        factors = await self._factors.factors(user.id)
        return user, self._missing(caller, factors), factors

    def _missing(self, caller: Caller, factors: Factors) -> RequiredLogin | None:
        acr_values = STRONG_ACR_VALUES if factors.is_enrolled else ()
        required = RequiredLogin(acr_values, int(self._max_age.total_seconds()))
        return None if required.is_met(caller, self._clocks.now()) else required

    async def _challenge(self, purpose: Purpose, caller: Caller, sealed: bytes = b"") -> tuple[str, Challenge]:
        now = self._clocks.now()
        token, challenge = Challenge.begin(purpose, caller.user_id, caller.session_id, now)
        challenge = replace(challenge, sealed=sealed)
        await self._factors.add_challenge(challenge, min(now, self._clocks.for_deletion()))
        return token, challenge

    async def _taken(self, caller: Caller, token: str, purpose: Purpose) -> Challenge | None:
        challenge = await self._factors.take_attempt(challenges.digest(token), [purpose], self._clocks.now())
        if challenge is None or (challenge.user_id, challenge.bound_to) != (caller.user_id, caller.session_id):
            return None
        return challenge

    async def _enrolled(self, caller: Caller, method: Method, now: datetime) -> None:
        """Record in the session that the user has shown the new factor."""
        self._mails.wake()
        _log.info("second factor added", user_id=caller.user_id, kind=method)
        proof = Authentication(frozenset({method}), now, factor_enrolled_at=now)
        await self._store.renew_authentication(caller.session_id, proof, now)


def _codes_for(factors: Factors) -> tuple[str, ...]:
    """Return recovery codes for a user who adds the first factor."""
    return () if factors.is_enrolled else tuple(recovery_codes.new_codes())


def _label(name: str) -> str | None:
    label = name.strip()
    return label if 0 < len(label) <= MAX_NAME_LENGTH and is_line(label) else None
