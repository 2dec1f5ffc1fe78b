"""The mutations of administrators in GraphQL (bank §2.23)."""

from __future__ import annotations

from typing import Annotated

import strawberry

from servicekit.finish_despite_cancellation import to_the_end
from subgraphs.auth import domain
from subgraphs.auth.administration.administration import OwnUser, UnknownUser
from subgraphs.auth.graphql_user import Info, Role, User, present
from subgraphs.kit.graphql_problems import Problem

_SCOPES = domain.scopes(domain.Operation.CHANGE_USERS)


@strawberry.type(description="The user was changed.")
class UserChangeSuccess:
    user: User = strawberry.field(description="The user after the change.")


@strawberry.type(description="No user has this id.")
class InvalidUser(Problem):
    user_id: strawberry.ID = strawberry.field(description="The id, as the caller gave it.")


@strawberry.type(description="Administrators cannot change themselves; another administrator can.")
class OwnUserProtected(Problem):
    pass


UserChangeResult = Annotated[
    UserChangeSuccess | InvalidUser | OwnUserProtected,
    strawberry.union("UserChangeResult", description="The changed user, or why nothing was changed."),
]


@strawberry.input(description="A role of a user.")
class UserRoleInput:
    user_id: strawberry.ID = strawberry.field(description="The id of the user.")
    role: Role = strawberry.field(description="The role.")


@strawberry.input(description="A user.")
class UserInput:
    user_id: strawberry.ID = strawberry.field(description="The id of the user.")


RoleInput = Annotated[UserRoleInput, strawberry.argument(description="The user and the role.")]
ChangedUser = Annotated[UserInput, strawberry.argument(description="The user.")]


async def _grant_role(info: Info, input: RoleInput) -> UserChangeResult:  # noqa: A002 - the schema's name
    context, role = info.context, domain.Role(input.role.name)
    return _result(input.user_id, await context.administration.grant_role(context.caller, input.user_id, role))


async def _revoke_role(info: Info, input: RoleInput) -> UserChangeResult:  # noqa: A002 - as above
    context, role = info.context, domain.Role(input.role.name)
    # After the change, the ended sessions are revoked. A client that closes its connection must not prevent this.
    changed = await to_the_end(context.administration.revoke_role(context.caller, input.user_id, role))
    return _result(input.user_id, changed)


async def _disable_user(info: Info, input: ChangedUser) -> UserChangeResult:  # noqa: A002 - as above
    context = info.context
    changed = await to_the_end(context.administration.disable_user(context.caller, input.user_id))
    return _result(input.user_id, changed)


async def _enable_user(info: Info, input: ChangedUser) -> UserChangeResult:  # noqa: A002 - as above
    context = info.context
    return _result(input.user_id, await context.administration.enable_user(context.caller, input.user_id))


def _result(user_id: str, changed: domain.User | UnknownUser | OwnUser) -> UserChangeResult:
    match changed:
        case UnknownUser():
            return InvalidUser(code="INVALID_USER", message="User not found", user_id=strawberry.ID(user_id))
        case OwnUser():
            return OwnUserProtected(
                code="OWN_USER_PROTECTED", message="You cannot change yourself; another administrator can"
            )
    return UserChangeSuccess(user=present(changed, private=True))


@strawberry.type
class AdministrationMutations:
    grant_role: UserChangeResult | None = strawberry.federation.field(
        resolver=_grant_role,
        requires_scopes=_SCOPES,
        description="Give a user one more role, from the next access token on; only for administrators.",
    )
    revoke_role: UserChangeResult | None = strawberry.federation.field(
        resolver=_revoke_role,
        requires_scopes=_SCOPES,
        description="Take a role from a user and end the user's sessions at once; only for administrators.",
    )
    disable_user: UserChangeResult | None = strawberry.federation.field(
        resolver=_disable_user,
        requires_scopes=_SCOPES,
        description="Forbid a user to log in and end the user's sessions at once; only for administrators.",
    )
    enable_user: UserChangeResult | None = strawberry.federation.field(
        resolver=_enable_user,
        requires_scopes=_SCOPES,
        description="Allow a disabled user to log in again; only for administrators.",
    )
