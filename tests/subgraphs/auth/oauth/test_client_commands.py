"""`mosafe auth clients`, beside a running service."""

from __future__ import annotations

import asyncio
import re
from typing import TYPE_CHECKING

import httpx
import pytest

from bank import values
from subgraphs.auth.app import create_app
from subgraphs.auth.oauth.clients import Client, GrantType
from tests.subgraphs.auth.client import Auth
from tests.subgraphs.auth.oauth.browser import Flow, Running
from tests.subgraphs.support import GraphQLClient, running

if TYPE_CHECKING:
    from subgraphs.auth.settings import AuthSettings
    from tests.subgraphs.auth.command_line import CommandLine

REDIRECT = "https://shop.example/callback"
CREATED = re.compile(r"client_id: ([0-9a-f]{32})\n(?:client_secret: (\S{43})\n)?")


def created(output: str) -> tuple[str, str | None]:
    match = CREATED.fullmatch(output)
    assert match is not None, output
    return match[1], match[2]


def test_a_client_is_created_listed_and_removed(mosafe_auth: CommandLine) -> None:
    client_id, secret = created(mosafe_auth.output("clients", "create", "Shop", "--redirect-uri", REDIRECT))
    assert secret is not None
    listed = mosafe_auth.output("clients", "list")
    assert all(part in listed for part in (client_id, "Shop", "confidential", "code,refresh", REDIRECT))
    assert secret not in listed
    assert "scopes: email offline_access openid profile\n" in listed
    rotated = mosafe_auth.output("clients", "rotate-secret", client_id).removeprefix("client_secret: ").strip()
    assert rotated not in {"", secret}
    assert mosafe_auth.output("clients", "remove", client_id) == "removed; 0 session(s) of users ended\n"
    assert mosafe_auth.output("clients", "list") == ""


def test_a_public_client_has_no_secret(mosafe_auth: CommandLine) -> None:
    output = mosafe_auth.output("clients", "create", "App", "--public", "--redirect-uri", "http://127.0.0.1/done")
    client_id, secret = created(output)
    assert secret is None
    refused = mosafe_auth.run("clients", "rotate-secret", client_id)
    assert (refused.exit_code, "has no secret" in refused.output) == (1, True)


def test_a_client_can_be_made_to_prove_its_key(mosafe_auth: CommandLine) -> None:
    created(mosafe_auth.output("clients", "create", "App", "--public", "--dpop", "--redirect-uri", REDIRECT))
    assert "; always with DPoP\n" in mosafe_auth.output("clients", "list")


def test_a_client_can_be_made_to_push_its_requests(mosafe_auth: CommandLine) -> None:
    created(mosafe_auth.output("clients", "create", "Shop", "--par", "--redirect-uri", REDIRECT))
    assert "; only pushed requests\n" in mosafe_auth.output("clients", "list")


def test_each_command_is_in_the_audit_log(mosafe_auth: CommandLine) -> None:
    client_id, secret = created(mosafe_auth.output("clients", "create", "Shop", "--redirect-uri", REDIRECT))
    invitation = mosafe_auth.output("clients", "invite", "--scope", "openid").removeprefix("initial_access_token: ")
    rotated = mosafe_auth.output("clients", "rotate-secret", client_id).removeprefix("client_secret: ")
    mosafe_auth.output("clients", "remove", client_id)
    mosafe_auth.run("clients", "remove", client_id)  # it does not exist any more
    text = mosafe_auth.output("audit", "list")
    newest_first = [line.split() for line in text.splitlines()]
    assert [(line[4], line[5]) for line in newest_first] == [
        ("CLIENT_REMOVED", "CLIENT"),
        ("CLIENT_SECRET_ROTATED", "CLIENT"),
        ("CLIENT_INVITED", "INVITATION"),
        ("CLIENT_CREATED", "CLIENT"),
    ]
    assert [line[6] == client_id for line in newest_first] == [True, True, False, True]
    assert "scopes=email offline_access openid profile" in text
    assert not any(each.strip() in text for each in (str(secret), invitation, rotated))
    assert mosafe_auth.output("audit", "verify").startswith("ok: 4 entries")


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (("create", "Shop", "--redirect-uri", "http://shop.example/"), "must begin with https:"),
        (("create", "Shop"), "needs a redirect URI"),
        (("create", "", "--redirect-uri", REDIRECT), "the name must be"),
        (("create", "Job", "--grant", "credentials", "--scope", "bank:payments"), "acts for itself"),
        (("remove", "nobody"), "no application has this id"),
        (("rotate-secret", "nobody"), "no application has this id"),
    ],
)
def test_mistakes_are_explained(mosafe_auth: CommandLine, arguments: tuple[str, ...], message: str) -> None:
    refused = mosafe_auth.run("clients", *arguments)
    assert (refused.exit_code, message in refused.output) == (1, True), refused.output


@pytest.mark.parametrize("settings", ["sqlite"], indirect=True)
async def test_a_removed_client_loses_its_tokens_at_once(settings: AuthSettings, mosafe_auth: CommandLine) -> None:
    arguments = ["clients", "create", "Shop", "--redirect-uri", REDIRECT, "--grant", "code", "--grant", "refresh"]
    scopes = ["--grant", "credentials", *(f"--scope={each}" for each in ("openid", "profile", "bank:read"))]
    client_id, secret = created(await asyncio.to_thread(mosafe_auth.output, *arguments, *scopes))
    assert secret is not None
    app = create_app(settings)
    async with running(app) as http:
        auth = Auth(GraphQLClient(http))
        await auth.sign_up("Ann")
        user, machine = await _tokens(app, http, client_id, secret)
        for token in (user, machine):
            assert (await _userinfo(http, token)) == (200 if token == user else 403)
        output = await asyncio.to_thread(mosafe_auth.output, "clients", "remove", client_id)
        assert output == "removed; 1 session(s) of users ended\n"
        assert [await _userinfo(http, token) for token in (user, machine)] == [401, 401]


async def _userinfo(http: httpx.AsyncClient, token: str) -> int:
    return (await http.get("/oauth/userinfo", headers={"authorization": f"Bearer {token}"})).status_code


async def _tokens(app: object, http: httpx.AsyncClient, client_id: str, secret: str) -> tuple[str, str]:
    """A token of a user, and one of the client itself."""
    scopes = frozenset({"openid", "profile", "bank:read"})
    types = frozenset({GrantType.AUTHORIZATION_CODE})
    client = Client(client_id, "Shop", values.now(), "", (REDIRECT,), (), types, scopes)
    bank = Running(app, http, None, None)  # type: ignore[arg-type]  # only its browser is used
    flow = Flow(client)
    code = (await bank.browser().consent(flow))["code"]
    auth = httpx.BasicAuth(client_id, secret)
    form = {"grant_type": "authorization_code", "code": code, "code_verifier": flow.verifier}
    user = (await http.post("/oauth/token", data=form, auth=auth)).json()
    machine = (await http.post("/oauth/token", data={"grant_type": "client_credentials"}, auth=auth)).json()
    return user["access_token"], machine["access_token"]
