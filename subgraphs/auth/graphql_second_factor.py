"""Second factors in GraphQL: the caller's factors, and their enrolment and removal (bank §2.25)."""

from __future__ import annotations

from typing import Annotated, Any, cast

import strawberry

from bank.scopes import ENROLMENT
from subgraphs.auth.context import AuthContext
from subgraphs.auth.graphql_second_factor_types import (
    AddPasskeyInput,
    AddPasskeyResult,
    AuthenticatorAppEnrolment,
    BeginAuthenticatorAppResult,
    BeginPasskeyResult,
    ConfirmAuthenticatorAppInput,
    ConfirmAuthenticatorAppResult,
    FactorEnrolled,
    FactorRemoved,
    Passkey,
    PasskeyChallenge,
    PasskeyChallengeResult,
    PasskeyEnrolment,
    PasskeyRenamed,
    RecoveryCodes,
    RecoveryCodesResult,
    RemoveFactorResult,
    RemovePasskeyInput,
    RenamePasskeyInput,
    RenamePasskeyResult,
    SecondFactors,
    problem_of,
)
from subgraphs.auth.second_factor import enrolment, factors, login
from subgraphs.auth.second_factor.passkeys import InvalidPasskey, parse_id
from subgraphs.kit.delegated_scopes import needs_scope
from subgraphs.kit.graphql_problems import StepUpRequired
from subgraphs.kit.step_up import RequiredLogin

Info = strawberry.Info[AuthContext, None]


async def _second_factors(info: Info) -> SecondFactors:
    found = await info.context.enrolment.factors(info.context.caller)
    return SecondFactors(
        enrolled=found.is_enrolled,
        authenticator_app=found.totp is not None,
        passkeys=[Passkey.of(each) for each in found.passkeys],
        recovery_codes_left=found.recovery_codes_left,
    )


async def _begin_authenticator_app(info: Info) -> BeginAuthenticatorAppResult:
    begun = await info.context.enrolment.begin_totp(info.context.caller)
    if isinstance(begun, RequiredLogin):
        return StepUpRequired.of(begun)
    return AuthenticatorAppEnrolment(
        challenge=begun.token, secret=begun.secret, uri=begun.uri, expires_at=begun.expires_at
    )


async def _confirm_authenticator_app(
    info: Info,
    input: Annotated[ConfirmAuthenticatorAppInput, strawberry.argument(description="The confirmation.")],  # noqa: A002 - the schema's name
) -> ConfirmAuthenticatorAppResult:
    outcome = await info.context.enrolment.confirm_totp(
        info.context.caller, input.challenge, input.code, info.context.origin
    )
    return cast("ConfirmAuthenticatorAppResult", _enrolled(outcome))


async def _remove_authenticator_app(info: Info) -> RemoveFactorResult:
    return cast(
        "RemoveFactorResult", await _removed(info, await info.context.enrolment.remove_totp(info.context.caller))
    )


async def _begin_passkey(info: Info) -> BeginPasskeyResult:
    begun = await info.context.enrolment.begin_passkey(info.context.caller)
    if isinstance(begun, enrolment.PasskeyBegun):
        return PasskeyEnrolment(challenge=begun.token, options=begun.options, expires_at=begun.expires_at)
    return cast("BeginPasskeyResult", problem_of(begun))


async def _add_passkey(
    info: Info,
    input: Annotated[AddPasskeyInput, strawberry.argument(description="The passkey.")],  # noqa: A002 - the schema's name
) -> AddPasskeyResult:
    outcome = await info.context.enrolment.add_passkey(info.context.caller, input.challenge, input.response, input.name)
    return cast("AddPasskeyResult", _enrolled(outcome))


async def _rename_passkey(
    info: Info,
    input: Annotated[RenamePasskeyInput, strawberry.argument(description="The name.")],  # noqa: A002 - the schema's name
) -> RenamePasskeyResult:
    caller, credential_id = info.context.caller, _credential_id(input.id)
    if credential_id is None:
        return cast("RenamePasskeyResult", problem_of(enrolment.NoSuchFactor()))
    outcome = await info.context.enrolment.rename_passkey(caller, credential_id, input.name)
    if isinstance(outcome, factors.Passkey):
        return PasskeyRenamed(passkey=Passkey.of(outcome))
    return cast("RenamePasskeyResult", problem_of(outcome))


async def _remove_passkey(
    info: Info,
    input: Annotated[RemovePasskeyInput, strawberry.argument(description="The passkey.")],  # noqa: A002 - the schema's name
) -> RemoveFactorResult:
    caller, credential_id = info.context.caller, _credential_id(input.id)
    if credential_id is None:
        return cast("RemoveFactorResult", problem_of(enrolment.NoSuchFactor()))
    return cast(
        "RemoveFactorResult", await _removed(info, await info.context.enrolment.remove_passkey(caller, credential_id))
    )


async def _renew_recovery_codes(info: Info) -> RecoveryCodesResult:
    outcome = await info.context.enrolment.renew_recovery_codes(info.context.caller)
    if isinstance(outcome, tuple):
        return RecoveryCodes(codes=list(outcome))
    return cast("RecoveryCodesResult", problem_of(outcome))


async def _begin_passkey_login(info: Info) -> PasskeyChallengeResult:
    return cast(
        "PasskeyChallengeResult",
        _challenge(await info.context.second_factor_login.begin_with_passkey(info.context.origin)),
    )


async def _begin_passkey_step_up(info: Info) -> PasskeyChallengeResult:
    return cast(
        "PasskeyChallengeResult", _challenge(await info.context.second_factor_login.begin_step_up(info.context.caller))
    )


def _challenge(begun: login.PasskeyChallenge | login.PasskeysUnavailable) -> Any:
    return PasskeyChallenge.of(begun) if isinstance(begun, login.PasskeyChallenge) else problem_of(begun)


def _enrolled(outcome: object) -> Any:
    if not isinstance(outcome, enrolment.Enrolled):
        return problem_of(outcome)
    return FactorEnrolled(
        passkey=None if outcome.passkey is None else Passkey.of(outcome.passkey),
        recovery_codes=list(outcome.recovery_codes) or None,
    )


async def _removed(info: Info, refusal: object) -> Any:
    return FactorRemoved(second_factors=await _second_factors(info)) if refusal is None else problem_of(refusal)


def _credential_id(text: str) -> bytes | None:
    try:
        return parse_id(text)
    except InvalidPasskey:
        return None


@strawberry.type
class SecondFactorQuery:
    second_factors: SecondFactors | None = strawberry.field(
        resolver=_second_factors, metadata=needs_scope(ENROLMENT), description="The second factors of the caller."
    )


@strawberry.type
class SecondFactorMutation:
    begin_authenticator_app: BeginAuthenticatorAppResult | None = strawberry.field(
        resolver=_begin_authenticator_app,
        metadata=needs_scope(ENROLMENT),
        description="Begin to enrol an authenticator app, which replaces the present one when it is confirmed.",
    )
    confirm_authenticator_app: ConfirmAuthenticatorAppResult | None = strawberry.field(
        resolver=_confirm_authenticator_app,
        metadata=needs_scope(ENROLMENT),
        description="Enrol the authenticator app whose code is sent.",
    )
    remove_authenticator_app: RemoveFactorResult | None = strawberry.field(
        resolver=_remove_authenticator_app, description="Remove the caller's authenticator app."
    )
    begin_passkey: BeginPasskeyResult | None = strawberry.field(
        resolver=_begin_passkey, metadata=needs_scope(ENROLMENT), description="Begin to add a passkey."
    )
    add_passkey: AddPasskeyResult | None = strawberry.field(
        resolver=_add_passkey, metadata=needs_scope(ENROLMENT), description="Add the passkey that the browser has made."
    )
    rename_passkey: RenamePasskeyResult | None = strawberry.field(
        resolver=_rename_passkey, description="Rename a passkey of the caller."
    )
    remove_passkey: RemoveFactorResult | None = strawberry.field(
        resolver=_remove_passkey, description="Remove a passkey of the caller."
    )
    renew_recovery_codes: RecoveryCodesResult | None = strawberry.field(
        resolver=_renew_recovery_codes, description="Replace the caller's recovery codes by ten new ones."
    )
    begin_passkey_login: PasskeyChallengeResult | None = strawberry.field(
        resolver=_begin_passkey_login,
        description="Begin a login with a passkey alone, without an e-mail address or a password.",
    )
    begin_passkey_step_up: PasskeyChallengeResult | None = strawberry.field(
        resolver=_begin_passkey_step_up, description="Begin a step-up of the caller's session with a passkey."
    )
