from __future__ import annotations

import asyncio
import contextlib
import re
import sqlite3
from typing import TYPE_CHECKING, Final

import pytest

from bank import values
from servicekit.errors import ConfigurationError, StartupError, StoreFailure
from subgraphs.auth.app import create_app
from tests.subgraphs.auth.client import Auth
from tests.subgraphs.auth.second_factor.conftest import Desk
from tests.subgraphs.support import GraphQLClient, running

if TYPE_CHECKING:
    from pathlib import Path

    from tests.subgraphs.auth.command_line import CommandLine


CHOSEN: Final = "staple battery horse"


def test_a_new_user_chooses_the_password_with_a_link_that_works_once(mosafe_auth: CommandLine) -> None:
    """ASVS 6.4.1: nobody knows an initial password, and the link dies with its use."""
    output = mosafe_auth.output("users", "create", "root@example.com", "--name", "Root", "--role", "ADMIN")
    match = re.fullmatch(
        r"[0-9a-f-]{36}  root@example\.com  ADMIN\nlink: http://127\.0\.0\.1:3001/account/reset\?token=(\S{43})\n",
        output,
    )
    assert match is not None
    assert choose_password(mosafe_auth, match[1])["__typename"] == "PasswordChanged"
    assert log_in(mosafe_auth, "root@example.com", CHOSEN)["user"]["roles"] == ["ADMIN"]
    assert choose_password(mosafe_auth, match[1])["code"] == "INVALID_LINK"
    assert match[1] not in mosafe_auth.output("users", "list")


def test_the_link_of_a_new_user_ends_after_a_day(mosafe_auth: CommandLine, tmp_path: Path) -> None:
    token = mosafe_auth.output("users", "create", "root@example.com", "--name", "Root").rpartition("token=")[2].strip()
    with contextlib.closing(sqlite3.connect(tmp_path / "auth.sqlite3")) as connection:
        ((lifetime,),) = connection.execute("SELECT expires_at - issued_at FROM links").fetchall()
        assert lifetime == 24 * 60 * 60 * 1000
        connection.execute("UPDATE links SET issued_at = issued_at - ?, expires_at = expires_at - ?", [lifetime] * 2)
        connection.commit()
    assert choose_password(mosafe_auth, token)["code"] == "INVALID_LINK"


def choose_password(mosafe_auth: CommandLine, token: str) -> dict[str, str]:
    """Use the link of a new user."""
    query = (
        "mutation ($input: ResetPasswordInput!)"
        " { resetPassword(input: $input) { __typename ... on Problem { code message } } }"
    )

    async def choose() -> dict[str, str]:
        async with running(create_app(mosafe_auth.settings)) as http:
            response = await GraphQLClient(http).execute(query, {"input": {"token": token, "newPassword": CHOSEN}})
        result: dict[str, str] = response.ok()["resetPassword"]
        return result

    return asyncio.run(choose())


def test_a_password_may_be_typed_instead(mosafe_auth: CommandLine) -> None:
    typed = "correct horse battery\n" * 2
    output = mosafe_auth.output("users", "create", "ann@example.com", "--name", "Ann", "--prompt", typed=typed)
    assert "correct horse" not in output
    assert log_in(mosafe_auth, "ann@example.com", "correct horse battery")["user"]["roles"] == ["CUSTOMER"]


def log_in(mosafe_auth: CommandLine, email: str, password: str) -> dict[str, dict[str, object]]:
    """The session of a user whom the command line created."""

    async def ask() -> dict[str, dict[str, object]]:
        async with running(create_app(mosafe_auth.settings)) as http:
            response = await Auth(GraphQLClient(http)).mutate("login", email=email, password=password)
        session: dict[str, dict[str, object]] = response.ok()["login"]
        assert "accessToken" in session, session
        return session

    return asyncio.run(ask())


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (("users", "create", "ann@EXAMPLE.com", "--name", "Ann"), "already registered"),
        (("users", "create", "nowhere", "--name", " "), "email: not an e-mail address; name: must not be empty"),
        (("users", "grant", "nobody@example.com", "ADMIN"), "no user has this e-mail"),
        (("users", "revoke", "nobody@example.com", "ADMIN"), "no user has this e-mail"),
        (("users", "disable", "nobody@example.com"), "no user has this e-mail"),
        (("users", "enable", "nobody@example.com"), "no user has this e-mail"),
    ],
)
def test_a_refused_command_is_one_line_and_exit_code_1(
    mosafe_auth: CommandLine, arguments: tuple[str, ...], message: str
) -> None:
    mosafe_auth.output("users", "create", "Ann@example.com", "--name", "Ann")
    result = mosafe_auth.run(*arguments)
    assert result.exit_code == 1
    assert re.fullmatch(rf"Error: .*{re.escape(message)}.*\n", result.stderr)


def test_a_weak_typed_password_is_refused(mosafe_auth: CommandLine) -> None:
    result = mosafe_auth.run(
        "users", "create", "ann@example.com", "--name", "Ann", "--prompt", typed="password\npassword\n"
    )
    assert result.exit_code == 1
    assert "too easy to guess" in result.stderr


def test_an_unknown_role_is_refused(mosafe_auth: CommandLine) -> None:
    assert mosafe_auth.run("users", "grant", "ann@example.com", "KING").exit_code == 2


def test_roles_are_granted_and_listed(mosafe_auth: CommandLine) -> None:
    mosafe_auth.output("users", "create", "ann@example.com", "--name", "Ann")
    mosafe_auth.output("users", "create", "bob@example.com", "--name", "Bob")
    assert "CUSTOMER,SUPPORT" in mosafe_auth.output("users", "grant", "ANN@example.com", "SUPPORT")
    lines = mosafe_auth.output("users", "list").splitlines()
    assert [line.split()[2:] for line in lines] == [
        ["ann@example.com", "CUSTOMER,SUPPORT"],
        ["bob@example.com", "CUSTOMER"],
    ]


def test_roles_are_revoked(mosafe_auth: CommandLine) -> None:
    mosafe_auth.output("users", "create", "ann@example.com", "--name", "Ann", "--role", "ADMIN", "--role", "CUSTOMER")
    assert mosafe_auth.output("users", "revoke", "ann@example.com", "ADMIN").split()[2] == "CUSTOMER"
    assert mosafe_auth.output("users", "revoke", "ann@example.com", "ADMIN").split()[2] == "CUSTOMER"


@pytest.mark.parametrize(
    "arguments", [("disable", "ann@example.com"), ("revoke", "ann@example.com", "CUSTOMER")], ids=lambda each: each[0]
)
def test_the_sessions_of_a_disabled_user_end_at_once(mosafe_auth: CommandLine, arguments: tuple[str, ...]) -> None:
    """Holds issue 12, number 9: while the service runs, the very next request with a token of before is refused."""

    async def check() -> None:
        async with running(create_app(mosafe_auth.settings)) as http:
            auth = Auth(GraphQLClient(http))
            ann, bob = await auth.sign_up("Ann"), await auth.sign_up("Bob")
            assert (await auth.bearing(ann["accessToken"]).execute("{ me { id } }")).codes == []
            await asyncio.to_thread(mosafe_auth.output, "users", *arguments)
            assert (await auth.bearing(ann["accessToken"]).execute("{ me { id } }")).codes == ["UNAUTHENTICATED"]
            refreshed = (await auth.mutate("refresh", refreshToken=ann["refreshToken"])).ok()["refresh"]
            assert refreshed["code"] == "INVALID_TOKEN"
            assert (await auth.bearing(bob["accessToken"]).execute("{ me { id } }")).codes == []

    asyncio.run(check())


def test_a_reset_removes_all_factors_and_ends_the_sessions(mosafe_auth: CommandLine) -> None:
    async def check() -> None:
        settings = mosafe_auth.settings
        async with running(create_app(settings)) as http:
            auth = Auth(GraphQLClient(http))
            session = await auth.sign_up("Ann")
            desk = Desk(auth, settings, values.now(), session["accessToken"], session["refreshToken"])
            await desk.enrol_app()
            assert (await desk.log_in())["__typename"] == "SecondFactorRequired"
            reset = ("users", "reset-factors", "ann@example.com")
            await asyncio.to_thread(mosafe_auth.output, *reset, typed="passport, branch 12\n")
            assert (await desk.client.execute("{ me { id } }")).codes == ["UNAUTHENTICATED"]
            assert (await desk.log_in())["__typename"] == "Session"

    asyncio.run(check())
    listed = mosafe_auth.output("audit", "list")
    assert "FACTORS_RESET" in listed
    assert "passport, branch 12" in listed


@pytest.mark.parametrize("evidence", ["", " ", "two\nlines", "x" * 201])
def test_factors_are_not_reset_without_evidence_of_the_identity(mosafe_auth: CommandLine, evidence: str) -> None:
    mosafe_auth.output("users", "create", "ann@example.com", "--name", "Ann")
    refused = mosafe_auth.run("users", "reset-factors", "ann@example.com", "--evidence", evidence)
    assert refused.exit_code == 2
    assert "one line of at most 200 characters" in refused.stderr
    assert "FACTORS_RESET" not in mosafe_auth.output("audit", "list")


def test_a_disabled_user_is_refused_as_with_a_wrong_password(mosafe_auth: CommandLine) -> None:
    password = CHOSEN
    typed = f"{password}\n" * 2
    mosafe_auth.output("users", "create", "ann@example.com", "--name", "Ann", "--prompt", typed=typed)

    async def log_in_with(text: str) -> dict[str, object]:
        async with running(create_app(mosafe_auth.settings)) as http:
            response = await Auth(GraphQLClient(http)).mutate("login", email="ann@example.com", password=text)
        login: dict[str, object] = response.ok()["login"]
        return login

    assert mosafe_auth.output("users", "disable", "ann@example.com").endswith("  disabled\n")
    assert mosafe_auth.output("users", "list").endswith("CUSTOMER  disabled\n")
    assert asyncio.run(log_in_with(password)) == asyncio.run(log_in_with("wrong"))
    assert not mosafe_auth.output("users", "enable", "ann@example.com").endswith("disabled\n")
    assert log_in(mosafe_auth, "ann@example.com", password)["user"]["roles"] == ["CUSTOMER"]


def test_a_locked_database_is_one_line(mosafe_auth: CommandLine, tmp_path: Path) -> None:
    """`servicekit.commands.run` prints it, with exit code 2."""
    mosafe_auth.output("users", "create", "ann@example.com", "--name", "Ann")
    with contextlib.closing(sqlite3.connect(tmp_path / "auth.sqlite3", isolation_level=None)) as other:
        other.execute("BEGIN IMMEDIATE")
        result = mosafe_auth.run("users", "disable", "ann@example.com")
    assert isinstance(result.exception, StartupError | StoreFailure)
    line = result.exception.explanation if isinstance(result.exception, StoreFailure) else str(result.exception)
    assert "auth.sqlite3 is locked by another process" in line
    assert "\n" not in line


def test_a_malformed_variable_is_named(mosafe_auth: CommandLine) -> None:
    mosafe_auth.variables["AUTH_PORT"] = "eighty"
    for arguments in ((), ("users", "list"), ("keys", "list")):
        result = mosafe_auth.run(*arguments)
        assert isinstance(result.exception, ConfigurationError)
        assert str(result.exception).startswith("AUTH_PORT: ")
