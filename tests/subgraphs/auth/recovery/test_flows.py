"""Passwords and e-mail addresses over HTTP, with a real mail server, on both stores.

Covers `subgraphs/auth/graphql_recovery.py`, `subgraphs/auth/graphql_passwords.py` and
`subgraphs/auth/recovery/service.py`.
"""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any, Final

import pytest

from bank import values
from tests.subgraphs.auth.client import PASSWORD
from tests.subgraphs.auth.mail.mailboxes import link_in, text_of
from tests.subgraphs.auth.second_factor.conftest import Desk

if TYPE_CHECKING:
    from tests.subgraphs.auth.recovery.conftest import Bank

NEW: Final = "seven purple elephants"
ANN: Final = "ann@example.com"
ME: Final = "{ me { email emailVerified } }"
CHANGED: Final = "... on PasswordChanged { changedAt }"
VERIFIED: Final = "... on EmailVerified { email verifiedAt }"
REQUESTED: Final = "... on EmailVerificationRequested { email expiresIn }"


async def request_reset(bank: Bank, email: str, **headers: str) -> Any:
    query = """mutation ($input: RequestPasswordResetInput!) { requestPasswordReset(input: $input) {
        __typename ... on PasswordResetRequested { expiresIn } } }"""
    return await bank.auth.client.execute(query, {"input": {"email": email}}, headers=headers)


async def is_live(bank: Bank, session: dict[str, Any]) -> bool:
    """Whether both tokens of the session are accepted. Uses up the refresh token."""
    me = await bank.auth.bearing(session["accessToken"]).execute(ME)
    refreshed = (await bank.auth.mutate("refresh", refreshToken=session["refreshToken"])).ok()["refresh"]
    live = (not me.errors, refreshed["__typename"] == "Session")
    assert len(set(live)) == 1, live
    return live[0]


async def test_a_forgotten_password_is_replaced_by_the_link_of_a_mail(bank: Bank) -> None:
    first = await bank.sign_up()
    other = await bank.login(ANN, PASSWORD)
    requested = (await request_reset(bank, "ANN@example.com")).ok()["requestPasswordReset"]
    assert requested == {"__typename": "PasswordResetRequested", "expiresIn": 1800}
    token = await bank.link_token(2)
    assert bank.inbox.recipients[1] == ANN
    weak = await bank.mutate("resetPassword", CHANGED, token=token, newPassword="password")
    assert weak["code"] == "WEAK_PASSWORD"
    changed = await bank.mutate("resetPassword", CHANGED, token=token, newPassword=NEW)
    assert changed["__typename"] == "PasswordChanged"
    assert not await is_live(bank, first)
    assert not await is_live(bank, other)
    assert (await bank.login(ANN, PASSWORD))["code"] == "INVALID_CREDENTIALS"
    session = await bank.login(ANN, NEW)
    assert session["__typename"] == "Session"
    again = await bank.mutate("resetPassword", CHANGED, token=token, newPassword="another long passphrase")
    assert again == {"__typename": "InvalidLink", "code": "INVALID_LINK", "message": again["message"]}
    await bank.inbox.until(3)
    assert bank.inbox.messages[2]["Subject"] == "Your password was changed"
    me = (await bank.auth.bearing(session["accessToken"]).execute(ME)).ok()["me"]
    assert me == {"email": ANN, "emailVerified": True}, "the link came by mail"


async def test_a_reset_password_does_not_replace_the_second_factor(bank: Bank) -> None:
    session = await bank.sign_up()
    ann = Desk(bank.auth, bank.settings, values.now(), session["accessToken"], session["refreshToken"])
    await ann.enrol_app()
    (await request_reset(bank, ANN)).ok()
    token = await bank.reset_token(3)
    changed = await bank.mutate("resetPassword", CHANGED, token=token, newPassword=NEW)
    assert changed["__typename"] == "PasswordChanged"
    asked = await ann.log_in(NEW)
    assert asked["__typename"] == "SecondFactorRequired"
    assert (await ann.complete(asked["challenge"], recoveryCode="WRONG"))["code"] == "INVALID_SECOND_FACTOR"
    assert (await ann.complete(asked["challenge"], recoveryCode=ann.recovery_codes[0]))["__typename"] == "Session"


async def test_links_name_the_public_url_whatever_the_request_says(bank: Bank) -> None:
    await bank.sign_up()
    evil = {
        "host": "evil.test",
        "x-forwarded-host": "evil.test",
        "forwarded": "host=evil.test",
        "x-forwarded-proto": "http",
        "origin": "https://evil.test",
        "referer": "https://evil.test/",
    }
    (await request_reset(bank, ANN, **evil)).ok()
    await bank.link_token(2)
    assert not [message for message in bank.inbox.messages if b"evil" in message.as_bytes()]


async def test_a_change_of_the_password_ends_the_links_that_were_sent(bank: Bank) -> None:
    session = await bank.sign_up()
    (await request_reset(bank, ANN)).ok()
    token = await bank.link_token(2)
    given = {"currentPassword": PASSWORD, "newPassword": NEW}
    changed = await bank.mutate("changePassword", CHANGED, session["accessToken"], **given)
    assert changed["__typename"] == "PasswordChanged"
    late = await bank.mutate("resetPassword", CHANGED, token=token, newPassword="another long passphrase")
    assert late["code"] == "INVALID_LINK"


@pytest.mark.parametrize("end_others", [None, True, False])
async def test_a_change_of_the_password_ends_the_other_sessions_unless_told_otherwise(
    bank: Bank,
    end_others: bool | None,  # noqa: FBT001 - a parameter of the test
) -> None:
    session = await bank.sign_up()
    other = await bank.login(ANN, PASSWORD)
    given: dict[str, object] = {"currentPassword": PASSWORD, "newPassword": NEW}
    if end_others is not None:
        given["endOtherSessions"] = end_others
    changed = await bank.mutate("changePassword", CHANGED, session["accessToken"], **given)
    assert changed["__typename"] == "PasswordChanged"
    assert await is_live(bank, session)
    assert await is_live(bank, other) is (end_others is False)
    assert (await bank.login(ANN, NEW))["__typename"] == "Session"
    await bank.inbox.until(2)
    notice = bank.inbox.messages[1]
    assert (notice["To"], notice["Subject"]) == (ANN, "Your password was changed")
    assert link_in(notice).endswith("/account/reset")


async def test_a_password_changes_only_with_the_present_one_and_to_a_good_one(bank: Bank) -> None:
    token = (await bank.sign_up())["accessToken"]
    wrong = await bank.mutate("changePassword", CHANGED, token, currentPassword="wrong one", newPassword=NEW)
    assert (wrong["__typename"], wrong["code"]) == ("InvalidCredentials", "INVALID_CREDENTIALS")
    weak = await bank.mutate("changePassword", CHANGED, token, currentPassword=PASSWORD, newPassword="annexample")
    assert weak["code"] == "WEAK_PASSWORD"
    assert (await bank.login(ANN, PASSWORD))["__typename"] == "Session"
    query = "mutation ($input: ChangePasswordInput!) { changePassword(input: $input) { __typename } }"
    too_long = {"currentPassword": PASSWORD, "newPassword": "x" * 257}
    (error,) = (await bank.auth.bearing(token).execute(query, {"input": too_long})).errors
    assert error["extensions"]["fields"][0]["path"] == ["input", "newPassword"]
    nobody = await bank.auth.client.execute(query, {"input": {"currentPassword": PASSWORD, "newPassword": NEW}})
    assert nobody.codes == ["UNAUTHENTICATED"]


@pytest.mark.usefixtures("limits_without_time")
async def test_guesses_of_the_present_password_count_as_failed_logins(bank: Bank) -> None:
    token = (await bank.sign_up())["accessToken"]
    for _ in range(10):
        await bank.mutate("changePassword", CHANGED, token, currentPassword="wrong one", newPassword=NEW)
    query = "mutation ($input: ChangePasswordInput!) { changePassword(input: $input) { __typename } }"
    given = {"currentPassword": PASSWORD, "newPassword": NEW}
    assert (await bank.auth.bearing(token).execute(query, {"input": given})).codes == ["RATE_LIMITED"]
    assert (await bank.auth.mutate("login", email=ANN, password=PASSWORD)).codes == ["RATE_LIMITED"]


async def test_a_new_user_verifies_their_address_by_the_link_of_a_mail(bank: Bank) -> None:
    session = await bank.sign_up()
    client = bank.auth.bearing(session["accessToken"])
    assert (await client.execute(ME)).ok()["me"] == {"email": ANN, "emailVerified": False}
    assert bank.inbox.messages[0]["Subject"] == "Confirm your e-mail address"
    assert "Ann" not in text_of(bank.inbox.messages[0])
    token = await bank.link_token(1)
    verified = await bank.mutate("verifyEmail", VERIFIED, token=token)
    assert (verified["__typename"], verified["email"]) == ("EmailVerified", ANN)
    assert (await client.execute(ME)).ok()["me"]["emailVerified"] is True
    assert (await bank.mutate("verifyEmail", VERIFIED, token=token))["code"] == "INVALID_LINK"


async def test_another_verification_mail_is_sent_until_the_address_is_verified(bank: Bank) -> None:
    session = await bank.sign_up()
    query = f"mutation {{ requestEmailVerification {{ __typename {REQUESTED} ... on Problem {{ code }} }} }}"
    client = bank.auth.bearing(session["accessToken"])
    requested = (await client.execute(query)).ok()["requestEmailVerification"]
    assert requested == {"__typename": "EmailVerificationRequested", "email": ANN, "expiresIn": 3 * 24 * 3600}
    token = await bank.link_token(2)
    assert (await bank.mutate("verifyEmail", VERIFIED, token=token))["__typename"] == "EmailVerified"
    refused = (await client.execute(query)).ok()["requestEmailVerification"]
    assert refused == {"__typename": "EmailAlreadyVerified", "code": "EMAIL_ALREADY_VERIFIED"}
    assert (await bank.auth.client.execute(query)).codes == ["UNAUTHENTICATED"]


async def test_a_new_address_counts_when_it_is_verified_and_the_old_one_gets_a_notice(bank: Bank) -> None:
    session = await bank.sign_up()
    given = {"currentPassword": PASSWORD, "newEmail": "Ann@new.example"}
    requested = await bank.mutate("changeEmail", REQUESTED, session["accessToken"], **given)
    assert (requested["email"], requested["expiresIn"]) == ("Ann@new.example", 3600)
    token = await bank.link_token(2)
    assert bank.inbox.recipients[1] == "Ann@new.example"
    client = bank.auth.bearing(session["accessToken"])
    assert (await client.execute(ME)).ok()["me"]["email"] == ANN
    assert (await bank.login(ANN, PASSWORD))["__typename"] == "Session"
    verified = await bank.mutate("verifyEmail", VERIFIED, token=token)
    assert verified["email"] == "Ann@new.example"
    assert (await client.execute(ME)).ok()["me"] == {"email": "Ann@new.example", "emailVerified": True}
    assert (await bank.login(ANN, PASSWORD))["code"] == "INVALID_CREDENTIALS"
    assert (await bank.login("ann@NEW.example", PASSWORD))["__typename"] == "Session"
    await bank.inbox.until(3)
    assert (bank.inbox.recipients[2], bank.inbox.messages[2]["Subject"]) == (ANN, "Your e-mail address was changed")


async def test_an_address_changes_only_with_the_password_and_to_a_free_one(bank: Bank) -> None:
    token = (await bank.sign_up())["accessToken"]
    bob = await bank.sign_up("Bob")
    taken = await bank.mutate("changeEmail", REQUESTED, token, currentPassword=PASSWORD, newEmail="BOB@example.com")
    assert taken["code"] == "EMAIL_TAKEN"
    wrong = await bank.mutate("changeEmail", REQUESTED, token, currentPassword="no", newEmail="a@new.example")
    assert wrong["code"] == "INVALID_CREDENTIALS"
    given = {"currentPassword": PASSWORD, "newEmail": "free@new.example"}
    await bank.mutate("changeEmail", REQUESTED, token, **given)
    await bank.mutate("changeEmail", REQUESTED, bob["accessToken"], **given)
    links = [await bank.link_token(number) for number in (3, 4)]
    outcomes = [await bank.mutate("verifyEmail", VERIFIED, token=link) for link in links]
    assert [outcome["__typename"] for outcome in outcomes] == ["EmailVerified", "EmailTaken"]


@pytest.mark.parametrize("token", ["", "x", "x" * 10_000, "\x00"])
async def test_an_unknown_link_is_refused(bank: Bank, token: str) -> None:
    assert (await bank.mutate("resetPassword", CHANGED, token=token, newPassword=NEW))["code"] == "INVALID_LINK"
    assert (await bank.mutate("verifyEmail", VERIFIED, token=token))["code"] == "INVALID_LINK"


async def test_a_link_is_for_its_purpose_only(bank: Bank) -> None:
    await bank.sign_up()
    verification = await bank.link_token(1)
    (await request_reset(bank, ANN)).ok()
    reset = await bank.link_token(2)
    assert (await bank.mutate("resetPassword", CHANGED, token=verification, newPassword=NEW))["code"] == "INVALID_LINK"
    assert (await bank.mutate("verifyEmail", VERIFIED, token=reset))["code"] == "INVALID_LINK"


async def test_few_mails_go_to_one_address_whether_a_user_has_it_or_not(bank: Bank) -> None:
    await bank.sign_up()
    refusals = []
    for email in (ANN, "nobody@example.com"):
        responses = [await request_reset(bank, spelling) for spelling in (email, email.upper()) * 3]
        assert [response.codes for response in responses] == [[]] * 5 + [["RATE_LIMITED"]]
        refusals.append(json.dumps(responses[-1].errors[0]["extensions"]["code"]))
    assert len(set(refusals)) == 1


async def test_an_address_that_is_none_is_named(bank: Bank) -> None:
    (error,) = (await request_reset(bank, "nowhere")).errors
    assert error["extensions"]["fields"][0]["path"] == ["input", "email"]
