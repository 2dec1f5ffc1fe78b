"""The GraphQL types of second factors: results, problems and inputs (bank §2.25)."""

from __future__ import annotations

from datetime import datetime  # noqa: TC003 - strawberry reads annotations at run time
from enum import Enum
from typing import TYPE_CHECKING, Annotated, Any, Final

import strawberry

from servicekit.errors import BadUserInput
from subgraphs.auth.second_factor import enrolment, factors, login
from subgraphs.auth.second_factor.factor_verification import GivenProof
from subgraphs.auth.second_factor.factors import MAX_NAME_LENGTH, MAX_PASSKEYS, FactorKind
from subgraphs.auth.second_factor.passkeys import format_id
from subgraphs.kit.connections import short_list
from subgraphs.kit.graphql_problems import Problem, StepUpRequired
from subgraphs.kit.step_up import RequiredLogin

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping


_CHALLENGE: Final = "The opaque token of this step; send it back with the next one."
_EXPIRES: Final = "The time until which the next step must be sent."


@strawberry.enum(description="A way to complete a login of a user who has a second factor.")
class SecondFactorMethod(Enum):
    PASSKEY = strawberry.enum_value("PASSKEY", description="The signature of a passkey, with `passkeyOptions`.")
    CODE = strawberry.enum_value("CODE", description="A code of the authenticator app.")
    RECOVERY_CODE = strawberry.enum_value("RECOVERY_CODE", description="A recovery code, each of which is valid once.")


@strawberry.type(
    description="The password is right, and the user has a second factor: `completeLogin` begins the session. Only"
    " users who have enrolled one get this result."
)
class SecondFactorRequired(Problem):
    challenge: str = strawberry.field(description=_CHALLENGE)
    methods: list[SecondFactorMethod] = strawberry.field(
        description="The ways to complete the login, the safest one first."
    )
    passkey_options: str | None = strawberry.field(
        description="The JSON for `navigator.credentials.get` (WebAuthn); null if the user has no passkey."
    )
    expires_at: datetime = strawberry.field(description=_EXPIRES)

    @classmethod
    def of(cls, challenge: login.LoginChallenge) -> SecondFactorRequired:
        return cls(
            code="SECOND_FACTOR_REQUIRED",
            message="Complete the login with a second factor",
            challenge=challenge.token,
            methods=[_METHODS[kind] for kind in challenge.kinds],
            passkey_options=challenge.passkey_options,
            expires_at=challenge.expires_at,
        )


_METHODS: Final[Mapping[FactorKind, SecondFactorMethod]] = {
    FactorKind.PASSKEY: SecondFactorMethod.PASSKEY,
    FactorKind.CODE: SecondFactorMethod.CODE,
    FactorKind.RECOVERY_CODE: SecondFactorMethod.RECOVERY_CODE,
}


@strawberry.type(description="The code, the recovery code or the passkey is wrong, or was used before.")
class InvalidSecondFactor(Problem):
    pass


@strawberry.type(
    description="The step is unknown, has expired, was completed before, or failed too often. Begin again."
)
class InvalidChallenge(Problem):
    pass


@strawberry.type(description="The user has no passkey, or the bank does not accept passkeys.")
class PasskeysUnavailable(Problem):
    pass


@strawberry.type(description="The user has as many passkeys as are possible.")
class TooManyPasskeys(Problem):
    limit: int = strawberry.field(description="The number of passkeys that a user may have.")


@strawberry.type(description="The user does not have this second factor.")
class NoSuchFactor(Problem):
    pass


@strawberry.type(description="The name of the passkey is empty, too long, or has characters that are not printable.")
class InvalidPasskeyName(Problem):
    maximum_length: int = strawberry.field(description="The largest number of characters of a name.")


@strawberry.type(description="A passkey of the caller.")
class Passkey:
    id: strawberry.ID = strawberry.field(description="The id of the credential, base64url.")
    name: str = strawberry.field(description="The user's name for the passkey.")
    created_at: datetime = strawberry.field(description="The time at which the passkey was added.")
    last_used_at: datetime | None = strawberry.field(description="The time of its last use; null before the first one.")

    @classmethod
    def of(cls, passkey: factors.Passkey) -> Passkey:
        return cls(
            id=strawberry.ID(format_id(passkey.credential_id)),
            name=passkey.name,
            created_at=passkey.enrolled_at,
            last_used_at=passkey.last_used_at,
        )


@strawberry.type(description="The second factors of the caller.")
class SecondFactors:
    enrolled: bool = strawberry.field(description="Whether a login needs a second factor.")
    authenticator_app: bool = strawberry.field(description="Whether there is an authenticator app.")
    passkeys: list[Passkey] = strawberry.field(
        description=f"The passkeys, the oldest first; at most {MAX_PASSKEYS}.", directives=[short_list(MAX_PASSKEYS)]
    )
    recovery_codes_left: int = strawberry.field(description="How many recovery codes were not used yet.")


@strawberry.type(description="A passkey shall sign.")
class PasskeyChallenge:
    challenge: str = strawberry.field(description=_CHALLENGE)
    options: str = strawberry.field(description="The JSON for `navigator.credentials.get` (WebAuthn).")
    expires_at: datetime = strawberry.field(description=_EXPIRES)

    @classmethod
    def of(cls, challenge: login.PasskeyChallenge) -> PasskeyChallenge:
        return cls(challenge=challenge.token, options=challenge.options, expires_at=challenge.expires_at)


@strawberry.type(
    description="The secret of a new authenticator app. It is enrolled when one of its codes is confirmed."
)
class AuthenticatorAppEnrolment:
    challenge: str = strawberry.field(description=_CHALLENGE)
    secret: str = strawberry.field(description="The secret in base32, to type into the app.")
    uri: str = strawberry.field(description="The same as an `otpauth://` URI, to show as a QR code.")
    expires_at: datetime = strawberry.field(description=_EXPIRES)


@strawberry.type(description="The options with which the browser makes a new passkey.")
class PasskeyEnrolment:
    challenge: str = strawberry.field(description=_CHALLENGE)
    options: str = strawberry.field(description="The JSON for `navigator.credentials.create` (WebAuthn).")
    expires_at: datetime = strawberry.field(description=_EXPIRES)


@strawberry.type(
    description="The factor was added. The session counts as logged in with it; its next access token says so."
)
class FactorEnrolled:
    passkey: Passkey | None = strawberry.field(description="The new passkey; null for an authenticator app.")
    recovery_codes: list[str] | None = strawberry.field(
        description="Ten recovery codes, shown this once, if this is the user's first second factor; else null."
    )


@strawberry.type(description="The factor was removed.")
class FactorRemoved:
    second_factors: SecondFactors = strawberry.field(description="The factors that are left.")


@strawberry.type(description="New recovery codes. The old ones are no longer valid.")
class RecoveryCodes:
    codes: list[str] = strawberry.field(description="Ten recovery codes, shown this once.")


@strawberry.type(description="The passkey has its new name.")
class PasskeyRenamed:
    passkey: Passkey = strawberry.field(description="The passkey.")


def _union(name: str, description: str) -> Any:
    return strawberry.union(name, description=description)


BeginAuthenticatorAppResult = Annotated[
    AuthenticatorAppEnrolment | StepUpRequired,
    _union("BeginAuthenticatorAppResult", "A new secret, or why there is none."),
]
ConfirmAuthenticatorAppResult = Annotated[
    FactorEnrolled | InvalidSecondFactor | InvalidChallenge | StepUpRequired,
    _union("ConfirmAuthenticatorAppResult", "The result of confirming an authenticator app."),
]
RemoveFactorResult = Annotated[
    FactorRemoved | NoSuchFactor | StepUpRequired,
    _union("RemoveFactorResult", "The result of removing a second factor."),
]
BeginPasskeyResult = Annotated[
    PasskeyEnrolment | TooManyPasskeys | PasskeysUnavailable | StepUpRequired,
    _union("BeginPasskeyResult", "The options of a new passkey, or why there are none."),
]
AddPasskeyResult = Annotated[
    FactorEnrolled
    | InvalidSecondFactor
    | InvalidChallenge
    | InvalidPasskeyName
    | TooManyPasskeys
    | PasskeysUnavailable
    | StepUpRequired,
    _union("AddPasskeyResult", "The result of adding a passkey."),
]
RenamePasskeyResult = Annotated[
    PasskeyRenamed | NoSuchFactor | InvalidPasskeyName,
    _union("RenamePasskeyResult", "The result of renaming a passkey."),
]
RecoveryCodesResult = Annotated[
    RecoveryCodes | NoSuchFactor | StepUpRequired,
    _union("RecoveryCodesResult", "New recovery codes, or why there are none."),
]
PasskeyChallengeResult = Annotated[
    PasskeyChallenge | PasskeysUnavailable,
    _union("PasskeyChallengeResult", "The options with which a passkey signs, or why there are none."),
]


@strawberry.input(description="The confirmation of an authenticator app.")
class ConfirmAuthenticatorAppInput:
    challenge: str = strawberry.field(description="The token of `beginAuthenticatorApp`.")
    code: str = strawberry.field(description="A code that the app shows: 6 digits.")


@strawberry.input(description="A new passkey.")
class AddPasskeyInput:
    challenge: str = strawberry.field(description="The token of `beginPasskey`.")
    response: str = strawberry.field(
        description="The JSON of the browser's answer (`PublicKeyCredential.toJSON()`), at most 16,384 characters."
    )
    name: str = strawberry.field(description="The user's name for the passkey, 1 to 60 characters.")


@strawberry.input(description="A new name of a passkey.")
class RenamePasskeyInput:
    id: strawberry.ID = strawberry.field(description="The id of the passkey.")
    name: str = strawberry.field(description="The name, 1 to 60 characters.")


@strawberry.input(description="The passkey to remove.")
class RemovePasskeyInput:
    id: strawberry.ID = strawberry.field(description="The id of the passkey.")


_PROBLEMS: Final[Mapping[type, Callable[[], Problem]]] = {
    login.InvalidProof: lambda: InvalidSecondFactor(
        code="INVALID_SECOND_FACTOR", message="The second factor is wrong or was used before"
    ),
    login.InvalidChallenge: lambda: InvalidChallenge(
        code="INVALID_CHALLENGE", message="This step has expired or was completed before; begin again"
    ),
    login.PasskeysUnavailable: lambda: PasskeysUnavailable(
        code="PASSKEYS_UNAVAILABLE", message="Passkeys are not available"
    ),
    enrolment.TooManyPasskeys: lambda: TooManyPasskeys(
        code="TOO_MANY_PASSKEYS", message="Remove a passkey first", limit=MAX_PASSKEYS
    ),
    enrolment.NoSuchFactor: lambda: NoSuchFactor(code="NO_SUCH_FACTOR", message="There is no such second factor"),
    enrolment.InvalidName: lambda: InvalidPasskeyName(
        code="INVALID_PASSKEY_NAME",
        message="A name has 1 to 60 printable characters",
        maximum_length=MAX_NAME_LENGTH,
    ),
}


def given_proof(**given: str | None) -> GivenProof:
    """Return the proof in an input, from its fields by name. `password` counts, but is no second factor.

    Raises:
        BadUserInput: there is none or more than one.
    """
    present = {name: value for name, value in given.items() if value}
    if len(present) != 1 or "password" in present:
        raise BadUserInput("Send exactly one proof")
    return GivenProof(**present)


def problem_of(outcome: object) -> Any:
    """Return the GraphQL object of a refusal."""
    return StepUpRequired.of(outcome) if isinstance(outcome, RequiredLogin) else _PROBLEMS[type(outcome)]()
