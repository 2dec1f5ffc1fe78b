"""The list of sessions through GraphQL and on the command line, with the processes that see their end at once.

Covers `subgraphs/auth/graphql_sessions.py`, `subgraphs/auth/sessions/session_directory.py` and
`subgraphs/auth/session_commands.py`.
"""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, Any

import jwt
import pytest

from bank import values
from bank.revocation import SqliteRevocationList
from bank.scopes import EMAIL, PROFILE, READ
from servicekit.errors import StoreFailure
from subgraphs.auth.app import create_app
from subgraphs.auth.mail.maildir import MaildirMailer
from subgraphs.auth.oauth.clients import Client
from subgraphs.auth.oauth.store import Grant
from subgraphs.auth.store.factory import STORES
from subgraphs.kit.revocation_list import open_revocation_list
from subgraphs.kit.store_identity import open_joined
from tests.subgraphs.auth.client import PASSWORD, Auth
from tests.subgraphs.auth.mail.mailboxes import mails_in, text_of
from tests.subgraphs.support import GraphQLClient, running

if TYPE_CHECKING:
    from email.message import EmailMessage

    from subgraphs.auth.mail.mailer import Envelope
    from subgraphs.auth.settings import AuthSettings
    from tests.subgraphs.auth.command_line import CommandLine

NODE = "id name device network createdAt lastUsedAt expiresAt isCurrent"
SESSIONS = f"{{ me {{ sessions {{ totalCount nodes {{ {NODE} }} }} }} }}"
FIREFOX = "Mozilla/5.0 (Windows NT 10.0; Win64; x64; rv:140.0) Gecko/20100101 Firefox/140.0"


def id_of(session: dict[str, Any]) -> str:
    return str(jwt.decode(session["accessToken"], options={"verify_signature": False})["sid"])


async def log_in(auth: Auth, email: str = "ann@example.com") -> dict[str, Any]:
    session: dict[str, Any] = (await auth.mutate("login", email=email, password=PASSWORD)).ok()["login"]
    return session


async def sessions_of(auth: Auth, session: dict[str, Any]) -> list[dict[str, Any]]:
    nodes: list[dict[str, Any]] = (await auth.bearing(session["accessToken"]).execute(SESSIONS)).ok()["me"]["sessions"][
        "nodes"
    ]
    return nodes


async def change(auth: Auth, session: dict[str, Any], mutation: str, **fields: str) -> dict[str, Any]:
    kind = f"{mutation[0].upper()}{mutation[1:]}Input"
    declared, given = (f"($input: {kind}!)", "(input: $input)") if fields else ("", "")
    selected = "" if mutation == "renameSession" else "... on EndSessionsSuccess { ended } "
    selected += "... on Problem { code }" if fields else ""
    query = f"mutation {declared} {{ {mutation}{given} {{ __typename {selected} }} }}"
    client = auth.bearing(session["accessToken"])
    response = await client.execute(query, {"input": fields} if fields else None)
    found: dict[str, Any] = response.ok()[mutation]
    return found


async def is_dead(auth: Auth, session: dict[str, Any], settings: AuthSettings) -> bool:
    """Whether the access token is refused here and by other processes, and the refresh token is refused."""
    here = (await auth.bearing(session["accessToken"]).execute("{ me { id } }")).codes == ["UNAUTHENTICATED"]
    async with open_revocation_list(settings) as seen_by_another_process:
        elsewhere = await seen_by_another_process.is_revoked(id_of(session))
    refreshed = (await auth.mutate("refresh", refreshToken=session["refreshToken"])).ok()["refresh"]
    states = {here, elsewhere, refreshed["__typename"] == "InvalidToken"}
    assert len(states) == 1, states
    return here


async def test_a_user_sees_the_own_sessions(auth: Auth) -> None:
    ann, _ = await auth.sign_up("Ann"), await auth.sign_up("Eve")
    auth.client.http.headers["user-agent"] = FIREFOX
    second = await log_in(auth)
    nodes = await sessions_of(auth, second)
    assert [(each["id"], each["device"], each["isCurrent"]) for each in nodes] == [
        (id_of(second), "Firefox on Windows", True),
        (id_of(ann), "Unknown device", False),
    ]
    assert {each["network"] for each in nodes} == {"127.0.0.0/24"}
    assert all(each["createdAt"] == each["lastUsedAt"] < each["expiresAt"] for each in nodes)


async def test_the_list_has_pages(auth: Auth) -> None:
    ann = await auth.sign_up("Ann")
    ids = [id_of(ann), *[id_of(await log_in(auth)) for _ in range(2)]]
    query = """query ($after: String) {
        me { sessions(first: 2, after: $after) { totalCount pageInfo { hasNextPage endCursor } nodes { id } } }
    }"""
    client = auth.bearing(ann["accessToken"])
    first = (await client.execute(query)).ok()["me"]["sessions"]
    assert (first["totalCount"], first["pageInfo"]["hasNextPage"]) == (3, True)
    second = (await client.execute(query, {"after": first["pageInfo"]["endCursor"]})).ok()["me"]["sessions"]
    assert second["pageInfo"]["hasNextPage"] is False
    assert {each["id"] for each in first["nodes"] + second["nodes"]} == set(ids)
    assert (await client.execute(query, {"after": "AAAA"})).codes == ["BAD_USER_INPUT"]


async def test_a_session_gets_a_name(auth: Auth) -> None:
    ann = await auth.sign_up("Ann")
    for name, expected in (("  My laptop ", "My laptop"), ("", None)):
        done = await change(auth, ann, "renameSession", id=id_of(ann), name=name)
        assert done["__typename"] == "RenameSessionSuccess"
        assert [each["name"] for each in await sessions_of(auth, ann)] == [expected]
    query = "mutation ($input: RenameSessionInput!) { renameSession(input: $input) { __typename } }"
    given = {"input": {"id": id_of(ann), "name": "x" * 101}}
    refused = await auth.bearing(ann["accessToken"]).execute(query, given)
    assert refused.codes == ["BAD_USER_INPUT"]
    assert refused.errors[0]["extensions"]["fields"] == [
        {"path": ["input", "name"], "code": "TOO_LONG", "message": "at most 100 characters"}
    ]


async def test_a_session_of_an_application_shows_what_it_may_do(auth: Auth, settings: AuthSettings) -> None:
    ann, now = await auth.sign_up("Ann"), values.now()
    application = await log_in(auth)
    client = Client("0" * 32, "Shop", now, scopes=frozenset({PROFILE, READ, EMAIL}))
    grant = Grant(id_of(application), client.id, ann["user"]["id"], frozenset({READ, PROFILE}), now)
    async with open_joined(settings.place, STORES) as store:
        await store.oauth.add_client(client)
        assert await store.oauth.add_grant(grant)
    query = "{ me { sessions { nodes { id application { clientId name scopes grantedAt } } } } }"
    response = await auth.bearing(ann["accessToken"]).execute(query)
    assert response.ok()["me"]["sessions"]["nodes"] == [
        {
            "id": id_of(application),
            "application": {
                "clientId": client.id,
                "name": "Shop",
                "scopes": [READ, PROFILE],
                "grantedAt": now.isoformat(timespec="milliseconds").replace("+00:00", "Z"),
            },
        },
        {"id": id_of(ann), "application": None},
    ]


async def test_one_session_the_others_or_all_are_ended_at_once(auth: Auth, settings: AuthSettings) -> None:
    eve, first = await auth.sign_up("Eve"), await auth.sign_up("Ann")
    second, third, fourth = [await log_in(auth) for _ in range(3)]
    assert await change(auth, fourth, "endSession", id=id_of(first)) == {"__typename": "EndSessionsSuccess", "ended": 1}
    assert await is_dead(auth, first, settings)
    assert (await change(auth, fourth, "endSession", id=id_of(first)))["code"] == "SESSION_NOT_FOUND"
    assert (await change(auth, fourth, "endOtherSessions"))["ended"] == 2
    assert [await is_dead(auth, each, settings) for each in (second, third)] == [True, True]
    assert [each["id"] for each in await sessions_of(auth, fourth)] == [id_of(fourth)]
    assert (await change(auth, fourth, "endOtherSessions"))["ended"] == 0
    fifth = await log_in(auth)
    assert (await change(auth, fourth, "endAllSessions"))["ended"] == 2
    assert [await is_dead(auth, each, settings) for each in (fourth, fifth)] == [True, True]
    assert not await is_dead(auth, eve, settings)


async def test_nobody_else_sees_names_or_ends_a_session(auth: Auth, settings: AuthSettings) -> None:
    """Also staff do not: they have the command line, whose commands are for operators."""
    ann, eve = await auth.sign_up("Ann"), await auth.sign_up("Eve")
    for mutation, more in (("endSession", {}), ("renameSession", {"name": "Stolen"})):
        assert (await change(auth, eve, mutation, id=id_of(ann), **more))["code"] == "SESSION_NOT_FOUND"
    claim = {"__typename": "User", "id": ann["user"]["id"]}
    response = await auth.bearing(eve["accessToken"]).entities("... on User { sessions { nodes { id } } }", [claim])
    assert (response.data["_entities"][0]["sessions"], response.codes) == (None, ["FORBIDDEN"])
    assert [each["name"] for each in await sessions_of(auth, ann)] == [None]
    assert not await is_dead(auth, ann, settings)


async def test_a_second_try_revokes_what_a_failure_left(
    auth: Auth, settings: AuthSettings, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The list of revocations cannot be written for a moment, after the session has ended in the store."""
    ann, other = await auth.sign_up("Ann"), await log_in(auth)

    async def fail(*_: object) -> None:
        raise StoreFailure("the disk is full")

    with monkeypatch.context() as patch:
        patch.setattr(SqliteRevocationList, "revoke", fail)
        query = "mutation ($input: EndSessionInput!) { endSession(input: $input) { __typename } }"
        failed = await auth.bearing(ann["accessToken"]).execute(query, {"input": {"id": id_of(other)}})
        assert failed.codes == ["SERVICE_UNAVAILABLE"]
    assert (await change(auth, ann, "endSession", id=id_of(other)))["code"] == "SESSION_NOT_FOUND"
    assert await is_dead(auth, other, settings)


async def test_a_new_device_is_reported_by_mail(
    auth: Auth, settings: AuthSettings, monkeypatch: pytest.MonkeyPatch
) -> None:
    await auth.sign_up("Ann")
    auth.client.http.headers["user-agent"] = FIREFOX
    reported, send = asyncio.Event(), MaildirMailer.send

    def reports() -> list[EmailMessage]:
        return [mail for mail in mails_in(settings.mailbox) if mail["Subject"] == "New login to your account"]

    async def send_and_tell(self: MaildirMailer, envelope: Envelope) -> None:
        await send(self, envelope)
        if reports():
            reported.set()

    monkeypatch.setattr(MaildirMailer, "send", send_and_tell)
    await log_in(auth)
    async with asyncio.timeout(60):
        await reported.wait()
    (mail,) = reports()
    assert mail["To"] == "ann@example.com"
    assert "Device:  Firefox on Windows\nNetwork: 127.0.0.0/24\nTime:" in text_of(mail)


def test_operators_list_and_end_sessions(mosafe_auth: CommandLine) -> None:
    async def check() -> None:
        settings = mosafe_auth.settings
        async with running(create_app(settings)) as http:
            auth = Auth(GraphQLClient(http))
            eve, ann = await auth.sign_up("Eve"), await auth.sign_up("Ann")
            await change(auth, ann, "renameSession", id=id_of(ann), name="My laptop")
            second = await log_in(auth)
            lines = (await asyncio.to_thread(mosafe_auth.output, "sessions", "list", "ANN@example.com")).splitlines()
            assert [line.split()[0] for line in lines] == [id_of(second), id_of(ann)]
            assert lines[1].endswith("Unknown device  127.0.0.0/24  My laptop")
            ended = await asyncio.to_thread(
                mosafe_auth.output, "sessions", "end", "ann@example.com", "--id", id_of(ann)
            )
            assert ended == "ended: 1\n"
            assert await is_dead(auth, ann, settings)
            assert not await is_dead(auth, second, settings)
            assert await asyncio.to_thread(mosafe_auth.output, "sessions", "end", "ann@example.com") == "ended: 1\n"
            assert await is_dead(auth, second, settings)
            assert not await is_dead(auth, eve, settings)
            entries = await asyncio.to_thread(mosafe_auth.output, "audit", "list")
            assert entries.count("SESSIONS_ENDED") == 2

    asyncio.run(check())


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (("list", "nobody@example.com"), "no user has this e-mail"),
        (("end", "nobody@example.com"), "no user has this e-mail"),
        (("end", "ann@example.com", "--id", "unknown"), "no session with this id"),
    ],
)
def test_a_refused_command_for_sessions_is_one_line(
    mosafe_auth: CommandLine, arguments: tuple[str, ...], message: str
) -> None:
    mosafe_auth.output("users", "create", "ann@example.com", "--name", "Ann")
    result = mosafe_auth.run("sessions", *arguments)
    assert (result.exit_code, result.stderr.count("\n")) == (1, 1)
    assert message in result.stderr
    assert mosafe_auth.output("sessions", "list", "ann@example.com") == ""
