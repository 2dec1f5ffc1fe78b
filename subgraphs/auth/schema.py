"""The GraphQL schema of the auth service: thin types over :mod:`subgraphs.auth.service`."""

from __future__ import annotations

from collections.abc import Mapping  # noqa: TC003 - strawberry reads annotations at run time
from datetime import datetime  # noqa: TC003 - as above
from enum import Enum
from typing import Annotated, Final, Union

import strawberry
from strawberry.federation.schema_directives import Cost, Key
from strawberry.federation.types import FieldSet

from servicekit.errors import Forbidden, Unauthenticated
from subgraphs.auth import domain  # noqa: TC001 - as above
from subgraphs.auth.context import AuthContext
from subgraphs.auth.passwords import MIN_LENGTH
from subgraphs.auth.service import SignedIn, TakenEmail, WeakChoice
from subgraphs.kit import descriptions
from subgraphs.kit.problems import Problem
from subgraphs.kit.schema import SubgraphSchema, create_schema, text_of

Info = strawberry.Info[AuthContext, None]

# A password hash takes some 25 ms of a core, hundreds of times what a field of a loaded row takes.
PASSWORD_COST: Final = 100


@strawberry.enum(description="What a user may do.")
class Role(Enum):
    CUSTOMER = strawberry.enum_value("CUSTOMER", description="Owns accounts and moves own money.")
    SUPPORT = strawberry.enum_value("SUPPORT", description="Reads all data, freezes accounts, reviews transactions.")
    ADMIN = strawberry.enum_value("ADMIN", description="As SUPPORT; also sets roles, limits and keys.")


def _own(user: User) -> domain.User:
    """The data behind ``user``, for fields that only its owner and staff may see."""
    if not user.private:
        raise Forbidden("Only the user and the bank's staff may see this")
    return user.data


def _email(root: strawberry.Parent[User]) -> str | None:
    return _own(root).email


def _roles(root: strawberry.Parent[User]) -> list[Role] | None:
    return [Role(role.value) for role in sorted(_own(root).roles)]


def _created_at(root: strawberry.Parent[User]) -> datetime | None:
    return _own(root).created_at


@strawberry.federation.type(
    keys=[Key(fields=FieldSet("id"))],
    description=descriptions.USER,
)
class User:
    id: strawberry.ID = strawberry.field(description="UUIDv7, never reused.")
    name: str = strawberry.federation.field(tags=["pii"], description="As other customers see it.")
    email: str | None = strawberry.federation.field(
        resolver=_email, tags=["pii"], description="The address to log in with; for the user and staff."
    )
    roles: list[Role] | None = strawberry.field(
        resolver=_roles, description="What the user may do; for the user and staff."
    )
    created_at: datetime | None = strawberry.field(
        resolver=_created_at, description="When the user registered; for the user and staff."
    )
    data: strawberry.Private[domain.User]
    private: strawberry.Private[bool]

    @classmethod
    async def resolve_reference(cls, info: Info, representation: Mapping[str, object]) -> User | None:
        """The user that a representation names, as far as the caller may see it."""
        caller = info.context.caller
        user = await info.context.users.load(text_of(representation, "id"))
        return None if user is None else present(user, private=caller.may_see(user.id))


def present(user: domain.User, *, private: bool) -> User:
    """``user`` for a reader who may, or may not, see the private fields."""
    return User(id=strawberry.ID(user.id), name=user.name, data=user, private=private)


@strawberry.type(description="What a client needs to act for a user.")
class Session:
    user: User = strawberry.field(description="Who logged in.")
    access_token: str = strawberry.field(description="Send it as `Authorization: Bearer`; opaque to clients.")
    refresh_token: str = strawberry.field(description="Exchange it, once, for the next pair of tokens.")
    token_type: str = strawberry.field(description="Always `Bearer`.")
    expires_in: int = strawberry.field(description="Seconds until the access token expires.")


@strawberry.type(description="The session is over; none of its tokens works any more.")
class LogoutSuccess:
    logged_out_at: datetime = strawberry.field(description="When the session ended.")


@strawberry.type(description="The e-mail belongs to another user.")
class EmailTaken(Problem):
    pass


@strawberry.type(description="The password is too easy to guess.")
class WeakPassword(Problem):
    minimum_length: int = strawberry.field(description="How many characters a password needs at least.")


@strawberry.type(description="E-mail and password do not belong together.")
class InvalidCredentials(Problem):
    pass


@strawberry.type(description="The refresh token is unknown, expired, or was exchanged before.")
class InvalidToken(Problem):
    pass


RegisterResult = Annotated[
    Session | EmailTaken | WeakPassword,
    strawberry.union("RegisterResult", description="The first session of a new user, or why there is none."),
]
LoginResult = Annotated[
    Session | InvalidCredentials,
    strawberry.union("LoginResult", description="A new session, or why there is none."),
]
RefreshResult = Annotated[
    Session | InvalidToken,
    strawberry.union("RefreshResult", description="The session with its next pair of tokens, or why it ends."),
]
LogoutResult = Annotated[
    Union[LogoutSuccess],  # noqa: UP007 - a union of one: later refusals will not break clients
    strawberry.union("LogoutResult", description="The end of the session."),
]


@strawberry.input(description="Who wants to become a customer.")
class RegisterInput:
    email: str = strawberry.field(description="An e-mail address; unique whatever its case.")
    password: str = strawberry.field(description="8 to 256 characters, any of them, and not a common one.")
    name: str = strawberry.field(description="1 to 100 characters; other customers see it.")


@strawberry.input(description="Who wants to log in.")
class LoginInput:
    email: str = strawberry.field(description="The address given at registration; its case does not matter.")
    password: str = strawberry.field(description="The user's password.")


@strawberry.input(description="How a session is carried on.")
class RefreshInput:
    refresh_token: str = strawberry.field(description="The session's latest refresh token.")


async def _me(info: Info) -> User | None:
    user = await info.context.users.load(info.context.caller.user_id)
    if user is None:
        raise Unauthenticated
    return present(user, private=True)


@strawberry.type(description=descriptions.QUERY)
class Query:
    me: User | None = strawberry.field(resolver=_me, description="The user behind the access token.")


def _session(signed_in: SignedIn) -> Session:
    return Session(
        user=present(signed_in.user, private=True),
        access_token=signed_in.access.text,
        refresh_token=signed_in.refresh_token,
        token_type="Bearer",  # noqa: S106 - the name of the scheme, not a secret
        expires_in=signed_in.access.expires_in,
    )


async def _register(
    info: Info,
    input: Annotated[RegisterInput, strawberry.argument(description="The new customer.")],  # noqa: A002 - the schema's name
) -> RegisterResult:
    outcome = await info.context.identity.register(email=input.email, password=input.password, name=input.name)
    match outcome:
        case SignedIn():
            return _session(outcome)
        case TakenEmail():
            return EmailTaken(code="EMAIL_TAKEN", message="This e-mail address is already registered")
        case WeakChoice(reason):
            return WeakPassword(code="WEAK_PASSWORD", message=reason, minimum_length=MIN_LENGTH)


async def _login(
    info: Info,
    input: Annotated[LoginInput, strawberry.argument(description="The credentials.")],  # noqa: A002 - the schema's name
) -> LoginResult:
    signed_in = await info.context.identity.login(email=input.email, password=input.password)
    if signed_in is None:
        return InvalidCredentials(code="INVALID_CREDENTIALS", message="E-mail or password is wrong")
    return _session(signed_in)


async def _refresh(
    info: Info,
    input: Annotated[RefreshInput, strawberry.argument(description="The token.")],  # noqa: A002 - the schema's name
) -> RefreshResult:
    signed_in = await info.context.identity.refresh(input.refresh_token)
    if signed_in is None:
        return InvalidToken(code="INVALID_TOKEN", message="The refresh token is not valid; log in again")
    return _session(signed_in)


async def _logout(info: Info) -> LogoutResult:
    return LogoutSuccess(logged_out_at=await info.context.identity.logout(info.context.caller))


@strawberry.type(description=descriptions.MUTATION)
class Mutation:
    register: RegisterResult | None = strawberry.field(
        resolver=_register, directives=[Cost(weight=PASSWORD_COST)], description="Become a customer, logged in."
    )
    login: LoginResult | None = strawberry.field(
        resolver=_login, directives=[Cost(weight=PASSWORD_COST)], description="Begin a session."
    )
    refresh: RefreshResult | None = strawberry.field(
        resolver=_refresh, description="Exchange a refresh token; one used twice ends its session."
    )
    logout: LogoutResult | None = strawberry.field(
        resolver=_logout, description="End the session of the access token, at once and everywhere."
    )


def build_schema() -> SubgraphSchema:
    return create_schema(query=Query, mutation=Mutation)


def sdl() -> str:
    """The subgraph's SDL, as ``router compose`` reads it."""
    return build_schema().as_str()
