"""Changes of passwords and e-mail addresses in GraphQL, over `subgraphs.auth.recovery.service`."""

from __future__ import annotations

from datetime import datetime  # noqa: TC003 - strawberry reads annotations at run time
from typing import Annotated, Union

import strawberry
from strawberry.federation.schema_directives import Cost

from subgraphs.auth.context import AuthContext
from subgraphs.auth.graphql_passwords import PASSWORD_COST, EmailTaken, InvalidCredentials, WeakPassword
from subgraphs.auth.identity_service import TakenEmail, WeakChoice
from subgraphs.auth.mail.letters import STYLES, MailKind
from subgraphs.auth.recovery import service
from subgraphs.auth.recovery.service import AlreadyVerified, Changed, WrongPassword
from subgraphs.kit.graphql_problems import Problem, StepUpRequired
from subgraphs.kit.once_per_operation import ONCE
from subgraphs.kit.step_up import RequiredLogin

Info = strawberry.Info[AuthContext, None]

_EXPIRES_IN = "The seconds for which the link in the mail is valid."
_NEW_PASSWORD = "The new password: 8 to 256 characters of any kind, and not a common password."  # noqa: S105 - a text


@strawberry.type(description="The link is unknown, has expired, was used before, or became invalid by a later change.")
class InvalidLink(Problem):
    @classmethod
    def new(cls) -> InvalidLink:
        return cls(code="INVALID_LINK", message="The link is not valid any more; request another one")


@strawberry.type(description="The e-mail address of the user is already verified.")
class EmailAlreadyVerified(Problem):
    pass


@strawberry.type(description="The password has changed.")
class PasswordChanged:
    changed_at: datetime = strawberry.field(description="The time of the change.")


@strawberry.type(
    description="If a user has the e-mail address, a mail with a link is on its way. This result does not say whether"
    " there is such a user."
)
class PasswordResetRequested:
    expires_in: int = strawberry.field(description=_EXPIRES_IN)


@strawberry.type(description="A mail with a link is on its way.")
class EmailVerificationRequested:
    email: str = strawberry.field(description="The address to which the mail goes.")
    expires_in: int = strawberry.field(description=_EXPIRES_IN)


@strawberry.type(description="The e-mail address is verified.")
class EmailVerified:
    email: str = strawberry.field(description="The address of the user, with which they log in.")
    verified_at: datetime = strawberry.field(description="The time at which the link was used.")


ChangePasswordResult = Annotated[
    PasswordChanged | InvalidCredentials | WeakPassword | StepUpRequired,
    strawberry.union("ChangePasswordResult", description="The change, or why the password stays as it is."),
]
RequestPasswordResetResult = Annotated[
    Union[PasswordResetRequested],  # noqa: UP007 - a union of one: later refusals will not break clients
    strawberry.union("RequestPasswordResetResult", description="The same result for every e-mail address."),
]
ResetPasswordResult = Annotated[
    PasswordChanged | InvalidLink | WeakPassword,
    strawberry.union("ResetPasswordResult", description="The change, or why the password stays as it is."),
]
RequestEmailVerificationResult = Annotated[
    EmailVerificationRequested | EmailAlreadyVerified,
    strawberry.union("RequestEmailVerificationResult", description="The mail, or why none is needed."),
]
ChangeEmailResult = Annotated[
    EmailVerificationRequested | InvalidCredentials | EmailTaken | StepUpRequired,
    strawberry.union(
        "ChangeEmailResult", description="The mail to the new address, or why the address stays as it is."
    ),
]
VerifyEmailResult = Annotated[
    EmailVerified | InvalidLink | EmailTaken,
    strawberry.union("VerifyEmailResult", description="The verified address, or why it is not verified."),
]


@strawberry.input(description="A new password of the caller.")
class ChangePasswordInput:
    current_password: str = strawberry.field(description="The caller's present password.")
    new_password: str = strawberry.field(description=_NEW_PASSWORD)
    end_other_sessions: bool = strawberry.field(
        default=True, description="Whether all other sessions of the user end; the session of the request goes on."
    )


@strawberry.input(description="The user who has forgotten their password.")
class RequestPasswordResetInput:
    email: str = strawberry.field(description="The e-mail address of the user, in any case.")


@strawberry.input(description="A new password, with a link instead of the present one.")
class ResetPasswordInput:
    token: str = strawberry.field(description="The token of the link.")
    new_password: str = strawberry.field(description=_NEW_PASSWORD)


@strawberry.input(description="A new e-mail address of the caller.")
class ChangeEmailInput:
    current_password: str = strawberry.field(description="The caller's present password.")
    new_email: str = strawberry.field(description="The new address, at most 254 bytes; no other user has it.")


@strawberry.input(description="The link that verifies an e-mail address.")
class VerifyEmailInput:
    token: str = strawberry.field(description="The token of the link.")


def _lifetime(kind: MailKind) -> int:
    return int(STYLES[kind].lifetime.total_seconds())


def _wrong_password() -> InvalidCredentials:
    return InvalidCredentials(code="INVALID_CREDENTIALS", message="The current password is wrong")


async def _change_password(
    info: Info,
    input: Annotated[ChangePasswordInput, strawberry.argument(description="The passwords.")],  # noqa: A002 - the schema's name
) -> ChangePasswordResult:
    outcome = await info.context.recovery.change_password(
        info.context.caller,
        input.current_password,
        input.new_password,
        end_others=input.end_other_sessions,
        origin=info.context.origin,
    )
    match outcome:
        case Changed():
            return PasswordChanged(changed_at=outcome.at)
        case WrongPassword():
            return _wrong_password()
        case RequiredLogin():
            return StepUpRequired.of(outcome)
        case WeakChoice(reason):
            return WeakPassword.because(reason)


async def _request_password_reset(
    info: Info,
    input: Annotated[RequestPasswordResetInput, strawberry.argument(description="The user.")],  # noqa: A002 - the schema's name
) -> RequestPasswordResetResult:
    await info.context.recovery.request_password_reset(input.email, info.context.origin)
    return PasswordResetRequested(expires_in=_lifetime(MailKind.PASSWORD_RESET))


async def _reset_password(
    info: Info,
    input: Annotated[ResetPasswordInput, strawberry.argument(description="The link and the password.")],  # noqa: A002 - the schema's name
) -> ResetPasswordResult:
    outcome = await info.context.recovery.reset_password(input.token, input.new_password, info.context.origin)
    match outcome:
        case Changed():
            return PasswordChanged(changed_at=outcome.at)
        case service.InvalidLink():
            return InvalidLink.new()
        case WeakChoice(reason):
            return WeakPassword.because(reason)


async def _request_email_verification(info: Info) -> RequestEmailVerificationResult:
    outcome = await info.context.recovery.request_email_verification(info.context.caller, info.context.origin)
    if isinstance(outcome, AlreadyVerified):
        return EmailAlreadyVerified(code="EMAIL_ALREADY_VERIFIED", message="The e-mail address is already verified")
    return EmailVerificationRequested(email=outcome.email, expires_in=_lifetime(MailKind.EMAIL_VERIFICATION))


async def _change_email(
    info: Info,
    input: Annotated[ChangeEmailInput, strawberry.argument(description="The new address.")],  # noqa: A002 - the schema's name
) -> ChangeEmailResult:
    outcome = await info.context.recovery.change_email(
        info.context.caller, input.current_password, input.new_email, info.context.origin
    )
    match outcome:
        case str():
            return EmailVerificationRequested(email=outcome, expires_in=_lifetime(MailKind.EMAIL_CHANGE))
        case WrongPassword():
            return _wrong_password()
        case RequiredLogin():
            return StepUpRequired.of(outcome)
        case TakenEmail():
            return EmailTaken.new()


async def _verify_email(
    info: Info,
    input: Annotated[VerifyEmailInput, strawberry.argument(description="The link.")],  # noqa: A002 - the schema's name
) -> VerifyEmailResult:
    outcome = await info.context.recovery.verify_email(input.token, info.context.origin)
    match outcome:
        case Changed():
            return EmailVerified(email=outcome.user.email, verified_at=outcome.at)
        case service.InvalidLink():
            return InvalidLink.new()
        case TakenEmail():
            return EmailTaken.new()


@strawberry.type(description="Changes of passwords and e-mail addresses.")
class RecoveryMutation:
    change_password: ChangePasswordResult | None = strawberry.field(
        resolver=_change_password,
        metadata=ONCE,
        directives=[Cost(weight=2 * PASSWORD_COST)],
        description="Replace the caller's password. A user who has a second factor must have shown it recently.",
    )
    request_password_reset: RequestPasswordResetResult | None = strawberry.field(
        resolver=_request_password_reset,
        metadata=ONCE,
        description="Send a mail with a link to choose a new password.",
    )
    reset_password: ResetPasswordResult | None = strawberry.field(
        resolver=_reset_password,
        metadata=ONCE,
        directives=[Cost(weight=PASSWORD_COST)],
        description="Choose a new password with the link of a mail; all sessions of the user end.",
    )
    request_email_verification: RequestEmailVerificationResult | None = strawberry.field(
        resolver=_request_email_verification,
        metadata=ONCE,
        description="Send another mail with a link that verifies the caller's e-mail address.",
    )
    change_email: ChangeEmailResult | None = strawberry.field(
        resolver=_change_email,
        metadata=ONCE,
        directives=[Cost(weight=PASSWORD_COST)],
        description="Send a link to a new e-mail address of the caller. The address changes when the link is used. A"
        " user who has a second factor must have shown it recently.",
    )
    verify_email: VerifyEmailResult | None = strawberry.field(
        resolver=_verify_email,
        description="Verify an e-mail address with the link of a mail.",
    )
