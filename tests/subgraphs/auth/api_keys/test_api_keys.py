"""API keys of the running service: create, use, rotate, revoke; what a key may do, and what ends it at once.

Covers `subgraphs/auth/api_keys/api_key.py`, `subgraphs/auth/api_keys/api_key_service.py`,
`subgraphs/auth/api_keys/graphql_api_keys.py`, `subgraphs/auth/api_keys/token_route.py` and
`subgraphs/auth/api_keys/commands.py`.
"""

from __future__ import annotations

import asyncio
import re
import sqlite3
from contextlib import closing
from typing import TYPE_CHECKING, Any

import jwt
import pytest

from bank.api_keys import KEY, TOKEN_PATH
from bank.scopes import EMAIL, PROFILE, READ
from subgraphs.auth.app import create_app
from subgraphs.auth.domain import Role
from tests.subgraphs.auth.client import Auth
from tests.subgraphs.auth.test_authorization import sign_up_staff
from tests.subgraphs.support import GraphQLClient, GraphQLResponse, running

if TYPE_CHECKING:
    from subgraphs.auth.settings import AuthSettings
    from tests.subgraphs.auth.command_line import CommandLine

KEY_FIELDS = "id name scopes createdAt expiresAt revokedAt lastUsedAt secretsEndAt"
SECRET = f"... on ApiKeySecret {{ secret apiKey {{ {KEY_FIELDS} }} }}"
REVOKED = f"... on ApiKeyRevoked {{ apiKey {{ {KEY_FIELDS} }} }}"
ME = "{ me { id email roles } }"


async def mutate(client: GraphQLClient, mutation: str, **given: object) -> GraphQLResponse:
    kind = f"{mutation[0].upper()}{mutation[1:]}Input"
    result = f"__typename {REVOKED if mutation == 'revokeApiKey' else SECRET} ... on Problem {{ code message }}"
    return await client.execute(
        f"mutation ($input: {kind}!) {{ {mutation}(input: $input) {{ {result} }} }}", {"input": given}
    )


async def create(client: GraphQLClient, *scopes: str, name: str = "robot") -> dict[str, Any]:
    response = await mutate(client, "createApiKey", name=name, scopes=list(scopes or (PROFILE, EMAIL)))
    created: dict[str, Any] = response.ok()["createApiKey"]
    return created


async def test_a_machine_acts_as_its_owner_with_a_key(auth: Auth, settings: AuthSettings) -> None:
    ann = await auth.sign_up("Ann")
    created = await create(auth.bearing(ann["accessToken"]))
    assert KEY.fullmatch(created["secret"])
    assert created["apiKey"]["id"] in created["secret"]
    me = (await auth.bearing(created["secret"]).execute(ME)).ok()["me"]
    assert (me["id"], me["email"]) == (ann["user"]["id"], "ann@example.com")
    by_header = await auth.client.execute(ME, headers={"x-api-key": created["secret"]})
    assert by_header.ok()["me"] == me
    (listed,) = (await auth.bearing(ann["accessToken"]).execute(f"{{ apiKeys {{ {KEY_FIELDS} }} }}")).ok()["apiKeys"]
    assert listed["lastUsedAt"] is not None
    assert {**listed, "lastUsedAt": None} == created["apiKey"]
    with closing(sqlite3.connect(settings.database)) as connection:
        stored = "".join(connection.iterdump())
    assert created["secret"] not in stored
    # The secret itself may contain "_".
    assert created["secret"].partition(f"{created['apiKey']['id']}_")[2] not in stored


async def test_a_key_does_only_what_its_scopes_allow(auth: Auth) -> None:
    ann = await auth.sign_up("Ann")
    machine = auth.bearing((await create(auth.bearing(ann["accessToken"]), PROFILE))["secret"])
    response = await machine.execute(ME)
    assert response.data["me"]["email"] is None
    assert response.codes == ["FORBIDDEN"]
    only_read = auth.bearing((await create(auth.bearing(ann["accessToken"]), READ))["secret"])
    assert (await only_read.execute(ME)).codes == ["FORBIDDEN"]
    for query in ("{ apiKeys { id } }", 'mutation { revokeApiKey(input: {id: "x"}) { __typename } }'):
        assert (await machine.execute(query)).codes == ["FORBIDDEN"]


async def test_a_key_has_staff_roles_only_with_their_scope(auth: Auth, settings: AuthSettings) -> None:
    staff = auth.bearing((await sign_up_staff(auth, settings, Role.ADMIN))["accessToken"])
    for scopes, roles in (((PROFILE,), ["CUSTOMER"]), ((PROFILE, "bank:staff"), ["ADMIN", "CUSTOMER"])):
        secret = (await create(staff, *scopes))["secret"]
        response = await auth.client.http.post(TOKEN_PATH, headers={"authorization": f"Bearer {secret}"})
        document = response.json()
        assert response.headers["cache-control"] == "no-store"
        assert document["token_type"] == "Bearer"
        assert 0 < document["expires_in"] <= 600
        claims = jwt.decode(document["access_token"], options={"verify_signature": False})
        assert claims["roles"] == roles
        assert claims["scope"].split() == sorted(scopes)
        assert claims["client_id"].startswith("api-key:")
        assert "acr" not in claims
        assert (await auth.bearing(document["access_token"]).execute("{ me { id } }")).codes == []


async def test_a_revoked_key_is_refused_at_once(auth: Auth) -> None:
    ann = auth.bearing((await auth.sign_up("Ann"))["accessToken"])
    created = await create(ann)
    machine = auth.bearing(created["secret"])
    token = await access_token(auth, created["secret"])
    assert (await machine.execute(ME)).codes == []
    revoked = (await mutate(ann, "revokeApiKey", id=created["apiKey"]["id"])).ok()["revokeApiKey"]
    assert revoked["apiKey"]["revokedAt"] is not None
    assert (await machine.execute(ME)).codes == ["UNAUTHENTICATED"]
    assert (await auth.bearing(token).execute(ME)).codes == ["UNAUTHENTICATED"]
    again = (await mutate(ann, "revokeApiKey", id=created["apiKey"]["id"])).ok()["revokeApiKey"]
    assert again["code"] == "INVALID_API_KEY"


async def access_token(auth: Auth, secret: str) -> str:
    response = await auth.client.http.post(TOKEN_PATH, headers={"x-api-key": secret})
    return str(response.json()["access_token"])


async def test_after_a_rotation_both_secrets_work_until_the_overlap_ends(auth: Auth) -> None:
    ann = auth.bearing((await auth.sign_up("Ann"))["accessToken"])
    created = await create(ann)
    key_id = created["apiKey"]["id"]
    assert (await auth.bearing(created["secret"]).execute(ME)).codes == []
    rotated = (await mutate(ann, "rotateApiKey", id=key_id, overlapHours=1)).ok()["rotateApiKey"]
    assert len(rotated["apiKey"]["secretsEndAt"]) == 2
    for secret in (created["secret"], rotated["secret"]):
        assert (await auth.bearing(secret).execute(ME)).codes == []
    third = (await mutate(ann, "rotateApiKey", id=key_id, overlapHours=0)).ok()["rotateApiKey"]
    assert len(third["apiKey"]["secretsEndAt"]) == 1
    codes = [(await auth.bearing(each["secret"]).execute(ME)).codes for each in (created, rotated, third)]
    assert codes == [["UNAUTHENTICATED"], ["UNAUTHENTICATED"], []]


async def test_a_key_ends_with_its_owner(auth: Auth, settings: AuthSettings) -> None:
    ann = await auth.sign_up("Ann")
    secret = (await create(auth.bearing(ann["accessToken"])))["secret"]
    admin = auth.bearing((await sign_up_staff(auth, settings, Role.ADMIN))["accessToken"])
    change = "mutation ($id: ID!) {{ {}(input: {{userId: $id}}) {{ __typename }} }}"
    assert (await auth.bearing(secret).execute(ME)).codes == []
    (await admin.execute(change.format("disableUser"), {"id": ann["user"]["id"]})).ok()
    assert (await auth.bearing(secret).execute(ME)).codes == ["UNAUTHENTICATED"]
    (await admin.execute(change.format("enableUser"), {"id": ann["user"]["id"]})).ok()
    assert (await auth.bearing(secret).execute(ME)).codes == []


async def test_others_neither_rotate_nor_revoke_a_key(auth: Auth, settings: AuthSettings) -> None:
    ann, eve = await auth.sign_up("Ann"), await auth.sign_up("Eve")
    created = await create(auth.bearing(ann["accessToken"]))
    key_id = created["apiKey"]["id"]
    admin = auth.bearing((await sign_up_staff(auth, settings, Role.ADMIN))["accessToken"])
    for client in (auth.bearing(eve["accessToken"]), admin):
        assert (await mutate(client, "rotateApiKey", id=key_id)).ok()["rotateApiKey"]["code"] == "INVALID_API_KEY"
        assert (await client.execute("{ apiKeys { id } }")).ok()["apiKeys"] == []
    eves = await mutate(auth.bearing(eve["accessToken"]), "revokeApiKey", id=key_id)
    assert eves.ok()["revokeApiKey"]["code"] == "INVALID_API_KEY"
    assert (await auth.bearing(created["secret"]).execute(ME)).codes == []
    revoked = (await mutate(admin, "revokeApiKey", id=key_id)).ok()["revokeApiKey"]
    assert revoked["__typename"] == "ApiKeyRevoked"
    log = (await admin.execute("{ auditLog { nodes { action subjectId } } }")).ok()["auditLog"]["nodes"]
    assert [entry for entry in log if entry["subjectId"] == key_id] == [
        {"action": "API_KEY_REVOKED", "subjectId": key_id},
        {"action": "API_KEY_CREATED", "subjectId": key_id},
    ]


@pytest.mark.parametrize(
    "given",
    [
        {"name": " ", "scopes": [READ]},
        {"name": "x", "scopes": []},
        {"name": "x", "scopes": ["everything"]},
        {"name": "x", "scopes": [READ], "days": 0},
        {"name": "x", "scopes": [READ], "days": 367},
    ],
)
async def test_a_key_that_is_not_valid_is_bad_input(auth: Auth, given: dict[str, object]) -> None:
    ann = auth.bearing((await auth.sign_up("Ann"))["accessToken"])
    assert (await mutate(ann, "createApiKey", **given)).codes == ["BAD_USER_INPUT"]
    assert (await mutate(ann, "rotateApiKey", id="x", overlapHours=721)).codes == ["BAD_USER_INPUT"]


async def test_the_number_of_keys_is_limited(auth: Auth) -> None:
    ann = auth.bearing((await auth.sign_up("Ann"))["accessToken"])
    for number in range(20):
        await create(ann, name=f"robot {number}")
    assert (await create(ann))["code"] == "LIMIT_REACHED"


@pytest.mark.parametrize("sent", ["", "Bearer msk_", f"Bearer msk_{'0' * 16}_{'A' * 43}", "Basic x", "Bearer x.y.z"])
async def test_what_is_no_key_is_refused_in_the_same_way(auth: Auth, sent: str) -> None:
    response = await auth.client.http.post(TOKEN_PATH, headers={"authorization": sent})
    assert (response.status_code, response.json()) == (401, {"error": "invalid_client"})
    assert response.headers["www-authenticate"] == "Bearer"
    assert (await auth.client.execute(ME, headers={"authorization": sent})).codes == ["UNAUTHENTICATED"]


def test_operators_manage_keys_on_the_command_line(mosafe_auth: CommandLine) -> None:
    mosafe_auth.output("users", "create", "robot@example.com", "--name", "Robot")
    arguments = ("--name", "nightly", "--scope", PROFILE, "--scope", EMAIL)
    created = mosafe_auth.output("api-keys", "create", "robot@example.com", *arguments)
    match = re.search(r"secret: (msk_([0-9a-f]{16})_\S{43})\n", created)
    assert match is not None
    assert match[2] in mosafe_auth.output("api-keys", "list", "robot@example.com")
    rotated = mosafe_auth.output("api-keys", "rotate", match[2]).rpartition("secret: ")[2].strip()

    async def check() -> None:
        async with running(create_app(mosafe_auth.settings)) as http:
            auth = Auth(GraphQLClient(http))
            for secret in (match[1], rotated):
                assert (await auth.bearing(secret).execute(ME)).codes == []
            await asyncio.to_thread(mosafe_auth.output, "api-keys", "revoke", match[2])
            for secret in (match[1], rotated):
                assert (await auth.bearing(secret).execute(ME)).codes == ["UNAUTHENTICATED"]

    asyncio.run(check())
    assert mosafe_auth.output("api-keys", "list", "robot@example.com") == ""
    log = mosafe_auth.output("audit", "list")
    assert [f"API_KEY_{what}" in log for what in ("CREATED", "ROTATED", "REVOKED")] == [True] * 3
    assert match[1] not in log


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (("create", "nobody@example.com", "--name", "x", "--scope", READ), "no user has this e-mail"),
        (("list", "nobody@example.com"), "no user has this e-mail"),
        (("rotate", "0" * 16), "no valid key"),
        (("rotate", "0" * 16, "--overlap-hours", "1000"), "overlapHours"),
        (("revoke", "0" * 16), "no valid key"),
    ],
)
def test_a_refused_command_for_keys_is_one_line(
    mosafe_auth: CommandLine, arguments: tuple[str, ...], message: str
) -> None:
    result = mosafe_auth.run("api-keys", *arguments)
    assert result.exit_code == 1
    assert re.fullmatch(rf"Error: .*{message}.*\n", result.stderr)
