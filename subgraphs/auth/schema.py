"""The GraphQL schema of the auth service: types and mutations over `subgraphs.auth.identity_service`."""

from __future__ import annotations

from datetime import datetime  # noqa: TC003 - strawberry reads annotations at run time
from functools import cache
from typing import Annotated, Union, cast

import strawberry
from strawberry import UNSET
from strawberry.federation.schema_directives import Cost

from bank.scopes import ENROLMENT, PROFILE
from servicekit.errors import Unauthenticated
from servicekit.finish_despite_cancellation import to_the_end
from subgraphs.auth import domain
from subgraphs.auth.action_limits import Action
from subgraphs.auth.administration.graphql_administration import AdministrationMutations
from subgraphs.auth.api_keys.graphql_api_keys import ApiKeyMutations, ApiKeyQueries
from subgraphs.auth.audit_log.graphql_audit_log import AuditEntry, audit_log
from subgraphs.auth.graphql_passwords import PASSWORD_COST, EmailTaken, InvalidCredentials, WeakPassword
from subgraphs.auth.graphql_recovery import RecoveryMutation
from subgraphs.auth.graphql_second_factor import SecondFactorMutation, SecondFactorQuery
from subgraphs.auth.graphql_second_factor_types import (
    InvalidChallenge,
    InvalidSecondFactor,
    SecondFactorRequired,
    given_proof,
    problem_of,
)
from subgraphs.auth.graphql_sessions import SessionMutations
from subgraphs.auth.graphql_user import Info, User, present, present_to
from subgraphs.auth.identity_service import TakenEmail, WeakChoice
from subgraphs.auth.second_factor.login import InvalidProof, LoginChallenge
from subgraphs.auth.sessions.session_service import SignedIn, SteppedUp
from subgraphs.kit import descriptions
from subgraphs.kit.connections import PAGED, Connection
from subgraphs.kit.delegated_scopes import ANY_SCOPE, needs_scope
from subgraphs.kit.graphql_problems import Problem, StepUpRequired
from subgraphs.kit.once_per_operation import ONCE
from subgraphs.kit.schema import SubgraphSchema, create_schema


@strawberry.type(description="The tokens of a session.")
class Session:
    user: User = strawberry.field(description="The user who logged in.")
    access_token: str = strawberry.field(
        description="The access token, for the header `Authorization: Bearer`; opaque."
    )
    refresh_token: str = strawberry.field(
        description="The refresh token; exchange it once for the next pair of tokens."
    )
    token_type: str = strawberry.field(description="The type of the access token, always `Bearer`.")
    expires_in: int = strawberry.field(description="The seconds until the access token expires.")
    must_enrol_second_factor: bool = strawberry.field(
        description="Whether the access token allows only to enrol a second factor, because the user must have one."
        " After the enrolment, `refresh` gives a token without this limit."
    )


@strawberry.type(
    description="A session with a newer proof of its user's identity has taken the place of the session of before,"
    " whose tokens are not valid any more."
)
class StepUpSuccess:
    access_token: str = strawberry.field(description="A new access token; those of before are not valid any more.")
    refresh_token: str = strawberry.field(
        description="The new refresh token of the session; the one of before is not valid any more."
    )
    token_type: str = strawberry.field(description="The type of the access token, always `Bearer`.")
    expires_in: int = strawberry.field(description="The seconds until the access token expires.")
    acr: str = strawberry.field(description="How the user has proved their identity, as in the claim `acr`.")
    authenticated_at: datetime = strawberry.field(description="When the user has done so, as in the claim `auth_time`.")


@strawberry.type(description="The session has ended; its tokens are not valid any more.")
class LogoutSuccess:
    logged_out_at: datetime = strawberry.field(description="The time when the session ended.")


@strawberry.type(description="The refresh token is unknown, has expired, or was exchanged before.")
class InvalidToken(Problem):
    pass


RegisterResult = Annotated[
    Session | EmailTaken | WeakPassword,
    strawberry.union(
        "RegisterResult", description="The first session of a new user, or why the user was not registered."
    ),
]
LoginResult = Annotated[
    Session | InvalidCredentials | SecondFactorRequired,
    strawberry.union("LoginResult", description="A new session, or why the login failed or is not complete."),
]
CompleteLoginResult = Annotated[
    Session | InvalidSecondFactor | InvalidChallenge,
    strawberry.union("CompleteLoginResult", description="A new session, or why the login failed."),
]
StepUpResult = Annotated[
    StepUpSuccess | InvalidSecondFactor | InvalidChallenge | InvalidCredentials | StepUpRequired,
    strawberry.union("StepUpResult", description="The new tokens, or why the proof was refused."),
]
RefreshResult = Annotated[
    Session | InvalidToken,
    strawberry.union(
        "RefreshResult", description="The session with its next pair of tokens, or why the tokens were not renewed."
    ),
]
LogoutResult = Annotated[
    Union[LogoutSuccess],  # noqa: UP007 - a union of one: later refusals will not break clients
    strawberry.union("LogoutResult", description="The end of the session."),
]


@strawberry.input(description="The data of a new customer.")
class RegisterInput:
    email: str = strawberry.field(
        description="The e-mail address, at most 254 bytes; no other user has it, in any case."
    )
    password: str = strawberry.field(
        description="The password: 8 to 256 characters of any kind, and not a common password."
    )
    name: str = strawberry.field(description="The name, 1 to 100 characters; other customers see it.")


@strawberry.input(description="The credentials of a login.")
class LoginInput:
    email: str = strawberry.field(description="The e-mail address of the registration, in any case.")
    password: str = strawberry.field(description="The user's password.")


@strawberry.input(description="The second step of a login: exactly one proof.")
class CompleteLoginInput:
    challenge: str = strawberry.field(
        description="The token of `SecondFactorRequired`, or of `beginPasskeyLogin` for a login with a passkey alone."
    )
    code: str | None = strawberry.field(default=UNSET, description="A code of the authenticator app: 6 digits.")
    recovery_code: str | None = strawberry.field(default=UNSET, description="A recovery code.")
    assertion: str | None = strawberry.field(
        default=UNSET, description="The JSON of the browser's answer (`PublicKeyCredential.toJSON()`)."
    )


@strawberry.input(description="A new proof of the caller's identity: exactly one.")
class StepUpInput:
    code: str | None = strawberry.field(default=UNSET, description="A code of the authenticator app: 6 digits.")
    recovery_code: str | None = strawberry.field(default=UNSET, description="A recovery code.")
    assertion: str | None = strawberry.field(
        default=UNSET, description="The JSON of the browser's answer (`PublicKeyCredential.toJSON()`)."
    )
    challenge: str | None = strawberry.field(
        default=UNSET, description="The token of `beginPasskeyStepUp`, for `assertion`."
    )
    password: str | None = strawberry.field(
        default=UNSET, description="The password; only for users who have no second factor."
    )


@strawberry.input(description="The input of a token refresh.")
class RefreshInput:
    refresh_token: str = strawberry.field(description="The latest refresh token of the session.")


async def _me(info: Info) -> User | None:
    user = await info.context.users.load(info.context.caller.user_id)
    if user is None:
        raise Unauthenticated
    return present_to(info.context.caller, user)


@strawberry.type(description=descriptions.QUERY)
class Query(ApiKeyQueries, SecondFactorQuery):
    me: User | None = strawberry.field(
        resolver=_me, metadata=needs_scope(PROFILE), description="The user of the access token."
    )
    audit_log: Connection[AuditEntry] | None = strawberry.federation.field(
        resolver=audit_log,
        directives=[PAGED],
        requires_scopes=domain.scopes(domain.Operation.READ_AUDIT_LOG),
        description="What staff and operators did, the newest entry first; only for administrators.",
    )


def _session(signed_in: SignedIn) -> Session:
    return Session(
        user=present(signed_in.user, private=True),
        access_token=signed_in.access.text,
        refresh_token=signed_in.refresh_token,
        token_type="Bearer",  # noqa: S106 - the name of the scheme, not a secret
        expires_in=signed_in.access.expires_in,
        must_enrol_second_factor=signed_in.access.allows_enrolment_only,
    )


async def _register(
    info: Info,
    input: Annotated[RegisterInput, strawberry.argument(description="The new customer.")],  # noqa: A002 - the schema's name
) -> RegisterResult:
    recovery = info.context.recovery
    outcome = await info.context.identity.register(
        email=input.email,
        password=input.password,
        name=input.name,
        origin=info.context.origin,
        welcome=recovery.welcome,
    )
    match outcome:
        case SignedIn():
            recovery.send_now()
            return _session(outcome)
        case TakenEmail():
            return EmailTaken.new()
        case WeakChoice(reason):
            return WeakPassword.because(reason)


async def _login(
    info: Info,
    input: Annotated[LoginInput, strawberry.argument(description="The credentials.")],  # noqa: A002 - the schema's name
) -> LoginResult:
    signed_in = await info.context.identity.login(
        email=input.email, password=input.password, origin=info.context.origin
    )
    if signed_in is None:
        return InvalidCredentials(code="INVALID_CREDENTIALS", message="E-mail or password is wrong")
    return SecondFactorRequired.of(signed_in) if isinstance(signed_in, LoginChallenge) else _session(signed_in)


async def _complete_login(
    info: Info,
    input: Annotated[CompleteLoginInput, strawberry.argument(description="The second step.")],  # noqa: A002 - the schema's name
) -> CompleteLoginResult:
    proof = given_proof(code=input.code, recovery_code=input.recovery_code, assertion=input.assertion)
    outcome = await info.context.identity.complete_login(input.challenge, proof, info.context.origin)
    if isinstance(outcome, SignedIn):
        return _session(outcome)
    return cast("CompleteLoginResult", problem_of(outcome))


async def _step_up(
    info: Info,
    input: Annotated[StepUpInput, strawberry.argument(description="The proof.")],  # noqa: A002 - the schema's name
) -> StepUpResult:
    caller, password = info.context.caller, input.password
    others = {"code": input.code, "recovery_code": input.recovery_code, "assertion": input.assertion}
    given = password if password and not any(others.values()) else given_proof(**others, password=password)
    outcome = await info.context.identity.step_up(caller, given, input.challenge or "", info.context.origin)
    if isinstance(outcome, SteppedUp):
        return StepUpSuccess(
            access_token=outcome.access.text,
            refresh_token=outcome.refresh_token,
            token_type="Bearer",  # noqa: S106 - the name of the scheme, not a secret
            expires_in=outcome.access.expires_in,
            acr=outcome.authentication.acr,
            authenticated_at=outcome.authentication.at,
        )
    if isinstance(given, str) and isinstance(outcome, InvalidProof):
        return InvalidCredentials(code="INVALID_CREDENTIALS", message="The password is wrong")
    return cast("StepUpResult", problem_of(outcome))


async def _refresh(
    info: Info,
    input: Annotated[RefreshInput, strawberry.argument(description="The refresh token.")],  # noqa: A002 - the schema's name
) -> RefreshResult:
    await _count_refresh(info, input.refresh_token)
    # If a refresh token is used twice, the session ends, and then its access tokens must be revoked. The client could
    # close its connection between these two steps. So the work runs to its end in any case.
    signed_in = await to_the_end(info.context.sessions.refresh(input.refresh_token))
    if signed_in is None:
        return InvalidToken(code="INVALID_TOKEN", message="The refresh token is not valid; log in again")
    return _session(signed_in)


async def _count_refresh(info: Info, refresh_token: str) -> None:
    """Count a refresh before the token is exchanged, because an exchange that is refused afterwards loses the token.

    Raises:
        RateLimited: a refresh may be tried later.
    """
    limits = info.context.limits
    attempt = await limits.count(Action.REFRESH, info.context.origin)
    async with attempt.given_back_unless_counted():
        owner = await info.context.sessions.owner(refresh_token)
        if owner is not None:
            await limits.count_account(Action.REFRESH, owner)


async def _logout(info: Info) -> LogoutResult:
    return LogoutSuccess(logged_out_at=await to_the_end(info.context.sessions.end(info.context.caller.session_id)))


@strawberry.type(description=descriptions.MUTATION)
class Mutation(SessionMutations, AdministrationMutations, ApiKeyMutations, SecondFactorMutation, RecoveryMutation):
    register: RegisterResult | None = strawberry.field(
        resolver=_register,
        metadata=ONCE,
        directives=[Cost(weight=PASSWORD_COST)],
        description="Register a customer and begin a session.",
    )
    login: LoginResult | None = strawberry.field(
        resolver=_login,
        metadata=ONCE,
        directives=[Cost(weight=PASSWORD_COST)],
        description="Begin a session. A user who has a second factor is asked for it: see `completeLogin`.",
    )
    complete_login: CompleteLoginResult | None = strawberry.field(
        resolver=_complete_login,
        description="Complete a login with a second factor, or a login with a passkey alone, and begin its session.",
    )
    step_up: StepUpResult | None = strawberry.field(
        resolver=_step_up,
        metadata={**ONCE, **needs_scope(ENROLMENT)},
        directives=[Cost(weight=PASSWORD_COST)],
        description="Prove the caller's identity again, for operations that answer `StepUpRequired`."
        " The session gets new tokens, which replace those of before at once.",
    )
    refresh: RefreshResult | None = strawberry.field(
        resolver=_refresh,
        description="Exchange a refresh token for new tokens. A token that is used again later ends its session.",
    )
    logout: LogoutResult | None = strawberry.field(
        resolver=_logout,
        metadata=needs_scope(ANY_SCOPE),
        description="End the session of the access token, at once and for every service.",
    )


@cache
def build_schema() -> SubgraphSchema:
    """Return the schema of the subgraph. It does not change, so all applications of the process have the same."""
    return create_schema(query=Query, mutation=Mutation, entities_scope=ANY_SCOPE)


def sdl() -> str:
    """Return the subgraph's SDL, which `router compose` reads."""
    return build_schema().as_str()
