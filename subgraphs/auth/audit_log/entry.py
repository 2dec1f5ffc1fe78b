"""The entries of the audit log: who did what, to whom, when, from where, and with which outcome (bank §2.22).

An entry has ids and never a secret or an e-mail address, because the log is kept longer than the data of a user:

```python
entry = log.entry(Actor.user(caller.user_id), Action.ROLE_GRANTED, Subject.user(user_id), details={"role": "SUPPORT"})
await store.grant(user_id, Role.SUPPORT, audit=entry)  # the change and its entry are one database transaction
```

This module is pure: it has no I/O and reads no clock.
"""

from __future__ import annotations

import json
from dataclasses import dataclass
from enum import StrEnum
from typing import TYPE_CHECKING, Final

from subgraphs.kit.times import to_milliseconds

if TYPE_CHECKING:
    from collections.abc import Mapping
    from datetime import datetime

    from subgraphs.kit.hash_chain import ChainKey, Link

MAX_TEXT: Final = 200
"""The longest id or detail of an entry, in characters. Ids and codes of the bank are shorter."""


class ActorKind(StrEnum):
    USER = "USER"
    """A user with an access token; the id is the user's id."""
    OPERATOR = "OPERATOR"
    """Somebody who ran a command; the id is the account of the operating system."""


class SubjectKind(StrEnum):
    USER = "USER"
    SESSION = "SESSION"
    SIGNING_KEY = "SIGNING_KEY"
    API_KEY = "API_KEY"
    CLIENT = "CLIENT"
    """An OAuth client."""
    INVITATION = "INVITATION"
    """An initial access token, with which a client registers itself; the id is the digest of the token."""
    ACCOUNT = "ACCOUNT"
    TRANSACTION = "TRANSACTION"


class Action(StrEnum):
    """What this service did. A new action is a new member here; a store has the texts.

    What other services do is in `bank.staff_operations.AuditAction`.
    """

    USER_CREATED = "USER_CREATED"
    USER_DISABLED = "USER_DISABLED"
    USER_ENABLED = "USER_ENABLED"
    SESSIONS_ENDED = "SESSIONS_ENDED"
    FACTORS_RESET = "FACTORS_RESET"
    ROLE_GRANTED = "ROLE_GRANTED"
    ROLE_REVOKED = "ROLE_REVOKED"
    SIGNING_KEYS_ROTATED = "SIGNING_KEYS_ROTATED"
    SIGNING_KEY_RETIRED = "SIGNING_KEY_RETIRED"
    SECRETS_RESEALED = "SECRETS_RESEALED"
    API_KEY_CREATED = "API_KEY_CREATED"
    API_KEY_ROTATED = "API_KEY_ROTATED"
    API_KEY_REVOKED = "API_KEY_REVOKED"
    CLIENT_CREATED = "CLIENT_CREATED"
    CLIENT_INVITED = "CLIENT_INVITED"
    CLIENT_SECRET_ROTATED = "CLIENT_SECRET_ROTATED"  # noqa: S105 - the name of an action, not a secret
    CLIENT_REMOVED = "CLIENT_REMOVED"


class Outcome(StrEnum):
    DONE = "DONE"
    REFUSED = "REFUSED"
    """The operation changed nothing; the detail `reason` has the code of the refusal."""
    REQUESTED = "REQUESTED"
    """Another service is about to do the operation; another entry with the same detail `operation` has the outcome."""
    UNKNOWN = "UNKNOWN"
    """The process of the other service died, and it cannot be found out whether the operation was done."""


@dataclass(frozen=True, slots=True)
class Actor:
    """Who does something. `kind` is usually an `ActorKind`; a newer release may have written another text."""

    kind: str
    id: str

    @classmethod
    def user(cls, user_id: str) -> Actor:
        return cls(ActorKind.USER, user_id)


@dataclass(frozen=True, slots=True)
class Subject:
    """What an action is about. `kind` is usually a `SubjectKind`."""

    kind: str
    id: str

    @classmethod
    def user(cls, user_id: str) -> Subject:
        return cls(SubjectKind.USER, user_id)


@dataclass(frozen=True, slots=True)
class Entry:
    """What an entry says.

    Attributes:
        at: UTC, milliseconds.
        action: usually the text of an `Action`; a newer release may have written another text.
        subject: what the action is about.
        outcome: usually an `Outcome`.
        origin: the network of the request or `command line`; None if it is unknown.
        details: further facts of the action, such as the role.
    """

    at: datetime
    actor: Actor
    action: str
    subject: Subject
    outcome: str
    origin: str | None
    details: Mapping[str, str]

    def hashed(self) -> list[object]:
        return [
            to_milliseconds(self.at),
            self.actor.kind,
            self.actor.id,
            self.action,
            self.subject.kind,
            self.subject.id,
            self.outcome,
            self.origin,
            sorted(self.details.items()),
        ]


@dataclass(frozen=True, slots=True)
class NewEntry:
    """An entry to append. The store knows its position, and computes its hash with `key`."""

    key: ChainKey
    entry: Entry

    def after(self, last: Link) -> Link:
        """Return the link of this entry; `last` is the link of the last entry in the log."""
        return self.key.next(last, self.entry)


@dataclass(frozen=True, slots=True)
class StoredEntry:
    """An entry with its position and its hash in the store."""

    link: Link
    entry: Entry


def parse_details(text: str) -> Mapping[str, str]:
    """Return the details in a store's JSON text.

    Somebody may have changed the text in the database. Then the result differs from the details that were hashed.
    """
    try:
        details = json.loads(text)
    except ValueError:
        return {"": text}
    return details if isinstance(details, dict) else {"": text}
