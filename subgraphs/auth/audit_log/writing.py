"""The audit log in use: makes entries with the time and the key, and verifies the whole chain."""

from __future__ import annotations

import getpass
from dataclasses import dataclass, replace
from types import MappingProxyType
from typing import TYPE_CHECKING, Final

from bank import values
from servicekit import client_address
from subgraphs.auth.audit_log.entry import (
    MAX_TEXT,
    Actor,
    ActorKind,
    Entry,
    NewEntry,
    Outcome,
    StoredEntry,
    Subject,
)
from subgraphs.auth.audit_log.protocol import SORT_KEY_WIDTH
from subgraphs.kit.connections import CursorCodec
from subgraphs.kit.hash_chain import Link, check_key, first_broken

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping
    from datetime import datetime

    from subgraphs.auth.audit_log.entry import Action
    from subgraphs.auth.audit_log.protocol import AuditLogStore
    from subgraphs.auth.settings import AuthSettings
    from subgraphs.auth.store.protocol import AuthStore
    from subgraphs.kit.hash_chain import ChainKey

COMMAND_LINE: Final = "command line"
_BATCH: Final = 1000
_NONE: Final[Mapping[str, str]] = MappingProxyType({})


@dataclass(frozen=True, slots=True)
class Verification:
    """The result of a check of the whole log.

    Attributes:
        entries: how many entries are right, from the first on.
        last: the link of the last of them.
        broken: the first entry whose position or hash is wrong; None if all are right.
    """

    entries: int
    last: Link
    broken: StoredEntry | None


class AuditLog:
    """Makes entries for operations, appends them, and verifies the log."""

    def __init__(self, store: AuditLogStore, key: ChainKey, clock: Callable[[], datetime]) -> None:
        self.store: Final = store
        self._key = key
        self._clock = clock
        self.cursors: Final = CursorCodec(key.derive("audit log cursors"), width=SORT_KEY_WIDTH)

    def entry(
        self,
        actor: Actor,
        action: str,
        subject: Subject,
        *,
        outcome: Outcome = Outcome.DONE,
        details: Mapping[str, str] = _NONE,
    ) -> NewEntry:
        """Return an entry with the present time and the network of the current request.

        A store method appends it in the transaction of its change.

        Args:
            actor: who does it.
            action: what is done, usually an `Action`.
            subject: to whom or what.
            outcome: the result of the operation.
            details: further facts, such as the role.
        """
        origin = client_address.coarse_network(client_address.current().client)
        return NewEntry(self._key, Entry(self._clock(), actor, action, subject, outcome, origin, _short(details)))

    def later(self, requested: Entry, outcome: str, details: Mapping[str, str]) -> NewEntry:
        """Return an entry with the outcome of an operation whose entry `requested` is in the log."""
        all_details = _short({**requested.details, **details})
        return NewEntry(self._key, replace(requested, at=self._clock(), outcome=outcome, details=all_details))

    def by_operator(self, action: Action, subject: Subject, **details: str) -> NewEntry:
        """Return an entry for a command that an operator runs."""
        operator = Actor(ActorKind.OPERATOR, getpass.getuser()[:MAX_TEXT])
        entry = Entry(self._clock(), operator, action, subject, Outcome.DONE, COMMAND_LINE, details)
        return NewEntry(self._key, entry)

    async def verify(self) -> Verification:
        """Check the hash of each entry, from the first to the last."""
        last = Link()
        while batch := await self.store.entries_after(last.position, _BATCH):
            broken, last = first_broken(self._key, batch, last)
            if broken is not None:
                return Verification(last.position, last, broken)
        return Verification(last.position, last, None)

    async def hash_at(self, position: int) -> bytes | None:
        """Return the hash of the entry at `position`, or None if there is none."""
        found = await self.store.entries_after(position - 1, 1)
        return next((stored.link.hash for stored in found if stored.link.position == position), None)


def _short(details: Mapping[str, str]) -> dict[str, str]:
    return {name: value[:MAX_TEXT] for name, value in details.items()}


async def open_audit_log(
    settings: AuthSettings, store: AuthStore, clock: Callable[[], datetime] = values.now
) -> AuditLog:
    """Return the audit log in the database of `store`.

    Raises:
        StartupError: the entries were chained with another key, or the key cannot be read or created.
        Unavailable: the store does not respond.
    """
    key = settings.audit_chain_key()
    known = await store.audit_log.keep_key(key.id)
    check_key([known], key, "the audit log", "AUTH_AUDIT_KEY", "secrets/audit.key")
    return AuditLog(store.audit_log, key, clock)
