from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from tests.rest_compat.fake_bank import ADA, NOW, FakeBank, graphql_error, problem

if TYPE_CHECKING:
    import httpx

CREDENTIALS = {"email": "ada@example.org", "password": "correct horse"}
REGISTRATION = {**CREDENTIALS, "name": "Ada"}
BODIES = {"register": REGISTRATION, "login": CREDENTIALS, "refresh": {"refreshToken": "r"}}
USER = {"id": ADA, "email": "ada@example.org", "name": "Ada", "roles": ["CUSTOMER"], "createdAt": NOW}
SESSION = {"user": USER, "accessToken": "a", "refreshToken": "r", "tokenType": "Bearer", "expiresIn": 600}


@pytest.mark.parametrize(
    ("path", "body", "status"),
    [
        ("/api/auth/register", REGISTRATION, 201),
        ("/api/auth/login", CREDENTIALS, 200),
        ("/api/auth/refresh", {"refreshToken": "r"}, 200),
    ],
)
async def test_session_is_started(anyone: httpx.AsyncClient, path: str, body: object, status: int) -> None:
    response = await anyone.post(path, json=body)
    assert (response.status_code, response.json()) == (status, SESSION)
    assert response.headers["cache-control"] == "no-store"


@pytest.mark.parametrize(
    ("path", "refusal", "status"),
    [
        ("register", problem("EmailTaken", "EMAIL_TAKEN"), 409),
        ("register", problem("WeakPassword", "WEAK_PASSWORD", minimumLength=8), 422),
        ("login", problem("InvalidCredentials", "INVALID_CREDENTIALS"), 401),
        ("refresh", problem("InvalidToken", "INVALID_TOKEN"), 401),
    ],
)
async def test_refusal_has_the_status_of_its_code(
    anyone: httpx.AsyncClient, bank: FakeBank, path: str, refusal: dict[str, object], status: int
) -> None:
    bank.responses[path] = refusal
    response = await anyone.post(f"/api/auth/{path}", json=BODIES[path])
    assert (response.status_code, response.json()["error"]["code"]) == (status, refusal["code"])


async def test_login_of_a_user_with_a_second_factor_names_the_challenge(
    anyone: httpx.AsyncClient, bank: FakeBank
) -> None:
    facts = {"challenge": "c", "methods": ["PASSKEY", "CODE"], "passkeyOptions": None, "expiresAt": NOW}
    bank.responses["login"] = problem("SecondFactorRequired", "SECOND_FACTOR_REQUIRED", **facts)
    response = await anyone.post("/api/auth/login", json=CREDENTIALS)
    assert (response.status_code, response.headers["www-authenticate"]) == (401, 'Bearer realm="mosafe"')
    assert response.json()["error"]["code"] == "SECOND_FACTOR_REQUIRED"
    assert response.json()["error"]["details"] == {name: value for name, value in facts.items() if value is not None}


async def test_weak_password_reports_the_minimum_length(anyone: httpx.AsyncClient, bank: FakeBank) -> None:
    bank.responses["register"] = problem("WeakPassword", "WEAK_PASSWORD", minimumLength=8)
    response = await anyone.post("/api/auth/register", json=REGISTRATION)
    assert response.json()["error"]["details"] == {"minimumLength": 8}


async def test_every_bad_field_is_listed(anyone: httpx.AsyncClient) -> None:
    response = await anyone.post("/api/auth/register?x=1", json={"email": "no", "name": 3, "nick": "A"})
    assert response.status_code == 400
    listed = {(*field["path"], field["code"]) for field in response.json()["error"]["details"]["fields"]}
    assert listed == {
        ("query", "x", "UNKNOWN"),
        ("body", "nick", "UNKNOWN"),
        ("body", "email", "TOO_SHORT"),
        ("body", "password", "REQUIRED"),
        ("body", "name", "TYPE"),
    }


async def test_bad_field_that_only_the_service_sees_is_listed_too(anyone: httpx.AsyncClient, bank: FakeBank) -> None:
    listed = [{"path": ["input", "email"], "code": "INVALID_FORMAT", "message": "no"}]
    bank.responses["register"] = graphql_error("BAD_USER_INPUT", fields=listed)
    response = await anyone.post("/api/auth/register", json=REGISTRATION)
    assert response.status_code == 400
    assert response.json()["error"]["details"]["fields"] == [{**listed[0], "path": ["body", "email"]}]


async def test_login_ignores_an_old_token(ada: httpx.AsyncClient, bank: FakeBank) -> None:
    assert (await ada.post("/api/auth/login", json=CREDENTIALS)).status_code == 200
    assert "authorization" not in bank.calls[-1][2]


async def test_me_is_the_caller(ada: httpx.AsyncClient) -> None:
    response = await ada.get("/api/auth/me")
    assert (response.status_code, response.json()) == (200, USER)
    assert response.headers["cache-control"] == "private, no-cache"


async def test_request_without_a_token_is_not_signed_in(ada: httpx.AsyncClient, bank: FakeBank) -> None:
    bank.responses["me"] = None
    assert (await ada.get("/api/auth/me")).status_code == 401


async def test_logout_has_no_body(ada: httpx.AsyncClient) -> None:
    response = await ada.delete("/api/auth/logout")
    assert (response.status_code, response.content) == (204, b"")


@pytest.mark.parametrize("authorization", [None, "Bearer stranger", "Basic YTpi", "Bearer \xe9", "Bearer a b"])
async def test_without_a_good_token_is_401_with_a_challenge(
    anyone: httpx.AsyncClient, authorization: str | None
) -> None:
    """A token that is not ASCII was 500."""
    headers = {} if authorization is None else {b"authorization": authorization.encode("latin-1")}
    response = await anyone.get("/api/auth/me", headers=headers)
    assert (response.status_code, response.json()["error"]["code"]) == (401, "UNAUTHENTICATED")
    assert response.headers["www-authenticate"].startswith("Bearer")


WEAK = {"path": ["input", "password"], "code": "WEAK_PASSWORD", "message": "too easy to guess"}
REFUSED_ADDRESS = {"path": ["input", "email"], "code": "INVALID_FORMAT", "message": "not an e-mail address"}


@pytest.mark.parametrize(
    ("path", "change", "refused"),
    [
        ("/api/auth/register", {"email": "nope"}, ("body", "email")),
        ("/api/auth/register", {"name": " "}, ("body", "name")),
        ("/api/auth/register", {"nick": "A"}, ("body", "nick")),
        ("/api/auth/register?x=1", {}, ("query", "x")),
    ],
)
async def test_a_weak_password_is_refused_together_with_any_other_input(
    anyone: httpx.AsyncClient, bank: FakeBank, path: str, change: dict[str, str], refused: tuple[str, str]
) -> None:
    """The response named the address alone, and the next one the password. Only auth knows which ones are weak."""
    bank.responses["register"] = graphql_error("BAD_USER_INPUT", fields=[REFUSED_ADDRESS, WEAK])
    response = await anyone.post(path, json={**REGISTRATION, "password": "password123", **change})
    assert response.status_code == 400
    fields = response.json()["error"]["details"]["fields"]
    assert [tuple(field["path"]) for field in fields] == [refused, ("body", "password")]
    assert fields[-1] == {**WEAK, "path": ["body", "password"]}
    ((_, arguments, _),) = bank.calls
    assert arguments["input"]["email"].startswith("@"), "auth must refuse it: the client got 400, so nobody registers"


async def test_invalid_inputs_are_listed_whatever_becomes_of_the_question_about_the_password(
    anyone: httpx.AsyncClient, bank: FakeBank
) -> None:
    for outcome in (
        graphql_error("RATE_LIMITED"),
        graphql_error("SUBREQUEST_HTTP_ERROR"),
        graphql_error("BAD_USER_INPUT", fields=[REFUSED_ADDRESS]),
        None,
    ):
        bank.responses["register"] = outcome
        response = await anyone.post("/api/auth/register", json={**REGISTRATION, "email": "nope"})
        assert response.status_code == 400
        assert [field["path"] for field in response.json()["error"]["details"]["fields"]] == [["body", "email"]]


@pytest.mark.parametrize("body", [{**REGISTRATION, "email": "nope", "password": 3}, {"email": "nope", "name": "Ada"}])
async def test_auth_is_not_asked_about_a_password_that_is_invalid_or_missing(
    anyone: httpx.AsyncClient, bank: FakeBank, body: dict[str, object]
) -> None:
    assert (await anyone.post("/api/auth/register", json=body)).status_code == 400
    assert bank.calls == []
