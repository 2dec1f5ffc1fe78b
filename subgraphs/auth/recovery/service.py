"""The use cases of passwords and e-mail addresses: change, reset and verify them (docs/identity.md).

This module knows nothing of GraphQL and of HTTP. As in `subgraphs.auth.identity_service`, a refusal is a return value.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Final, NamedTuple

from bank.identity import STRONG_ACR_VALUES
from servicekit.errors import BadUserInput, Unauthenticated
from servicekit.finish_despite_cancellation import to_the_end
from subgraphs.auth import tokens
from subgraphs.auth.action_limits import Action
from subgraphs.auth.domain import MAX_EMAIL_LENGTH, MAX_NAME_LENGTH, InvalidField, email_key, parse_email
from subgraphs.auth.identity_service import (
    FieldProblem,
    GuardedPasswords,
    TakenEmail,
    WeakChoice,
)
from subgraphs.auth.mail.letters import Mail, MailKind
from subgraphs.auth.password_rules import check_length, weakness
from subgraphs.auth.recovery.links import Purpose
from subgraphs.auth.recovery.store import PasswordChange
from subgraphs.auth.sessions.session_service import revoke_ended_sessions
from subgraphs.auth.store.protocol import EmailExists
from subgraphs.kit.step_up import RequiredLogin

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence
    from datetime import datetime, timedelta

    from bank.identity import Caller
    from bank.revocation import RevocationList
    from subgraphs.auth.action_limits import ActionLimits
    from subgraphs.auth.attempts import Origin
    from subgraphs.auth.domain import User
    from subgraphs.auth.mail.delivery import MailQueue
    from subgraphs.auth.mail.outbox import QueuedMail
    from subgraphs.auth.store.protocol import AuthStore, Credentials
    from subgraphs.kit.store_factory import Clock

# The links that `verify_email` accepts: for the address of the registration, and for a new address.
_VERIFYING: Final = (Purpose.VERIFY_EMAIL, Purpose.CHANGE_EMAIL)


class WrongPassword(NamedTuple):
    """The current password is wrong."""


class InvalidLink(NamedTuple):
    """The link is unknown, has expired, was used before, or became invalid."""


class AlreadyVerified(NamedTuple):
    """The address of the user is verified."""


@dataclass(frozen=True, slots=True)
class Changed:
    """The password or the address of `user` changed at `at`."""

    user: User
    at: datetime


@dataclass(frozen=True, slots=True)
class RecoveryParts:
    """What the use cases work with."""

    store: AuthStore
    passwords: GuardedPasswords
    limits: ActionLimits
    mails: MailQueue
    revocations: RevocationList
    clock: Clock
    step_up_max_age: timedelta


class RecoveryService:
    """The use cases.

    All methods raise RateLimited when a client tries something too often, and Unavailable when the store does not
    respond or too many passwords wait to be hashed.
    """

    def __init__(self, parts: RecoveryParts) -> None:
        self._store = parts.store
        self._recovery = parts.store.recovery
        self._passwords = parts.passwords
        self._limits = parts.limits
        self._mails = parts.mails
        self._revocations = parts.revocations
        self._clock = parts.clock
        self._required = RequiredLogin(STRONG_ACR_VALUES, int(parts.step_up_max_age.total_seconds()))

    async def change_password(
        self, caller: Caller, current: str, new: str, *, end_others: bool, origin: Origin
    ) -> Changed | WrongPassword | WeakChoice | RequiredLogin:
        """Replace the caller's password. With `end_others`, all sessions of the user but the caller's end.

        A wrong current password counts as a failed login.

        Raises:
            BadUserInput: the new password is too long, or is not Unicode text.
            Unauthenticated: the caller does not exist any more, or is disabled.
        """
        _check_field("newPassword", lambda: check_length(new))
        known = await self._proven(caller, current, origin)
        if isinstance(known, WrongPassword | RequiredLogin):
            return known
        weak = await self._weakness(known.user, new, origin)
        if weak is not None:
            return weak
        encoded = await self._passwords.hasher.hash(new)
        kept_session = caller.session_id if end_others else None
        return await to_the_end(self._store_change(known, encoded, kept_session))

    async def _store_change(
        self, known: Credentials, encoded: str, kept_session: str | None
    ) -> Changed | WrongPassword:
        now = self._clock()
        change = PasswordChange(known.user.id, known.password_hash, encoded, kept_session)
        if not await self._recovery.change_password(
            change, now, self._mails.notice(MailKind.PASSWORD_CHANGED, known.user.email)
        ):
            return WrongPassword()
        self._mails.wake()
        if kept_session is not None:
            await revoke_ended_sessions(self._store, self._revocations, now, known.user.id)
        return Changed(known.user, now)

    async def request_password_reset(self, email: str, origin: Origin) -> None:
        """Send a link to the user with this address, if there is one.

        The request does the same work for every address: it stores a mail. Whether there is such a user is decided
        when the mail is sent (`subgraphs.auth.recovery.preparations`).

        Raises:
            BadUserInput: this is not an e-mail address.
        """
        address = _parsed("email", email)
        await self._limits.count(Action.RESET, origin, email_key(address))
        await self._mails.add(_with_token(MailKind.PASSWORD_RESET, address))

    async def reset_password(self, token: str, new: str, origin: Origin) -> Changed | InvalidLink | WeakChoice:
        """Use a link for a new password. All sessions of the user end.

        Raises:
            BadUserInput: the new password is too long, or is not Unicode text.
        """
        _check_field("newPassword", lambda: check_length(new))
        await self._limits.count(Action.LINK, origin)
        digest = tokens.digest(token)
        found = await self._recovery.find(digest, (Purpose.RESET_PASSWORD,), self._clock())
        if found is None:
            return InvalidLink()
        weak = await self._weakness(found.user, new, origin)
        if weak is not None:
            return weak
        encoded = await self._passwords.hasher.hash(new)
        return await to_the_end(self._store_reset(digest, encoded, found.user))

    async def _store_reset(self, digest: bytes, encoded: str, user: User) -> Changed | InvalidLink:
        now = self._clock()
        notices = self._mails.notice(MailKind.PASSWORD_CHANGED, user.email)
        changed = await self._recovery.reset_password(digest, encoded, now, notices)
        if changed is None:  # used by another request, or the password was changed in the meantime
            return InvalidLink()
        self._mails.wake()
        await revoke_ended_sessions(self._store, self._revocations, now, user.id)
        return Changed(changed, now)

    def welcome(self, user: User) -> Sequence[QueuedMail]:
        """Return the mails to a new user, which are stored together with the user."""
        return [self._mails.sealed(_with_token(MailKind.EMAIL_VERIFICATION, user.email, user_id=user.id))]

    def send_now(self) -> None:
        """Send the mails of `welcome`, which are stored now."""
        self._mails.wake()

    async def request_email_verification(self, caller: Caller, origin: Origin) -> User | AlreadyVerified:
        """Send another link to the caller's address.

        Raises:
            Unauthenticated: the caller does not exist any more.
        """
        user = await self._user(caller)
        if user.email_verified_at is not None:
            return AlreadyVerified()
        await self._limits.count(Action.RESET, origin, email_key(user.email))
        await self._mails.add(_with_token(MailKind.EMAIL_VERIFICATION, user.email, user_id=user.id))
        return user

    async def change_email(
        self, caller: Caller, current: str, new_email: str, origin: Origin
    ) -> str | WrongPassword | TakenEmail | RequiredLogin:
        """Send a link to the new address of the caller. The address changes when the link is used.

        Returns:
            The new address in its normal form, or why it is refused. That another user has an address is no secret,
            because a registration with this address says so, too.

        Raises:
            BadUserInput: this is not an e-mail address.
            Unauthenticated: the caller does not exist any more, or is disabled.
        """
        address = _parsed("newEmail", new_email)
        known = await self._proven(caller, current, origin)
        if isinstance(known, WrongPassword | RequiredLogin):
            return known
        await self._limits.count(Action.RESET, origin, email_key(address))
        owner = await self._store.credentials(address)
        if owner is not None and owner.user.id != known.user.id:
            return TakenEmail()
        mail = _with_token(MailKind.EMAIL_CHANGE, address, user_id=known.user.id, email=known.user.email)
        await self._mails.add(mail)
        return address

    async def verify_email(self, token: str, origin: Origin) -> Changed | InvalidLink | TakenEmail:
        """Use a link that verifies an address. A link for a new address also replaces the old one, which gets a notice.

        If another user has taken the new address in the meantime, return TakenEmail.
        """
        await self._limits.count(Action.LINK, origin)
        digest, now = tokens.digest(token), self._clock()
        found = await self._recovery.find(digest, _VERIFYING, now)
        if found is None:
            return InvalidLink()
        if found.link.purpose is Purpose.VERIFY_EMAIL:
            changed = await self._recovery.verify_email(digest, now)
        else:
            try:
                notices = self._mails.notice(MailKind.EMAIL_CHANGED, found.user.email)
                changed = await self._recovery.change_email(digest, now, notices)
            except EmailExists:
                return TakenEmail()
            self._mails.wake()
        return InvalidLink() if changed is None else Changed(changed, now)

    async def link_is_valid(self, token: str, purposes: Sequence[Purpose], origin: Origin) -> bool:
        """Whether a link could be used now, for the page to which it leads."""
        await self._limits.count(Action.LINK, origin)
        return await self._recovery.find(tokens.digest(token), purposes, self._clock()) is not None

    async def _user(self, caller: Caller) -> User:
        user = (await self._store.users([caller.user_id])).get(caller.user_id)
        if user is None or user.disabled_at is not None:
            raise Unauthenticated
        return user

    async def _proven(
        self, caller: Caller, password: str, origin: Origin
    ) -> Credentials | WrongPassword | RequiredLogin:
        """Return the caller's credentials after a new proof of the identity (OWASP ASVS 5.0, 7.5.1).

        This needs the password, and a recent second factor if the user has one. The limits are those of a login.
        """
        user = await self._user(caller)
        is_met = self._required.is_met(caller, self._clock())
        if not is_met and (await self._store.second_factors.factors(user.id)).is_enrolled:
            return self._required
        attempt = await self._passwords.limits.begin_login(email_key(user.email), origin)
        async with attempt.given_back_unless_counted():
            known = await self._store.credentials(user.email)
            if known is None or known.user.id != user.id:
                raise Unauthenticated
            matches = await self._passwords.hasher.verify(password, known.password_hash)
        if not matches:
            return WrongPassword()
        await attempt.give_back()
        return known

    async def _weakness(self, user: User, password: str, origin: Origin) -> WeakChoice | None:
        """Return why the password is refused. This takes CPU time, so it is limited."""
        await self._passwords.limits.count_password_choice(origin)
        context = {"email": user.email[:MAX_EMAIL_LENGTH], "name": user.name[:MAX_NAME_LENGTH]}
        reason = await self._passwords.hasher.run(lambda: weakness(password, **context))
        return None if reason is None else WeakChoice(reason)


def _with_token(kind: MailKind, recipient: str, **facts: str) -> Mail:
    """Return a mail with a new token. The token is valid only after the preparation of the mail."""
    return Mail(kind, recipient, {**facts, "token": tokens.new_secret_token()})


def _parsed(field: str, email: str) -> str:
    _check_field(field, lambda: parse_email(email))
    return parse_email(email)


def _check_field(field: str, check: Callable[[], object]) -> None:
    """Run `check`, and report a field that is not valid.

    Raises:
        BadUserInput: names the field.
    """
    try:
        check()
    except InvalidField as error:
        problem = FieldProblem(path=["input", field], code=error.code, message=error.message)
        raise BadUserInput(details={"fields": [problem]}) from None
