"""The use cases of administrators: grant and revoke roles, disable and enable users (bank §2.23).

Each change has its entry in the audit log, in the same database transaction. Nobody changes their own roles: an
administrator cannot give themself a role, and at least the acting administrator remains.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from servicekit.errors import Forbidden
from subgraphs.auth.audit_log.entry import Action, Actor, Outcome, Subject
from subgraphs.auth.domain import PERMISSIONS, Operation
from subgraphs.auth.sessions.session_service import revoke_ended_sessions

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable
    from datetime import datetime

    from bank.identity import Caller
    from bank.revocation import RevocationList
    from subgraphs.auth.audit_log.entry import NewEntry
    from subgraphs.auth.audit_log.writing import AuditLog
    from subgraphs.auth.domain import Role, User
    from subgraphs.auth.store.protocol import AuthStore

_OWN: Final = "OWN_USER"


@dataclass(frozen=True, slots=True)
class UnknownUser:
    """No user has the id."""


@dataclass(frozen=True, slots=True)
class OwnUser:
    """The caller wanted to change themself."""


class Administration:
    """The use cases of administrators.

    Every method returns the changed user, or why nothing was changed.

    Every method raises Forbidden if the caller is not an administrator, and Unavailable if the store does not respond.
    """

    def __init__(
        self, store: AuthStore, revocations: RevocationList, audit: AuditLog, clock: Callable[[], datetime]
    ) -> None:
        self._store = store
        self._revocations = revocations
        self._audit = audit
        self._clock = clock

    async def grant_role(self, caller: Caller, user_id: str, role: Role) -> User | UnknownUser | OwnUser:
        """Give the user a role, from the next access token on."""
        return await self._change(
            caller, user_id, Action.ROLE_GRANTED, lambda entry: self._store.grant(user_id, role, audit=entry), role
        )

    async def revoke_role(self, caller: Caller, user_id: str, role: Role) -> User | UnknownUser | OwnUser:
        """Take a role from the user. The user's sessions end immediately, because their tokens contain the role."""
        return await self._change(
            caller,
            user_id,
            Action.ROLE_REVOKED,
            lambda entry: self._store.revoke_role(user_id, role, self._clock(), audit=entry),
            role,
        )

    async def disable_user(self, caller: Caller, user_id: str) -> User | UnknownUser | OwnUser:
        """Forbid the user to log in. The user's sessions end immediately."""
        return await self._change(
            caller,
            user_id,
            Action.USER_DISABLED,
            lambda entry: self._store.disable(user_id, self._clock(), audit=entry),
        )

    async def enable_user(self, caller: Caller, user_id: str) -> User | UnknownUser | OwnUser:
        """Allow a disabled user to log in again."""
        return await self._change(
            caller, user_id, Action.USER_ENABLED, lambda entry: self._store.enable(user_id, audit=entry)
        )

    async def _change(
        self,
        caller: Caller,
        user_id: str,
        action: Action,
        change: Callable[[NewEntry], Awaitable[None]],
        role: Role | None = None,
    ) -> User | UnknownUser | OwnUser:
        """Check the caller, run `change` with its entry of the audit log, and revoke the sessions that it ended."""
        if not PERMISSIONS[Operation.CHANGE_USERS].allows_staff(caller):
            raise Forbidden("Only administrators change users")
        actor, subject = Actor.user(caller.user_id), Subject.user(user_id)
        details = {} if role is None else {"role": role.value}
        if user_id == caller.user_id:
            refused = self._audit.entry(
                actor, action, subject, outcome=Outcome.REFUSED, details={**details, "reason": _OWN}
            )
            await self._store.audit_log.append(refused)
            return OwnUser()
        if not await self._store.users([user_id]):
            return UnknownUser()
        await change(self._audit.entry(actor, action, subject, details=details))
        await revoke_ended_sessions(self._store, self._revocations, self._clock(), user_id)
        return (await self._store.users([user_id]))[user_id]
