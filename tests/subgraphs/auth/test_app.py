"""The service over HTTP: sessions from registration to logout.

Covers `subgraphs/auth/app.py`, `subgraphs/auth/open_parts.py`, `subgraphs/auth/use_cases.py`,
`subgraphs/auth/identity_service.py`, `subgraphs/auth/tokens.py` and
`subgraphs/auth/settings.py`.
"""

from __future__ import annotations

import asyncio
import base64
import contextlib
import re
import sqlite3
from typing import TYPE_CHECKING, Any

import argon2
import jwt
import pytest
from structlog.testing import capture_logs

from bank import values
from bank.identity import RemoteKeys, TokenVerifier
from bank.revocation import FILE_NAME, SqliteRevocationList
from servicekit.errors import ConfigurationError, StartupError
from servicekit.settings import load
from subgraphs.auth import password_hashing
from subgraphs.auth.app import create_app
from subgraphs.auth.settings import AuthSettings
from tests.subgraphs.auth.client import PASSWORD, Auth
from tests.subgraphs.support import GraphQLClient, running

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

ME = "{ me { id name email roles createdAt } }"


async def test_a_new_customer_is_logged_in(auth: Auth) -> None:
    session = await auth.sign_up("Ann", "Ann@Example.com")
    assert (session["tokenType"], session["expiresIn"]) == ("Bearer", 600)
    user = session["user"]
    assert values.is_user_id(user["id"])
    assert (user["name"], user["email"], user["roles"]) == ("Ann", "Ann@example.com", ["CUSTOMER"])
    assert re.fullmatch(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z", user["createdAt"])
    assert (await auth.bearing(session["accessToken"]).execute(ME)).ok() == {"me": user}


async def test_an_access_token_has_the_documented_claims(auth: Auth) -> None:
    session = await auth.sign_up()
    header = jwt.get_unverified_header(session["accessToken"])
    (key,) = (await auth.client.http.get("/.well-known/jwks.json")).json()["keys"]
    assert header == {"alg": "ES256", "typ": "at+jwt", "kid": key["kid"]}
    claims = jwt.decode(session["accessToken"], jwt.PyJWK(key), audience="mosafe", issuer="http://auth.test")
    assert claims.keys() == {"iss", "aud", "sub", "sid", "roles", "scope", "iat", "exp", "jti"} | {
        "acr",
        "amr",
        "auth_time",
    }
    assert (claims["sub"], claims["roles"], claims["scope"]) == (session["user"]["id"], ["CUSTOMER"], "")
    assert claims["exp"] - claims["iat"] == 600
    assert (claims["acr"], claims["amr"], claims["auth_time"]) == ("urn:bank:password", ["pwd"], claims["iat"])


async def test_another_process_verifies_tokens_with_the_published_keys(auth: Auth, settings: AuthSettings) -> None:
    session = await auth.sign_up()
    keys = RemoteKeys.at("http://subgraph.test/.well-known/jwks.json", auth.client.http)
    with contextlib.closing(SqliteRevocationList(settings.data_dir)) as revocations:
        verifier = TokenVerifier(issuer=settings.issuer, keys=keys, revocations=revocations)
        assert (await verifier.verify(session["accessToken"])).user_id == session["user"]["id"]


async def test_the_key_set_may_be_cached_and_has_no_private_part(auth: Auth) -> None:
    response = await auth.client.http.get("/.well-known/jwks.json")
    assert response.headers["cache-control"] == "public, max-age=300"
    assert response.headers["content-type"] == "application/jwk-set+json"
    assert all("d" not in key for key in response.json()["keys"])
    head = await auth.client.http.head("/.well-known/jwks.json")
    assert (head.status_code, head.content) == (200, b"")


async def test_an_e_mail_address_is_registered_once_in_any_case(auth: Auth) -> None:
    await auth.sign_up("Ann", "ann@example.com")
    response = await auth.mutate("register", email="ANN@EXAMPLE.COM", password=PASSWORD, name="Eve")
    assert response.ok()["register"] == {
        "__typename": "EmailTaken",
        "code": "EMAIL_TAKEN",
        "message": "This e-mail address is already registered",
    }


@pytest.mark.parametrize("password", ["short", "password", "zzzzzzzzzz", "ann@example.com"])
async def test_a_weak_password_is_refused_and_no_user_registered(auth: Auth, password: str) -> None:
    query = """mutation ($input: RegisterInput!) { register(input: $input) {
        __typename ... on WeakPassword { code message minimumLength } } }"""
    fields = {"email": "ann@example.com", "password": password, "name": "Ann"}
    problem = (await auth.client.execute(query, {"input": fields})).ok()["register"]
    assert (problem["__typename"], problem["code"], problem["minimumLength"]) == ("WeakPassword", "WEAK_PASSWORD", 8)
    assert problem["message"].startswith("The password ")
    await auth.sign_up("Ann", "ann@example.com")


async def test_every_invalid_field_is_named(auth: Auth) -> None:
    response = await auth.mutate("register", email="nowhere", password="x" * 300, name="  ")
    (error,) = response.errors
    assert response.data == {"register": None}
    assert error["extensions"]["code"] == "BAD_USER_INPUT"
    assert [(field["path"], field["code"]) for field in error["extensions"]["fields"]] == [
        (["input", "email"], "INVALID_FORMAT"),
        (["input", "password"], "TOO_LONG"),
        (["input", "name"], "REQUIRED"),
    ]


async def test_a_weak_password_is_named_beside_an_invalid_address(auth: Auth) -> None:
    """The answer named the address alone, and the next one the password."""
    response = await auth.mutate("register", email="nope", password="password", name="Ann")
    (error,) = response.errors
    assert [(field["path"], field["code"]) for field in error["extensions"]["fields"]] == [
        (["input", "email"], "INVALID_FORMAT"),
        (["input", "password"], "WEAK_PASSWORD"),
    ]


async def test_login_begins_another_session(auth: Auth) -> None:
    first = await auth.sign_up("Ann", "ann@example.com")
    second = (await auth.mutate("login", email="ANN@example.COM", password=PASSWORD)).ok()["login"]
    assert second["user"] == first["user"]
    assert session_id(second) != session_id(first)


def session_id(session: dict[str, Any]) -> str:
    claims = jwt.decode(session["accessToken"], options={"verify_signature": False})
    text: str = claims["sid"]
    return text


@pytest.mark.parametrize(
    ("email", "password"),
    [
        ("ann@example.com", "wrong horse battery"),
        ("ann@example.com", ""),
        ("ann@example.com", "x" * 100_000),
        ("nobody@example.com", PASSWORD),
        ("not an address", PASSWORD),
        ("", PASSWORD),
    ],
)
async def test_all_wrong_credentials_get_the_same_response(auth: Auth, email: str, password: str) -> None:
    await auth.sign_up("Ann", "ann@example.com")
    assert (await auth.mutate("login", email=email, password=password)).ok()["login"] == {
        "__typename": "InvalidCredentials",
        "code": "INVALID_CREDENTIALS",
        "message": "E-mail or password is wrong",
    }


@contextlib.contextmanager
def other_connection(path: Path) -> Iterator[sqlite3.Connection]:
    """A connection beside the running service.

    It must write in a thread: a statement that waits for the service's transaction would stop the event loop, so that
    the transaction never ends.
    """
    with contextlib.closing(sqlite3.connect(path, isolation_level=None, check_same_thread=False)) as connection:
        yield connection


async def test_a_hash_of_old_parameters_is_replaced_at_login(auth: Auth, settings: AuthSettings) -> None:
    await auth.sign_up("Ann", "ann@example.com")
    old = argon2.PasswordHasher(time_cost=1, memory_cost=8192).hash(PASSWORD)
    with other_connection(settings.database) as database:
        await asyncio.to_thread(database.execute, "UPDATE users SET password_hash = ?", (old,))
        for _ in range(2):
            response = await auth.mutate("login", email="ann@example.com", password=PASSWORD)
            assert response.ok()["login"]["__typename"] == "Session"
        ((renewed,),) = database.execute("SELECT password_hash FROM users").fetchall()
        assert argon2.extract_parameters(renewed).memory_cost == password_hashing.MEMORY_KIB


async def test_a_refresh_continues_the_session(auth: Auth) -> None:
    session = await auth.sign_up()
    for _ in range(3):
        following = (await auth.mutate("refresh", refreshToken=session["refreshToken"])).ok()["refresh"]
        assert following["__typename"] == "Session"
        assert following["user"] == session["user"]
        assert session_id(following) == session_id(session)
        assert following["refreshToken"] != session["refreshToken"]
        session = following
    assert (await auth.bearing(session["accessToken"]).execute(ME)).ok()


async def refresh_is_refused(auth: Auth, token: str) -> bool:
    outcome = (await auth.mutate("refresh", refreshToken=token)).ok()["refresh"]
    return bool(outcome["__typename"] == "InvalidToken" and outcome["code"] == "INVALID_TOKEN")


async def test_a_reused_refresh_token_ends_the_session_with_all_its_tokens(auth: Auth) -> None:
    other = await auth.sign_up("Bob")
    first = await auth.sign_up("Ann")
    second = (await auth.mutate("refresh", refreshToken=first["refreshToken"])).ok()["refresh"]
    third = (await auth.mutate("refresh", refreshToken=second["refreshToken"])).ok()["refresh"]
    assert await refresh_is_refused(auth, first["refreshToken"])
    assert await refresh_is_refused(auth, third["refreshToken"])
    for session in (first, second, third):
        assert (await auth.bearing(session["accessToken"]).execute(ME)).codes == ["UNAUTHENTICATED"]
    assert (await auth.bearing(other["accessToken"]).execute(ME)).ok()


async def test_a_refresh_whose_answer_was_lost_is_answered_again(auth: Auth) -> None:
    first = await auth.sign_up("Ann")
    lost, again = [(await auth.mutate("refresh", refreshToken=first["refreshToken"])).ok()["refresh"] for _ in range(2)]
    assert lost["refreshToken"] == again["refreshToken"] != first["refreshToken"]
    for session in (first, lost, again):
        assert (await auth.bearing(session["accessToken"]).execute(ME)).ok()


async def test_the_database_has_only_digests_of_refresh_tokens(auth: Auth, settings: AuthSettings) -> None:
    first = await auth.sign_up("Ann")
    second = (await auth.mutate("refresh", refreshToken=first["refreshToken"])).ok()["refresh"]
    files = [path.read_bytes() for path in settings.data_dir.rglob("*") if path.is_file()]
    assert any(b"ann@example.com" in content for content in files)
    for session in (first, second):
        for part in session["refreshToken"].split("."):  # the family of the session, and the secret of the token
            raw = base64.urlsafe_b64decode(part + "=" * (-len(part) % 4))
            assert not any(part.encode() in content or raw in content for content in files)


@pytest.mark.parametrize("token", ["", "x", "' OR 1=1", "x" * 10_000])
async def test_an_unknown_refresh_token_is_refused(auth: Auth, token: str) -> None:
    assert await refresh_is_refused(auth, token)


async def test_access_and_refresh_tokens_are_not_interchangeable(auth: Auth) -> None:
    session = await auth.sign_up()
    assert await refresh_is_refused(auth, session["accessToken"])
    assert (await auth.bearing(session["refreshToken"]).execute(ME)).codes == ["UNAUTHENTICATED"]


async def test_logout_ends_the_session_at_once_and_no_other(auth: Auth, settings: AuthSettings) -> None:
    session = await auth.sign_up("Ann", "ann@example.com")
    other = (await auth.mutate("login", email="ann@example.com", password=PASSWORD)).ok()["login"]
    client = auth.bearing(session["accessToken"])
    response = (await client.execute("mutation { logout { ... on LogoutSuccess { loggedOutAt } } }")).ok()
    assert values.parse_timestamp(response["logout"]["loggedOutAt"]) <= values.now()
    assert (await client.execute(ME)).codes == ["UNAUTHENTICATED"]
    assert await refresh_is_refused(auth, session["refreshToken"])
    with contextlib.closing(SqliteRevocationList(settings.data_dir)) as seen_by_another_process:
        assert await seen_by_another_process.is_revoked(session_id(session))
        assert not await seen_by_another_process.is_revoked(session_id(other))
    assert (await auth.bearing(other["accessToken"]).execute(ME)).ok()


@pytest.mark.parametrize("operation", [ME, "mutation { logout { __typename } }"])
@pytest.mark.parametrize("token", [None, "nonsense"])
async def test_without_a_valid_token_there_is_no_caller(auth: Auth, operation: str, token: str | None) -> None:
    response = await auth.bearing(token).execute(operation)
    assert response.codes == ["UNAUTHENTICATED"]
    assert list(response.data.values()) == [None]


async def test_an_expired_token_does_not_prevent_a_login(auth: Auth) -> None:
    await auth.sign_up("Ann", "ann@example.com")
    stale = Auth(auth.bearing("nonsense"))
    assert (await stale.mutate("login", email="ann@example.com", password=PASSWORD)).ok()["login"]["accessToken"]


async def test_everything_survives_a_restart(settings: AuthSettings) -> None:
    async with running(create_app(settings)) as http:
        session = await Auth(GraphQLClient(http)).sign_up()
    async with running(create_app(settings)) as http:
        again = Auth(GraphQLClient(http))
        assert (await again.bearing(session["accessToken"]).execute(ME)).ok()
        assert (await again.mutate("refresh", refreshToken=session["refreshToken"])).ok()["refresh"]["accessToken"]


async def test_a_crash_between_ending_and_revoking_is_repaired_at_start(settings: AuthSettings) -> None:
    async with running(create_app(settings)) as http:
        session = await Auth(GraphQLClient(http)).sign_up()
    with contextlib.closing(sqlite3.connect(settings.database, isolation_level=None)) as database:
        database.execute("UPDATE sessions SET ended_at = ?", (int(values.now().timestamp() * 1000),))
    async with running(create_app(settings)) as http:
        response = await GraphQLClient(http, session["accessToken"]).execute(ME)
        assert response.codes == ["UNAUTHENTICATED"]


@pytest.mark.parametrize(
    ("email", "password"),
    [
        ("ann@example.com", "wrong"),
        ("nobody@example.com", "wrong"),
        ("not an address", "wrong"),
        ("ann@example.com", "x" * 100_000),
        ("disabled@example.com", PASSWORD),
    ],
)
async def test_every_refused_login_computes_one_hash_and_has_one_answer(
    auth: Auth, settings: AuthSettings, monkeypatch: pytest.MonkeyPatch, email: str, password: str
) -> None:
    """Neither the answer nor the number of hashes tells whether an account exists."""
    await auth.sign_up("Ann")
    user = (await auth.sign_up("Disabled"))["user"]
    with other_connection(settings.database) as database:
        await asyncio.to_thread(database.execute, "UPDATE users SET disabled_at = 1 WHERE id = ?", (user["id"],))
    hashes: list[str] = []
    matches, hash_password = argon2.PasswordHasher.verify, argon2.PasswordHasher.hash

    def verify(self: argon2.PasswordHasher, encoded: str, given: bytes) -> bool:
        hashes.append(encoded)
        return matches(self, encoded, given)

    def computed(self: argon2.PasswordHasher, given: bytes) -> str:
        hashes.append("")
        return hash_password(self, given)

    monkeypatch.setattr(argon2.PasswordHasher, "verify", verify)
    monkeypatch.setattr(argon2.PasswordHasher, "hash", computed)
    answer = (await auth.mutate("login", email=email, password=password)).ok()["login"]
    assert answer == {
        "__typename": "InvalidCredentials",
        "code": "INVALID_CREDENTIALS",
        "message": "E-mail or password is wrong",
    }
    assert len(hashes) == 1


async def test_the_log_has_the_paths_of_the_routes(auth: Auth) -> None:
    with capture_logs() as lines:
        await auth.client.http.get("/.well-known/jwks.json")
        await auth.client.execute(ME)
        await auth.client.http.get("/ann@example.com")
    paths = [line["path"] for line in lines if line["event"] == "request"]
    assert paths == ["/.well-known/jwks.json", "/graphql", "(unknown path)"]


@pytest.mark.usefixtures("limits_without_time")
async def test_the_limits_of_logins_are_settings(tmp_path: Path) -> None:
    environ = {
        "SUBGRAPH_SIGNATURES": "off",
        "MOSAFE_DATA_DIR": str(tmp_path),
        "AUTH_LOGIN_FAILURES_PER_ACCOUNT": "2",
        "AUTH_LOGIN_FAILURES_PER_ADDRESS": "4",
        "AUTH_REGISTRATIONS_PER_ADDRESS": "1",
    }
    async with running(create_app(load(AuthSettings, environ))) as http:
        auth = Auth(GraphQLClient(http))
        await auth.sign_up("Ann")
        another = await auth.mutate("register", email="b@example.com", password=PASSWORD, name="Bob")
        logins = [await auth.mutate("login", email="ann@example.com", password="wrong") for _ in range(3)]
        others = [await auth.mutate("login", email=f"{n}@example.com", password="wrong") for n in range(3)]
    assert another.codes == ["RATE_LIMITED"]
    assert [response.codes for response in logins] == [[], [], ["RATE_LIMITED"]]
    assert [response.codes for response in others] == [[], [], ["RATE_LIMITED"]]


async def test_a_locked_store_is_unavailable(auth: Auth, settings: AuthSettings) -> None:
    """Holds issue 12, number 13 for this service: a locked file was an internal error."""
    session = await auth.sign_up()
    with other_connection(settings.database) as other:
        await asyncio.to_thread(other.execute, "BEGIN IMMEDIATE")
        login = await auth.mutate("login", email="ann@example.com", password=PASSWORD)
        # Reading goes on.
        me = await auth.bearing(session["accessToken"]).execute(ME)
    assert login.codes == ["SERVICE_UNAVAILABLE"]
    assert me.codes == []
    assert (await auth.mutate("login", email="ann@example.com", password=PASSWORD)).codes == []


async def test_a_locked_list_of_revocations_does_not_end_a_session_halfway(auth: Auth, settings: AuthSettings) -> None:
    session = await auth.sign_up()
    with other_connection(settings.data_dir / FILE_NAME) as other:
        await asyncio.to_thread(other.execute, "BEGIN IMMEDIATE")
        logout = await auth.bearing(session["accessToken"]).execute("mutation { logout { __typename } }")
    assert logout.codes == ["SERVICE_UNAVAILABLE"]
    assert (await auth.bearing(session["accessToken"]).execute("mutation { logout { __typename } }")).codes == []
    assert (await auth.bearing(session["accessToken"]).execute(ME)).codes == ["UNAUTHENTICATED"]


async def test_a_locked_store_stops_the_start_with_one_line(settings: AuthSettings) -> None:
    async with running(create_app(settings)):
        pass
    with contextlib.closing(sqlite3.connect(settings.database, isolation_level=None)) as other:
        other.execute("BEGIN EXCLUSIVE")
        with pytest.raises(StartupError, match="locked"):
            async with running(create_app(settings)):
                pass


async def test_no_password_or_token_is_written_to_disk(auth: Auth, settings: AuthSettings) -> None:
    session = await auth.sign_up()
    written = b"".join(path.read_bytes() for path in settings.data_dir.rglob("*") if path.is_file())
    for secret in (PASSWORD, session["refreshToken"], session["accessToken"]):
        assert secret.encode() not in written


async def test_a_secret_that_did_not_seal_the_keys_stops_the_start(tmp_path: Path) -> None:
    environ = {"MOSAFE_ENV": "development", "MOSAFE_DATA_DIR": str(tmp_path)}
    async with running(create_app(load(AuthSettings, environ))):
        pass
    other = create_app(load(AuthSettings, {**environ, "AUTH_JWT_SECRET": "x" * 32}))
    with pytest.raises(ConfigurationError, match="AUTH_JWT_SECRET"):
        async with running(other):
            pass


async def test_processes_share_users_sessions_and_keys_in_postgresql(tmp_path: Path, postgres_url: str) -> None:
    environ = {
        "MOSAFE_ENV": "development",
        "MOSAFE_DATA_DIR": str(tmp_path),
        "AUTH_ISSUER": "http://auth.test",
        "AUTH_DB_URL": postgres_url,
        "SUBGRAPH_SIGNATURES": "off",
    }
    settings = load(AuthSettings, environ)
    async with running(create_app(settings)) as one, running(create_app(settings)) as two:
        first, second = Auth(GraphQLClient(one)), Auth(GraphQLClient(two))
        session = await first.sign_up("Ann")
        response = await second.bearing(session["accessToken"]).execute("{ me { name } }")
        assert response.ok() == {"me": {"name": "Ann"}}
        refreshed = (await second.mutate("refresh", refreshToken=session["refreshToken"])).ok()["refresh"]
        assert refreshed["__typename"] == "Session"
        again = (await first.mutate("refresh", refreshToken=session["refreshToken"])).ok()["refresh"]
        assert again["refreshToken"] == refreshed["refreshToken"]
        await first.mutate("refresh", refreshToken=refreshed["refreshToken"])
        again = (await first.mutate("refresh", refreshToken=session["refreshToken"])).ok()["refresh"]
        assert again["__typename"] == "InvalidToken"
        ended = await second.bearing(refreshed["accessToken"]).execute("{ me { name } }")
        assert ended.codes == ["UNAUTHENTICATED"]
        assert (await one.get("/health/ready")).status_code == 200


async def test_an_unknown_kind_of_database_stops_the_start(tmp_path: Path) -> None:
    environ = {"MOSAFE_DATA_DIR": str(tmp_path), "AUTH_DB_URL": "mysql://user:pass@auth-db:3306/auth"}
    with pytest.raises(ConfigurationError, match="AUTH_DB_URL"):
        async with running(create_app(load(AuthSettings, environ))):
            pass


async def test_the_service_is_ready_once_it_runs(auth: Auth) -> None:
    assert (await auth.client.http.get("/health/ready")).status_code == 200
    assert (await auth.client.http.get("/health/live")).status_code == 200
