"""Authenticator apps and recovery codes over HTTP: enrolment, login, step-up, and attacks on them.

Covers `subgraphs/auth/second_factor/requirement.py`,
`subgraphs/auth/graphql_second_factor.py`, `subgraphs/auth/graphql_second_factor_types.py`,
`subgraphs/auth/second_factor/login.py`,
`subgraphs/auth/second_factor/enrolment.py`, `subgraphs/auth/second_factor/use_cases.py`,
`subgraphs/auth/second_factor/factor_verification.py`, `subgraphs/auth/second_factor/challenges.py` and
`subgraphs/auth/second_factor/factors.py`.
"""

from __future__ import annotations

import asyncio
import sqlite3
from contextlib import closing
from typing import TYPE_CHECKING
from urllib.parse import parse_qs, urlsplit

import pytest
from structlog.testing import capture_logs

from bank import values
from subgraphs.auth.app import create_app
from subgraphs.auth.domain import Role
from subgraphs.auth.second_factor.challenges import MAX_ATTEMPTS
from subgraphs.auth.second_factor.requirement import Requirement
from tests.subgraphs.auth.client import PASSWORD, Auth
from tests.subgraphs.auth.second_factor.conftest import BEGIN, PROBLEM, Desk, claims
from tests.subgraphs.support import GraphQLClient, running

if TYPE_CHECKING:
    from subgraphs.auth.settings import AuthSettings

REMOVE_APP = """mutation { removeAuthenticatorApp { __typename ... on Problem { code }
    ... on StepUpRequired { acrValues } ... on FactorRemoved { secondFactors { enrolled recoveryCodesLeft } } } }"""
NAME_SESSION = "mutation ($input: RenameSessionInput!) { renameSession(input: $input) { __typename } }"
RENEW = "mutation { renewRecoveryCodes { __typename ... on Problem { code } ... on RecoveryCodes { codes } } }"


async def changed(desk: Desk, statement: str, *values: object) -> None:
    """Change the database of the service, as time or another process would.

    In a thread: the statement may wait for a transaction of the service, which ends on the event loop.
    """

    def change() -> None:
        with closing(sqlite3.connect(desk.settings.database)) as connection:
            connection.execute(statement, values)
            connection.commit()

    await asyncio.to_thread(change)


async def age_login(desk: Desk, seconds: int = 3600) -> None:
    """Let the proof of the session be older."""
    await changed(
        desk, "UPDATE sessions SET authenticated_at = coalesce(authenticated_at, created_at) - ?", seconds * 1000
    )
    await desk.refresh()


async def test_a_user_without_a_factor_logs_in_as_before(desk: Desk) -> None:
    assert (await desk.log_in())["__typename"] == "Session"
    assert await desk.factors() == {
        "enrolled": False,
        "authenticatorApp": False,
        "recoveryCodesLeft": 0,
        "passkeys": [],
    }


async def test_a_login_with_an_app_needs_its_code(desk: Desk) -> None:
    begun = await desk.begin_app()
    uri = urlsplit(begun["uri"])
    assert (uri.scheme, uri.netloc, parse_qs(uri.query)["secret"]) == ("otpauth", "totp", [begun["secret"]])
    await desk.enrol_app()
    assert len(set(desk.recovery_codes)) == 10
    asked = await desk.log_in()
    assert (asked["__typename"], asked["code"]) == ("SecondFactorRequired", "SECOND_FACTOR_REQUIRED")
    assert (asked["methods"], asked["passkeyOptions"]) == (["CODE", "RECOVERY_CODE"], None)
    session = await desk.complete(asked["challenge"], code=desk.code())
    assert session["user"]["email"] == "ann@example.com"
    found = claims(session["accessToken"])
    assert (found["acr"], found["amr"]) == ("urn:bank:mfa", ["mfa", "otp", "pwd"])
    assert found["auth_time"] == int(desk.now.timestamp())
    assert found["factor_enrolled_at"] == int(desk.now.timestamp()) - 30
    again = (await desk.auth.mutate("refresh", refreshToken=session["refreshToken"])).ok()["refresh"]
    assert claims(again["accessToken"])["acr"] == "urn:bank:mfa"


async def test_a_wrong_password_is_refused_without_a_challenge(desk: Desk) -> None:
    await desk.enrol_app()
    assert (await desk.log_in("wrong horse battery"))["code"] == "INVALID_CREDENTIALS"


async def test_an_app_is_enrolled_only_by_a_right_code_of_its_own_challenge(desk: Desk) -> None:
    begun = await desk.begin_app()
    desk.secret = begun["secret"]
    wrong = f"{(int(desk.code()) + 1) % 1_000_000:06}"
    assert (await desk.confirm_app(begun["challenge"], wrong))["code"] == "INVALID_SECOND_FACTOR"
    assert (await desk.confirm_app("forged", desk.code()))["code"] == "INVALID_CHALLENGE"
    assert not (await desk.factors())["enrolled"]
    eve = await desk.auth.sign_up("Eve")
    ann, desk.token = desk.token, eve["accessToken"]
    assert (await desk.confirm_app(begun["challenge"], desk.code()))["code"] == "INVALID_CHALLENGE"
    desk.token = ann
    assert (await desk.confirm_app(begun["challenge"], desk.code()))["__typename"] == "FactorEnrolled"
    # The session has no second factor in its present token; the next one has.
    assert (await desk.confirm_app(begun["challenge"], desk.code()))["code"] == "STEP_UP_REQUIRED"
    await desk.refresh()
    assert (await desk.confirm_app(begun["challenge"], desk.code()))["code"] == "INVALID_CHALLENGE"


async def test_a_code_and_a_challenge_are_used_once(desk: Desk) -> None:
    await desk.enrol_app()
    asked, other = await desk.log_in(), await desk.log_in()
    assert (await desk.complete(asked["challenge"], code=desk.code()))["__typename"] == "Session"
    assert (await desk.complete(other["challenge"], code=desk.code()))["code"] == "INVALID_SECOND_FACTOR"
    assert (await desk.complete(other["challenge"], code=desk.code(-1)))["code"] == "INVALID_SECOND_FACTOR"
    desk.later()
    assert (await desk.complete(asked["challenge"], code=desk.code()))["code"] == "INVALID_CHALLENGE"
    assert (await desk.complete(other["challenge"], code=desk.code()))["__typename"] == "Session"


async def test_one_of_many_uses_of_a_code_at_once_succeeds(desk: Desk) -> None:
    await desk.enrol_app()
    asked = [await desk.log_in() for _ in range(4)]
    results = await asyncio.gather(*(desk.complete(each["challenge"], code=desk.code()) for each in asked))
    assert sorted(each["__typename"] for each in results) == ["InvalidSecondFactor"] * 3 + ["Session"]


async def test_a_code_is_accepted_by_the_clock_of_the_server_in_its_30_seconds_only(desk: Desk) -> None:
    await desk.enrol_app()
    desk.later()
    asked = await desk.log_in()
    for offset in (-1, 1):
        assert (await desk.complete(asked["challenge"], code=desk.code(offset)))["code"] == "INVALID_SECOND_FACTOR"
    assert (await desk.complete(asked["challenge"], code=desk.code()))["__typename"] == "Session"


async def test_an_operator_may_accept_codes_of_clocks_that_differ(settings: AuthSettings) -> None:
    now = values.now() - BEGIN
    tolerant = settings.model_copy(update={"totp_tolerance": 1})
    async with running(create_app(tolerant, lambda: now)) as http:
        desk = Desk(Auth(GraphQLClient(http)), tolerant, now)
        await desk.sign_up()
        begun = await desk.begin_app()
        desk.secret = begun["secret"]
        assert (await desk.confirm_app(begun["challenge"], desk.code(2)))["code"] == "INVALID_SECOND_FACTOR"
        assert (await desk.confirm_app(begun["challenge"], desk.code(-1)))["__typename"] == "FactorEnrolled"
        asked = await desk.log_in()
        assert (await desk.complete(asked["challenge"], code=desk.code(1)))["__typename"] == "Session"


async def test_guesses_are_bound_by_the_challenge_and_by_the_account(desk: Desk) -> None:
    await desk.enrol_app()
    wrong = f"{(int(desk.code()) + 7) % 1_000_000:06}"
    asked = await desk.log_in()
    for _ in range(MAX_ATTEMPTS):
        assert (await desk.complete(asked["challenge"], code=wrong))["code"] == "INVALID_SECOND_FACTOR"
    # Even the right code is too late now.
    assert (await desk.complete(asked["challenge"], code=desk.code()))["code"] == "INVALID_CHALLENGE"
    asked = await desk.log_in()
    for _ in range(10 - MAX_ATTEMPTS):
        assert (await desk.complete(asked["challenge"], code=wrong))["code"] == "INVALID_SECOND_FACTOR"
    limited = await desk.auth.client.execute(
        'mutation { login(input: {email: "ann@example.com", password: "correct horse battery"}) { __typename } }'
    )
    # The wrong codes count as failed logins of the account, too: the next login waits.
    assert limited.codes == ["RATE_LIMITED"]


async def test_a_challenge_ends_with_its_time_and_with_the_password(desk: Desk) -> None:
    await desk.enrol_app()
    asked, other = await desk.log_in(), await desk.log_in()
    await changed(desk, "UPDATE users SET password_hash = password_hash || ' '")
    assert (await desk.complete(asked["challenge"], code=desk.code()))["code"] == "INVALID_CHALLENGE"
    await changed(desk, "UPDATE users SET password_hash = trim(password_hash)")
    desk.later(299)
    await desk.refresh()
    assert (await desk.complete(other["challenge"], code="000000"))["code"] == "INVALID_SECOND_FACTOR"
    desk.later(1)
    assert (await desk.complete(other["challenge"], code=desk.code()))["code"] == "INVALID_CHALLENGE"


async def test_a_disabled_user_does_not_complete_a_login(desk: Desk) -> None:
    await desk.enrol_app()
    asked = await desk.log_in()
    await changed(desk, "UPDATE users SET disabled_at = 1")
    assert (await desk.complete(asked["challenge"], code=desk.code()))["code"] == "INVALID_CHALLENGE"


async def test_a_recovery_code_is_used_once_in_any_spelling(desk: Desk) -> None:
    await desk.enrol_app()
    first, second = desk.recovery_codes[:2]
    asked = await desk.log_in()
    spelled = f" {first.lower().replace('-', ' ')} "
    assert (await desk.complete(asked["challenge"], recoveryCode=spelled))["__typename"] == "Session"
    asked = await desk.log_in()
    assert (await desk.complete(asked["challenge"], recoveryCode=first))["code"] == "INVALID_SECOND_FACTOR"
    assert (await desk.factors())["recoveryCodesLeft"] == 9
    renewed = (await desk.run(RENEW))["codes"]
    assert (len(set(renewed)), (await desk.factors())["recoveryCodesLeft"]) == (10, 10)
    assert (await desk.complete(asked["challenge"], recoveryCode=second))["code"] == "INVALID_SECOND_FACTOR"
    assert (await desk.complete(asked["challenge"], recoveryCode=renewed[0]))["__typename"] == "Session"


@pytest.mark.parametrize(
    ("required_for", "role", "is_limited"),
    [
        (Requirement.NOBODY, Role.ADMIN, False),
        (Requirement.STAFF, Role.CUSTOMER, False),
        (Requirement.STAFF, Role.SUPPORT, True),
        (Requirement.EVERYBODY, Role.CUSTOMER, True),
    ],
)
async def test_who_must_have_a_second_factor_can_only_enrol_one_without(
    settings: AuthSettings, required_for: Requirement, role: Role, *, is_limited: bool
) -> None:
    """ASVS 6.3.3."""
    strict = settings.model_copy(update={"second_factor_requirement": required_for})
    now = values.now() - BEGIN
    async with running(create_app(strict, lambda: now)) as http:
        desk = Desk(Auth(GraphQLClient(http)), strict, now)
        await desk.sign_up()
        await changed(desk, "UPDATE users SET roles = ?", role.value)
        query = (
            "mutation ($input: RefreshInput!) { refresh(input: $input) { ... on Session { mustEnrolSecondFactor } } }"
        )
        refreshed = await desk.run(query, desk.auth.client, input={"refreshToken": desk.refresh_token})
        assert refreshed == {"mustEnrolSecondFactor": is_limited}
        session = await desk.log_in()
        desk.token, desk.refresh_token = session["accessToken"], session["refreshToken"]
        assert (await desk.client.execute("{ me { id } }")).codes == (["FORBIDDEN"] if is_limited else [])
        assert bool(claims(desk.token)["roles"]) is not is_limited
        if not is_limited:
            return
        assert (await desk.client.execute("mutation { endOtherSessions { __typename } }")).codes == ["FORBIDDEN"]
        assert (await desk.step_up(password=PASSWORD))["__typename"] == "StepUpSuccess"
        assert (await desk.client.execute("{ me { id } }")).codes == ["FORBIDDEN"]
        await desk.enrol_app()
        assert (await desk.client.execute("{ me { id roles } }")).ok()["me"]["roles"] == [role.value]


async def test_exactly_one_proof_is_sent(desk: Desk) -> None:
    await desk.enrol_app()
    asked = await desk.log_in()
    for proof in ({}, {"code": desk.code(), "recoveryCode": desk.recovery_codes[0]}, {"code": ""}):
        assert (await desk.try_complete(asked["challenge"], **proof)).codes == ["BAD_USER_INPUT"]
    assert (await desk.complete(asked["challenge"], code=desk.code()))["__typename"] == "Session"


async def test_strange_texts_are_refused_plainly(desk: Desk) -> None:
    await desk.enrol_app()
    asked = await desk.log_in()
    for proof in ({"code": "\x00"}, {"recoveryCode": "\x00" * 1000}, {"assertion": "{"}):
        assert (await desk.complete(asked["challenge"], **proof))["code"] == "INVALID_SECOND_FACTOR"
    assert (await desk.complete("\x00", code="123456"))["code"] == "INVALID_CHALLENGE"


async def test_a_factor_is_added_and_removed_only_after_a_recent_proof(desk: Desk) -> None:
    await age_login(desk)
    refused = await desk.begin_app()
    assert (refused["code"], refused["acrValues"], refused["maxAge"]) == ("STEP_UP_REQUIRED", [], 600)
    assert (await desk.step_up(password="wrong horse battery"))["code"] == "INVALID_CREDENTIALS"
    stepped = await desk.step_up(password="correct horse battery")
    assert (stepped["__typename"], stepped["acr"]) == ("StepUpSuccess", "urn:bank:password")
    await desk.enrol_app()
    await age_login(desk)
    refused = await desk.run(REMOVE_APP)
    assert (refused["code"], refused["acrValues"]) == ("STEP_UP_REQUIRED", ["urn:bank:mfa", "urn:bank:passkey"])
    assert (await desk.run(RENEW))["code"] == "STEP_UP_REQUIRED"
    assert (await desk.begin_app())["code"] == "STEP_UP_REQUIRED"
    assert (await desk.begin_passkey())["code"] == "STEP_UP_REQUIRED"
    await desk.step_up(code=desk.code())
    assert (await desk.run(REMOVE_APP))["secondFactors"] == {"enrolled": False, "recoveryCodesLeft": 0}
    assert (await desk.run(REMOVE_APP))["code"] == "NO_SUCH_FACTOR"
    assert (await desk.log_in())["__typename"] == "Session"


async def test_the_password_and_the_address_change_only_after_a_recent_proof_with_the_factor(desk: Desk) -> None:
    """ASVS 7.5.1."""
    password = {"currentPassword": PASSWORD, "newPassword": "staple battery horse"}
    address = {"currentPassword": PASSWORD, "newEmail": "ann@new.example"}
    await desk.enrol_app()
    await age_login(desk)
    for kind, given in (("changePassword", password), ("changeEmail", address)):
        refused = await desk.change(kind, **given)
        assert (refused["code"], refused["maxAge"]) == ("STEP_UP_REQUIRED", 600)
        assert refused["acrValues"] == ["urn:bank:mfa", "urn:bank:passkey"]
    await desk.step_up(code=desk.code())
    assert (await desk.change("changeEmail", **address))["__typename"] == "EmailVerificationRequested"
    assert (await desk.change("changePassword", **password))["__typename"] == "PasswordChanged"


async def test_other_sessions_are_ended_only_after_a_recent_proof(desk: Desk) -> None:
    """ASVS 7.5.2."""
    other = (await desk.log_in())["accessToken"]
    await age_login(desk)
    assert (await desk.change("endSession", id=claims(other)["sid"]))["code"] == "STEP_UP_REQUIRED"
    for mutation in ("endOtherSessions", "endAllSessions"):
        refused = await desk.run(f"mutation {{ {mutation} {{ __typename {PROBLEM} }} }}")
        assert (refused["code"], refused["acrValues"], refused["maxAge"]) == ("STEP_UP_REQUIRED", [], 600)
    assert (await desk.auth.bearing(other).execute("{ me { id } }")).codes == []
    await desk.step_up(password=PASSWORD)
    assert (await desk.change("endSession", id=claims(other)["sid"]))["__typename"] == "EndSessionsSuccess"
    assert (await desk.auth.bearing(other).execute("{ me { id } }")).codes == ["UNAUTHENTICATED"]
    await age_login(desk)
    assert (await desk.change("endSession", id=claims(desk.token)["sid"]))["__typename"] == "EndSessionsSuccess"
    assert (await desk.client.execute("{ me { id } }")).codes == ["UNAUTHENTICATED"]


async def test_the_password_alone_is_no_step_up_for_a_user_with_a_factor(desk: Desk) -> None:
    await desk.enrol_app()
    refused = await desk.step_up(password="correct horse battery")
    assert (refused["code"], refused["maxAge"]) == ("STEP_UP_REQUIRED", 0)
    both = await desk.client.execute('mutation { stepUp(input: {password: "x", code: "123456"}) { __typename } }')
    assert both.codes == ["BAD_USER_INPUT"]


async def test_a_step_up_replaces_all_tokens_of_the_session(desk: Desk) -> None:
    """ASVS 7.2.4."""
    await desk.enrol_app()
    await desk.run(NAME_SESSION, input={"id": claims(desk.token)["sid"], "name": "Phone of Ann"})
    await age_login(desk)
    old_client, old_refresh_token = desk.client, desk.refresh_token
    await desk.step_up(code=desk.code())
    found = claims(desk.token)
    assert (found["acr"], found["auth_time"]) == ("urn:bank:mfa", int(desk.now.timestamp()))
    assert (await desk.step_up(code=desk.code()))["code"] == "INVALID_SECOND_FACTOR"
    assert (await old_client.execute("{ me { id } }")).codes == ["UNAUTHENTICATED"]
    refused = (await desk.auth.mutate("refresh", refreshToken=old_refresh_token)).ok()["refresh"]
    assert refused["code"] == "INVALID_TOKEN"
    await desk.refresh()
    assert claims(desk.token)["auth_time"] == found["auth_time"]
    listed = (await desk.client.execute("{ me { sessions { nodes { id name isCurrent } } } }")).ok()["me"]["sessions"]
    assert listed["nodes"] == [{"id": found["sid"], "name": "Phone of Ann", "isCurrent": True}]


async def test_secrets_are_neither_stored_in_clear_text_nor_logged(desk: Desk) -> None:
    with capture_logs() as logs:
        await desk.enrol_app()
        asked = await desk.log_in()
        await desk.complete(asked["challenge"], recoveryCode=desk.recovery_codes[0])
    stored = desk.settings.database.read_bytes()
    wal = desk.settings.database.with_name(f"{desk.settings.database.name}-wal")
    stored += wal.read_bytes() if wal.exists() else b""
    for secret in (desk.secret, asked["challenge"], *desk.recovery_codes):
        assert secret.encode() not in stored
        assert secret.replace("-", "").encode() not in stored
        assert secret not in str(logs)
