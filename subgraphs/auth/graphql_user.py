"""The GraphQL type `User`, and which of its fields a caller sees (bank §2.2)."""

from __future__ import annotations

from collections.abc import Mapping  # noqa: TC003 - strawberry reads annotations at run time
from datetime import datetime  # noqa: TC003 - as above
from enum import Enum
from typing import TYPE_CHECKING

import strawberry
from strawberry import UNSET
from strawberry.federation.schema_directives import Key
from strawberry.federation.types import FieldSet

from bank.scopes import EMAIL, PROFILE
from servicekit.errors import Forbidden
from subgraphs.auth import domain
from subgraphs.auth.context import AuthContext
from subgraphs.auth.graphql_sessions import UserSession, sessions_of_user
from subgraphs.kit import descriptions
from subgraphs.kit.connections import PAGED, After, Before, Connection, First, Last
from subgraphs.kit.schema import text_of

if TYPE_CHECKING:
    from bank.identity import Caller

Info = strawberry.Info[AuthContext, None]


@strawberry.enum(description="A role of a user.")
class Role(Enum):
    CUSTOMER = strawberry.enum_value("CUSTOMER", description="Owns accounts and moves their money.")
    SUPPORT = strawberry.enum_value("SUPPORT", description="Reads all data, freezes accounts, reviews transactions.")
    ADMIN = strawberry.enum_value("ADMIN", description="May do all that SUPPORT may; also sets roles, limits and keys.")


def _own(user: User, scope: str | None = None) -> domain.User:
    """Return the data of `user`. The caller must be this user, staff, or an application of this user with `scope`.

    Raises:
        Forbidden: the caller is somebody else. Without `scope`, no application is allowed.
    """
    if not user.private and scope not in user.shared:
        raise Forbidden("Only the user and the bank's staff may see this")
    return user.data


def _email(root: strawberry.Parent[User]) -> str | None:
    return _own(root, EMAIL).email


def _email_verified(root: strawberry.Parent[User]) -> bool | None:
    return _own(root, EMAIL).email_verified_at is not None


def _roles(root: strawberry.Parent[User]) -> list[Role] | None:
    return [Role(role.value) for role in sorted(_own(root, PROFILE).roles)]


def _created_at(root: strawberry.Parent[User]) -> datetime | None:
    return _own(root, PROFILE).created_at


def _disabled_at(root: strawberry.Parent[User]) -> datetime | None:
    return _own(root).disabled_at


async def _user_sessions(  # noqa: PLR0913, PLR0917 - the arguments of a Relay connection
    root: strawberry.Parent[User],
    info: Info,
    first: First = UNSET,
    after: After = UNSET,
    last: Last = UNSET,
    before: Before = UNSET,
) -> Connection[UserSession] | None:
    return await sessions_of_user(info, root.data.id, first, after, last, before)


@strawberry.federation.type(
    keys=[Key(fields=FieldSet("id"))],
    description=descriptions.USER,
)
class User:
    id: strawberry.ID = strawberry.field(description="UUIDv7, never reused.")
    name: str = strawberry.federation.field(tags=["pii"], description="The name that other customers see.")
    email: str | None = strawberry.federation.field(
        resolver=_email, tags=["pii"], description="The e-mail address of the login; only the user and staff see it."
    )
    email_verified: bool | None = strawberry.field(
        resolver=_email_verified,
        description="Whether the user has confirmed the e-mail address by a link; only the user and staff see it.",
    )
    roles: list[Role] | None = strawberry.field(
        resolver=_roles, description="The roles of the user; only the user and staff see them."
    )
    created_at: datetime | None = strawberry.field(
        resolver=_created_at, description="The time of the registration; only the user and staff see it."
    )
    disabled_at: datetime | None = strawberry.field(
        resolver=_disabled_at,
        description="When the user was disabled; null if the user may log in. Only the user and staff see it.",
    )
    sessions: Connection[UserSession] | None = strawberry.field(
        resolver=_user_sessions,
        directives=[PAGED],
        description="The sessions of the user that can be used, the newest first; only the user sees them.",
    )
    data: strawberry.Private[domain.User]
    private: strawberry.Private[bool]
    shared: strawberry.Private[frozenset[str]] = frozenset()

    @classmethod
    async def resolve_reference(cls, info: Info, representation: Mapping[str, object]) -> User | None:
        """Return the user that a representation names, with the fields that the caller may see."""
        caller = info.context.caller
        user = await info.context.users.load(text_of(representation, "id"))
        return None if user is None else present_to(caller, user)


def present(user: domain.User, *, private: bool) -> User:
    """Return the GraphQL object of `user`. If `private`, it has the fields that only the user and staff may see."""
    return User(id=strawberry.ID(user.id), name=user.name, data=user, private=private)


def present_to(caller: Caller, user: domain.User) -> User:
    """Return the GraphQL object of `user` with the fields that `caller` may see.

    An application sees only what its scopes name, and only of the user who gave it the token, unless it acts as staff.
    """
    private = domain.PERMISSIONS[domain.Operation.READ].allows(caller, user.id)
    presented = present(user, private=private and not caller.is_delegated)
    if private and caller.is_delegated:
        presented.shared = caller.scopes
    return presented
