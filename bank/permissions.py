"""Who may do what with whose data: the rows of the tables in each service's `domain.py` (bank §2.2). Pure.

A row says for one operation whether the owner of the data may do it, and which roles of staff may do it with the data
of others:

```python
PERMISSIONS: Final[Mapping[Operation, Permission]] = {
    Operation.READ: Permission(owner=True, staff=ALL_STAFF),
    Operation.DEBIT: Permission(owner=True),
}
```
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final, Protocol

from bank.identity import ADMIN, SUPPORT

ALL_STAFF: Final = frozenset({SUPPORT, ADMIN})


class Actor(Protocol):
    """Who acts: `bank.identity.Caller`, or the person on whose behalf a service acts."""

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
        """Whether `actor` may do it with data of `owner_id`; None is data that nobody owns."""
        if owner_id is not None and owner_id == actor.user_id:
            return self.owner
        return self.allows_staff(actor)

    def allows_staff(self, actor: Actor) -> bool:
        """Whether the roles of `actor` allow it with everybody else's data."""
        return bool(self.staff & actor.roles)
