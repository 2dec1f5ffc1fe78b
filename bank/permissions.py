"""Permissions: who may do what with whose data. Each service has a table of permissions in `domain.py` (bank §2.2).

Each row is for one operation. It says whether the owner of the data may do the operation, and which staff roles may do
the operation with other people's data:

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

    For a request of a person, this is the `bank.identity.Caller`. If a service acts on behalf of a person, the actor is
    that person and not the service.
    """

    @property
    def user_id(self) -> str: ...

    @property
    def roles(self) -> frozenset[str]: ...


@dataclass(frozen=True, slots=True)
class Permission:
    """Who may do one operation.

    Attributes:
        owner: whether the owner of the data may do the operation. The owner's roles do not matter.
        staff: the roles that may do the operation with other people's data.
    """

    owner: bool = False
    staff: frozenset[str] = frozenset()

    def allows(self, actor: Actor, owner_id: str | None) -> bool:
        """Whether `actor` may do the operation with data of the user `owner_id` (None for data without an owner)."""
        if owner_id is not None and owner_id == actor.user_id:
            return self.owner
        return self.allows_staff(actor)

    def allows_staff(self, actor: Actor) -> bool:
        """Whether `actor` has a role that may do the operation with other people's data."""
        return bool(self.staff & actor.roles)
