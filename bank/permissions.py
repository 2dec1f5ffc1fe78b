"""Permissions: who may do what with whose data. Each service has a table of them in `domain.py` (bank §2.2).

A row is about one operation. It says whether the owner of the data may do it, and which roles of staff may do it with
the data of others:

```python
PERMISSIONS: Final[Mapping[Operation, Permission]] = {
    Operation.READ: Permission(owner=True, staff=ALL_STAFF),
    Operation.DEBIT: Permission(owner=True),
}
```

This module is pure: it has no I/O and reads no clock.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final, Protocol

from bank.identity import ADMIN, SUPPORT

ALL_STAFF: Final = frozenset({SUPPORT, ADMIN})


class Actor(Protocol):
    """The person whose permissions are checked.

    This is the `bank.identity.Caller` of a request. If a service acts on behalf of a person, it is this person.
    """

    @property
    def user_id(self) -> str: ...

    @property
    def roles(self) -> frozenset[str]: ...


@dataclass(frozen=True, slots=True)
class Permission:
    """Who may do one operation.

    Attributes:
        owner: whether the owner of the data may do it, whichever roles the owner has.
        staff: the roles that may do it with the data of others.
    """

    owner: bool = False
    staff: frozenset[str] = frozenset()

    def allows(self, actor: Actor, owner_id: str | None) -> bool:
        """Whether `actor` may do the operation with data of the user `owner_id` (None for data without an owner)."""
        if owner_id is not None and owner_id == actor.user_id:
            return self.owner
        return self.allows_staff(actor)

    def allows_staff(self, actor: Actor) -> bool:
        """Whether the roles of `actor` allow the operation with the data of every other person."""
        return bool(self.staff & actor.roles)
