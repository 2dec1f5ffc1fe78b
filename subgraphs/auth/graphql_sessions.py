"""The sessions of the caller in GraphQL: a list, names, and their end."""

from __future__ import annotations

from datetime import datetime  # noqa: TC003 - strawberry reads annotations at run time
from typing import TYPE_CHECKING, Annotated

import strawberry

from servicekit.errors import Forbidden
from servicekit.finish_despite_cancellation import to_the_end
from subgraphs.auth.context import AuthContext
from subgraphs.auth.sessions.session_list import sort_key
from subgraphs.kit.connections import Connection  # noqa: TC001 - strawberry reads annotations at run time
from subgraphs.kit.graphql_problems import Problem, StepUpRequired
from subgraphs.kit.step_up import RequiredLogin

if TYPE_CHECKING:
    from bank.identity import Caller
    from subgraphs.auth.sessions.session_list import ListedSession

Info = strawberry.Info[AuthContext, None]


@strawberry.type(description="An application that has a session, because the user has consented to its access.")
class SessionApplication:
    client_id: strawberry.ID = strawberry.field(description="The `client_id` of the application.")
    name: str = strawberry.field(description="The name with which the application is registered.")
    scopes: list[str] = strawberry.field(
        description="What the application may do, as the names of OAuth scopes, such as `bank:read`, sorted by name."
    )
    granted_at: datetime = strawberry.field(description="When the user consented.")


async def _application(root: strawberry.Parent[UserSession], info: Info) -> SessionApplication | None:
    found = await info.context.grants.load(root.id)
    if found is None:
        return None
    grant, client = found
    return SessionApplication(
        client_id=strawberry.ID(client.id), name=client.name, scopes=sorted(grant.scopes), granted_at=grant.granted_at
    )


@strawberry.type(description="A session of the caller: a login that can be used.")
class UserSession:
    id: strawberry.ID = strawberry.field(description="32 hex digits.")
    name: str | None = strawberry.field(
        description="The name that the user has given to the session; null without one."
    )
    device: str = strawberry.field(
        description="The browser and the system in a few words, such as `Firefox on Windows`."
    )
    network: str | None = strawberry.field(
        description="The network of the last use, not the exact address: /24 of IPv4, /48 of IPv6; null if unknown."
    )
    created_at: datetime = strawberry.field(description="When the user logged in.")
    last_used_at: datetime = strawberry.field(
        description="When the tokens of the session were refreshed last, exact to a minute."
    )
    expires_at: datetime = strawberry.field(description="When the session ends at the latest.")
    is_current: bool = strawberry.field(description="Whether the request has a token of this session.")
    application: SessionApplication | None = strawberry.field(
        resolver=_application,
        description="The application that has this session; null for a session of the user's own login.",
    )


@strawberry.type(description="The session has its new name.")
class RenameSessionSuccess:
    session: UserSession = strawberry.field(description="The session.")


@strawberry.type(description="The sessions have ended; their tokens are not valid any more.")
class EndSessionsSuccess:
    ended: int = strawberry.field(description="How many sessions have ended.")


@strawberry.type(description="The caller has no session with this id, or it has ended.")
class SessionNotFound(Problem):
    pass


RenameSessionResult = Annotated[
    RenameSessionSuccess | SessionNotFound,
    strawberry.union("RenameSessionResult", description="The session, or why it has no new name."),
]
EndSessionResult = Annotated[
    EndSessionsSuccess | SessionNotFound | StepUpRequired,
    strawberry.union("EndSessionResult", description="The end of the session, or why it was not ended."),
]
EndSessionsResult = Annotated[
    EndSessionsSuccess | StepUpRequired,
    strawberry.union("EndSessionsResult", description="The end of the sessions, or why they were not ended."),
]


@strawberry.input(description="A new name for a session.")
class RenameSessionInput:
    id: strawberry.ID = strawberry.field(description="The id of a session of the caller, 32 hex digits.")
    name: str = strawberry.field(description="The name, at most 100 characters; an empty one removes the name.")


@strawberry.input(description="The session to end.")
class EndSessionInput:
    id: strawberry.ID = strawberry.field(description="The id of a session of the caller, 32 hex digits.")


async def sessions_of_user(  # noqa: PLR0913, PLR0917 - the arguments of a Relay connection
    info: Info,
    user_id: str,
    first: int | None,
    after: str | None,
    last: int | None,
    before: str | None,
) -> Connection[UserSession]:
    """Return a page of the sessions of the user `user_id`.

    Raises:
        Forbidden: the caller is not this user, or is an application.
    """
    caller, directory = info.context.caller, info.context.directory
    if caller.user_id != user_id or caller.is_delegated:
        raise Forbidden("Only the user may see this")
    page = directory.cursors.request(first, after, last, before)
    rows = await directory.page(caller, page)
    return directory.cursors.page(
        page, rows, sort_key, lambda row: _present(row, caller), lambda: directory.count(caller)
    )


def _present(session: ListedSession, caller: Caller) -> UserSession:
    return UserSession(
        id=strawberry.ID(session.id),
        name=session.name,
        device=session.device.words,
        network=session.device.network or None,
        created_at=session.created_at,
        last_used_at=session.last_used_at,
        expires_at=session.expires_at,
        is_current=session.id == caller.session_id,
    )


def _not_found() -> SessionNotFound:
    return SessionNotFound(code="SESSION_NOT_FOUND", message="There is no such session, or it has ended")


async def _rename_session(
    info: Info,
    input: Annotated[RenameSessionInput, strawberry.argument(description="The session and its name.")],  # noqa: A002 - the schema's name
) -> RenameSessionResult:
    caller = info.context.caller
    session = await info.context.directory.rename(caller, input.id, input.name)
    return _not_found() if session is None else RenameSessionSuccess(session=_present(session, caller))


async def _end_session(
    info: Info,
    input: Annotated[EndSessionInput, strawberry.argument(description="The session.")],  # noqa: A002 - the schema's name
) -> EndSessionResult:
    # Between the end of a session and the revocation of its tokens, the client could close its connection. So the work
    # runs to its end in any case.
    ended = await to_the_end(info.context.directory.end(info.context.caller, only=input.id))
    return _ended(ended) if ended else _not_found()


async def _end_other_sessions(info: Info) -> EndSessionsResult:
    caller = info.context.caller
    return _ended(await to_the_end(info.context.directory.end(caller, but=caller.session_id)))


async def _end_all_sessions(info: Info) -> EndSessionsResult:
    return _ended(await to_the_end(info.context.directory.end(info.context.caller)))


def _ended(outcome: int | RequiredLogin) -> EndSessionsSuccess | StepUpRequired:
    return StepUpRequired.of(outcome) if isinstance(outcome, RequiredLogin) else EndSessionsSuccess(ended=outcome)


@strawberry.type
class SessionMutations:
    """The part of the mutations that is about sessions."""

    rename_session: RenameSessionResult | None = strawberry.field(
        resolver=_rename_session, description="Give a session of the caller a name."
    )
    end_session: EndSessionResult | None = strawberry.field(
        resolver=_end_session, description="End a session of the caller, at once and for every service."
    )
    end_other_sessions: EndSessionsResult | None = strawberry.field(
        resolver=_end_other_sessions,
        description="End all sessions of the caller except that of the access token, at once and for every service.",
    )
    end_all_sessions: EndSessionsResult | None = strawberry.field(
        resolver=_end_all_sessions,
        description="End all sessions of the caller, also that of the access token, at once and for every service.",
    )
