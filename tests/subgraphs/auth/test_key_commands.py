"""`mosafe auth keys`, beside a running service.

Covers `subgraphs/auth/key_commands.py`, `subgraphs/auth/operator_access.py` and `subgraphs/auth/resealing.py`.
"""

from __future__ import annotations

import asyncio
import secrets
from contextlib import asynccontextmanager
from typing import TYPE_CHECKING, Any

import jwt
import pytest

from servicekit.errors import ConfigurationError
from subgraphs.auth import key_ring
from subgraphs.auth.app import create_app
from tests.subgraphs.auth.client import Auth
from tests.subgraphs.support import GraphQLClient, running

if TYPE_CHECKING:
    from collections.abc import AsyncIterator
    from pathlib import Path

    from tests.subgraphs.auth.command_line import CommandLine


@asynccontextmanager
async def service(mosafe_auth: CommandLine) -> AsyncIterator[Auth]:
    async with running(create_app(mosafe_auth.settings)) as http:
        yield Auth(GraphQLClient(http))


async def codes(auth: Auth, session: dict[str, Any]) -> list[str | None]:
    return (await auth.bearing(session["accessToken"]).execute("{ me { id } }")).codes


def ids(output: str) -> list[str]:
    return [line.split()[0] for line in output.splitlines()]


def states(output: str) -> list[str]:
    return [line.split()[1] for line in output.splitlines()]


def test_keys_are_rotated_and_withdrawn(mosafe_auth: CommandLine) -> None:
    assert states(mosafe_auth.output("keys", "list")) == ["signs"]
    assert states(mosafe_auth.output("keys", "rotate")) == ["signs", "published"]
    before = mosafe_auth.output("keys", "list")
    after = mosafe_auth.output("keys", "rotate", "--withdraw")
    assert states(after) == ["signs"]
    assert after.split()[0] not in before


def test_a_key_of_another_algorithm_is_added(mosafe_auth: CommandLine) -> None:
    mosafe_auth.output("keys", "list")
    mosafe_auth.variables["AUTH_SIGNING_ALGORITHM"] = "EdDSA"
    assert [line.split()[1:3] for line in mosafe_auth.output("keys", "list").splitlines()] == [
        ["signs", "ES256"],
        ["published", "EdDSA"],
    ]


def test_the_service_sees_what_an_operator_retires(mosafe_auth: CommandLine, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(key_ring, "READ_AGAIN", key_ring.READ_AGAIN * 0)

    async def check() -> None:
        async with service(mosafe_auth) as auth:
            ann = await auth.sign_up()
            (signing,) = ids(await asyncio.to_thread(mosafe_auth.output, "keys", "list"))
            refused = await asyncio.to_thread(mosafe_auth.run, "keys", "retire", signing)
            assert (refused.exit_code, "this key signs" in refused.stderr) == (1, True)
            assert await codes(auth, ann) == []
            (new,) = ids(await asyncio.to_thread(mosafe_auth.output, "keys", "retire", signing, "--now"))
            assert await codes(auth, ann) == ["UNAUTHENTICATED"]
            renewed = (await auth.mutate("refresh", refreshToken=ann["refreshToken"])).ok()["refresh"]
            assert jwt.get_unverified_header(renewed["accessToken"])["kid"] == new
            assert await codes(auth, renewed) == []

    asyncio.run(check())


def test_a_key_with_a_hyphen_is_not_taken_for_an_option(mosafe_auth: CommandLine) -> None:
    result = mosafe_auth.run("keys", "retire", "-abc")
    assert result.exit_code == 1
    assert "there is no key with this id" in result.stderr


def test_an_old_key_is_retired_when_its_tokens_are_dead(mosafe_auth: CommandLine) -> None:
    mosafe_auth.output("keys", "list")
    signing, unused = ids(mosafe_auth.output("keys", "rotate"))
    assert ids(mosafe_auth.output("keys", "retire", unused)) == [signing]


def test_the_generated_secret_is_replaced_beside_a_running_service(mosafe_auth: CommandLine, tmp_path: Path) -> None:
    secret_file = tmp_path / "secrets" / "jwt.key"

    async def check() -> None:
        async with service(mosafe_auth) as auth:
            ann, before = await auth.sign_up(), secret_file.read_text()
            said = await asyncio.to_thread(mosafe_auth.output, "keys", "reseal")
            assert "1 stored secrets" in said or "2 stored secrets" in said, "a mail may still wait"
            assert secret_file.read_text() != before
            assert secret_file.stat().st_mode & 0o777 == 0o600
            bob = await auth.sign_up("Bob")
            assert await codes(auth, ann) == await codes(auth, bob) == []
        async with service(mosafe_auth) as auth:
            assert await codes(auth, ann) == await codes(auth, bob) == []
            await auth.sign_up("Cid")

    asyncio.run(check())
    assert sorted(path.name for path in secret_file.parent.iterdir()) == ["audit.key", "jwt.key", "service.key"]


def test_after_a_crash_the_command_is_repeated(
    mosafe_auth: CommandLine, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The process dies after the store was changed, and before the file is replaced."""
    before = ids(mosafe_auth.output("keys", "list"))
    with monkeypatch.context() as patch:
        patch.setattr("pathlib.Path.replace", lambda *_: (_ for _ in ()).throw(OSError("no space")))
        died = mosafe_auth.run("keys", "reseal")
    assert "repeat the command" in str(died.exception)
    assert "1 stored secrets" in mosafe_auth.output("keys", "reseal")
    assert ids(mosafe_auth.output("keys", "list")) == before
    assert {path.name for path in (tmp_path / "secrets").iterdir()} == {"audit.key", "jwt.key"}


@pytest.mark.parametrize("in_file", [True, False])
def test_a_given_secret_is_replaced_by_another(mosafe_auth: CommandLine, tmp_path: Path, *, in_file: bool) -> None:
    old, new = secrets.token_hex(32), secrets.token_hex(32)
    mosafe_auth.variables["AUTH_JWT_SECRET"] = old
    before = ids(mosafe_auth.output("keys", "list"))
    with pytest.raises(ConfigurationError, match="AUTH_JWT_NEW_SECRET"):
        raise mosafe_auth.run("keys", "reseal").exception or AssertionError
    if in_file:
        path = tmp_path / "new.key"
        path.touch(0o600)
        path.write_text(new)
        given = {"AUTH_JWT_NEW_SECRET_FILE": str(path)}
    else:
        given = {"AUTH_JWT_NEW_SECRET": new}
    kept = dict(mosafe_auth.variables)
    mosafe_auth.variables |= given
    output = mosafe_auth.output("keys", "reseal")
    assert old not in output
    assert new not in output
    mosafe_auth.variables = {**kept, "AUTH_JWT_SECRET": new}
    assert ids(mosafe_auth.output("keys", "list")) == before
    asyncio.run(_starts(mosafe_auth))
    mosafe_auth.variables["AUTH_JWT_SECRET"] = old
    with pytest.raises(ConfigurationError, match="encrypted with another secret"):
        asyncio.run(_starts(mosafe_auth))


async def _starts(mosafe_auth: CommandLine) -> None:
    async with service(mosafe_auth) as auth:
        await auth.client.execute("{ me { id } }")


@pytest.mark.parametrize(
    "secret",
    ["short", "mosafe-secret-of-the-documentation-0001", "0123456789abcdef0123456789abcdef", "a" * 64],
)
@pytest.mark.parametrize("variable", ["AUTH_JWT_SECRET", "AUTH_JWT_NEW_SECRET"])
def test_production_refuses_a_secret_that_can_be_guessed(mosafe_auth: CommandLine, variable: str, secret: str) -> None:
    mosafe_auth.variables |= {"MOSAFE_ENV": "production", variable: secret}
    with pytest.raises(ConfigurationError, match=variable) as error:
        _ = mosafe_auth.settings
    assert secret not in str(error.value)
