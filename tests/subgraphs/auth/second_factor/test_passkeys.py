"""Passkeys over HTTP, with a virtual authenticator: enrolment, both kinds of login, step-up, and attacks on them.

Covers `subgraphs/auth/second_factor/passkeys.py`.
"""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import pytest

from subgraphs.auth.second_factor.passkeys import InvalidPasskey, RelyingParty, credential_id_of, user_id_of
from tests.subgraphs.auth.second_factor.authenticator import PRESENT, VERIFIED, Authenticator
from tests.subgraphs.auth.second_factor.conftest import claims

if TYPE_CHECKING:
    from collections.abc import Callable

    from tests.subgraphs.auth.second_factor.conftest import Desk

STEP_UP = """mutation { beginPasskeyStepUp {
    __typename ... on Problem { code } ... on PasskeyChallenge { challenge options } } }"""
RENAME = """mutation ($input: RenamePasskeyInput!) { renamePasskey(input: $input) {
    ... on Problem { code } ... on PasskeyRenamed { passkey { id name } } } }"""
REMOVE = """mutation ($input: RemovePasskeyInput!) { removePasskey(input: $input) {
    ... on Problem { code } ... on FactorRemoved { secondFactors { enrolled passkeys { id } } } } }"""


@pytest.fixture
def phone() -> Authenticator:
    return Authenticator("http://localhost:8000")


async def test_a_passkey_is_a_second_factor(desk: Desk, phone: Authenticator) -> None:
    enrolled = await desk.enrol_passkey(phone)
    assert (enrolled["passkey"], len(desk.recovery_codes)) == ({"id": phone.id, "name": "Phone"}, 10)
    asked = await desk.log_in()
    assert asked["methods"] == ["PASSKEY", "RECOVERY_CODE"]
    options = json.loads(asked["passkeyOptions"])
    assert (options["rpId"], options["userVerification"]) == ("localhost", "required")
    assert [each["id"] for each in options["allowCredentials"]] == [phone.id]
    session = await desk.complete(asked["challenge"], assertion=phone.get(asked["passkeyOptions"]))
    found = claims(session["accessToken"])
    assert (found["acr"], found["amr"]) == ("urn:bank:passkey", ["mfa", "pop", "pwd"])


async def test_a_passkey_logs_in_without_a_password(desk: Desk, phone: Authenticator) -> None:
    await desk.enrol_passkey(phone)
    begun = await desk.passkey_login()
    assert not json.loads(begun["options"]).get("allowCredentials")
    session = await desk.complete(begun["challenge"], assertion=phone.get(begun["options"]))
    assert (session["user"]["email"], claims(session["accessToken"])["amr"]) == ("ann@example.com", ["mfa", "pop"])
    assert (await desk.factors())["passkeys"][0]["lastUsedAt"] is not None
    # A code of an app or a recovery code is no login without the password.
    begun = await desk.passkey_login()
    refused = await desk.complete(begun["challenge"], recoveryCode=desk.recovery_codes[0])
    assert refused["code"] == "INVALID_CHALLENGE"


async def test_an_answer_is_used_once(desk: Desk, phone: Authenticator) -> None:
    phone.counts = False  # so that only the challenge can tell
    await desk.enrol_passkey(phone)
    asked, second = await desk.log_in(), await desk.log_in()
    answer = phone.get(asked["passkeyOptions"])
    assert (await desk.complete(asked["challenge"], assertion=answer))["__typename"] == "Session"
    assert (await desk.complete(asked["challenge"], assertion=answer))["code"] == "INVALID_CHALLENGE"
    assert (await desk.complete(second["challenge"], assertion=answer))["code"] == "INVALID_SECOND_FACTOR"


def changed(answer: str, **members: str) -> str:
    document: dict[str, Any] = json.loads(answer)
    return json.dumps({**document, "response": {**document["response"], **members}})


def other(phone: Authenticator, **changes: object) -> Authenticator:
    """The same passkey, on another page or with another device."""
    return Authenticator(**{**vars(phone), **changes})


ATTACKS: dict[str, Callable[[Authenticator, str], str]] = {
    "another site": lambda phone, options: other(phone, origin="https://localhost.evil.example").get(options),
    "another port": lambda phone, options: other(phone, origin="http://localhost:8001").get(options),
    "another domain": lambda phone, options: other(phone, rp_id="evil.example").get(options),
    "user not verified": lambda phone, options: other(phone, flags=PRESENT).get(options),
    "user not present": lambda phone, options: other(phone, flags=VERIFIED).get(options),
    "registration": lambda phone, options: phone.get(options, type="webauthn.create"),
    "another challenge": lambda phone, options: phone.get(options, challenge="AAAA"),
    "another key": lambda phone, options: Authenticator(
        "http://localhost:8000", credential_id=phone.credential_id, sign_count=99, user_handle=phone.user_handle
    ).get(options),
    "unknown passkey": lambda _, options: Authenticator("http://localhost:8000").get(options),
    "signature": lambda phone, options: changed(phone.get(options), signature="AAAA"),
    "authenticator data": lambda phone, options: changed(phone.get(options), authenticatorData="AAAA"),
    "client data": lambda phone, options: changed(phone.get(options), clientDataJSON="AAAA"),
    "list": lambda _phone, _options: "[]",
    "nested": lambda _phone, _options: "[" * 16_000,
    "long": lambda _phone, _options: "{}" + " " * 20_000,
    "incomplete": lambda phone, _: json.dumps({"rawId": phone.id, "id": phone.id}),
}


@pytest.mark.parametrize("attack", ATTACKS.values(), ids=ATTACKS)
async def test_a_wrong_answer_is_refused(
    desk: Desk, phone: Authenticator, attack: Callable[[Authenticator, str], str]
) -> None:
    await desk.enrol_passkey(phone)
    asked, begun = await desk.log_in(), await desk.passkey_login()
    answers = ((asked, asked["passkeyOptions"]), (begun, begun["options"]))
    for challenge, options in answers:
        refused = await desk.complete(challenge["challenge"], assertion=attack(phone, options))
        assert refused["code"] == "INVALID_SECOND_FACTOR"
    assert (await desk.complete(asked["challenge"], assertion=phone.get(asked["passkeyOptions"])))["user"]


async def test_a_copied_passkey_is_found_by_its_counter(desk: Desk, phone: Authenticator) -> None:
    await desk.enrol_passkey(phone)
    copy = Authenticator(**vars(phone))
    asked, second = await desk.log_in(), await desk.log_in()
    assert (await desk.complete(asked["challenge"], assertion=phone.get(asked["passkeyOptions"])))["user"]
    refused = await desk.complete(second["challenge"], assertion=copy.get(second["passkeyOptions"]))
    assert refused["code"] == "INVALID_SECOND_FACTOR"


async def test_a_passkey_logs_in_its_own_user_only(desk: Desk, phone: Authenticator) -> None:
    await desk.enrol_passkey(phone)
    eve = await desk.auth.sign_up("Eve")
    desk.token, desk.refresh_token = eve["accessToken"], eve["refreshToken"]
    tablet = Authenticator("http://localhost:8000")
    await desk.enrol_passkey(tablet)
    # Ann's password and Eve's passkey
    asked = await desk.log_in()
    refused = await desk.complete(asked["challenge"], assertion=tablet.get(asked["passkeyOptions"]))
    assert refused["code"] == "INVALID_SECOND_FACTOR"
    # Eve's passkey that says it were Ann's
    begun = await desk.passkey_login()
    tablet.user_handle = phone.user_handle
    refused = await desk.complete(begun["challenge"], assertion=tablet.get(begun["options"]))
    assert refused["code"] == "INVALID_SECOND_FACTOR"


async def test_a_registration_is_bound_to_its_challenge_page_and_user(desk: Desk, phone: Authenticator) -> None:
    begun = await desk.begin_passkey()
    options = begun["options"]
    assert json.loads(options)["rp"] == {"name": "MoSafe", "id": "localhost"}
    for answer in (
        Authenticator("https://evil.example").create(options),
        Authenticator("http://localhost:8000", rp_id="evil.example").create(options),
        phone.create(options, challenge="AAAA"),
    ):
        assert (await desk.add_passkey(begun["challenge"], answer))["code"] == "INVALID_SECOND_FACTOR"
    assert (await desk.add_passkey(begun["challenge"], phone.create(options), "\n"))["code"] == "INVALID_PASSKEY_NAME"
    assert (await desk.add_passkey(begun["challenge"], phone.create(options)))["__typename"] == "FactorEnrolled"
    await desk.refresh()
    assert (await desk.add_passkey(begun["challenge"], phone.create(options)))["code"] == "INVALID_CHALLENGE"
    # The same passkey again, for another user
    eve = await desk.auth.sign_up("Eve")
    desk.token, desk.refresh_token = eve["accessToken"], eve["refreshToken"]
    assert (await desk.enrol_passkey(phone))["code"] == "INVALID_SECOND_FACTOR"


async def test_passkeys_are_renamed_and_removed(desk: Desk, phone: Authenticator) -> None:
    await desk.enrol_passkey(phone)
    renamed = await desk.run(RENAME, input={"id": phone.id, "name": " Old phone "})
    assert renamed["passkey"] == {"id": phone.id, "name": "Old phone"}
    assert (await desk.run(RENAME, input={"id": phone.id, "name": "x" * 61}))["code"] == "INVALID_PASSKEY_NAME"
    eve = await desk.auth.sign_up("Eve")
    ann, desk.token = desk.token, eve["accessToken"]
    for query in (RENAME, REMOVE):
        for unknown in (phone.id, "AAAA", "", "\x00", "x" * 5000):
            given = {"id": unknown, **({"name": "Mine"} if query == RENAME else {})}
            assert (await desk.run(query, input=given))["code"] == "NO_SUCH_FACTOR"
    desk.token = ann
    removed = await desk.run(REMOVE, input={"id": phone.id})
    assert removed["secondFactors"] == {"enrolled": False, "passkeys": []}


async def test_a_step_up_with_a_passkey(desk: Desk, phone: Authenticator) -> None:
    assert (await desk.run(STEP_UP))["code"] == "PASSKEYS_UNAVAILABLE"
    await desk.enrol_passkey(phone)
    begun = await desk.run(STEP_UP)
    answer = phone.get(begun["options"])
    login = await desk.log_in()
    assert (await desk.step_up(assertion=answer, challenge=login["challenge"]))["code"] == "INVALID_CHALLENGE"
    assert (await desk.complete(begun["challenge"], assertion=answer))["code"] == "INVALID_CHALLENGE"
    stepped = await desk.step_up(assertion=answer, challenge=begun["challenge"])
    assert stepped["acr"] == "urn:bank:passkey"
    assert (await desk.step_up(assertion=answer, challenge=begun["challenge"]))["code"] == "INVALID_CHALLENGE"


@pytest.mark.parametrize("answer", ["", "null", "7", '{"rawId": 7}', '{"rawId": "é"}', '{"rawId": ""}'])
def test_a_malformed_answer_has_no_id(answer: str) -> None:
    with pytest.raises(InvalidPasskey):
        credential_id_of(answer)


def test_a_passkey_may_name_no_user() -> None:
    assert user_id_of('{"response": {}}') is None
    assert user_id_of('{"response": {"userHandle": "_w"}}') == "\ufffd"
    assert RelyingParty("a.example", ("https://a.example",)).id == "a.example"
