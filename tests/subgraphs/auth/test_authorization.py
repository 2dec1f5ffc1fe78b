"""Who sees which field of a user, on every path, with forged representations on the service's own port (bank §2.2).

Covers `subgraphs/auth/schema.py`, `subgraphs/auth/context.py` and `subgraphs/auth/loaders.py`.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

from bank import values
from bank.identity import ADMIN, SUPPORT
from subgraphs.auth.domain import Role
from subgraphs.auth.schema import build_schema
from subgraphs.auth.store.factory import STORES
from subgraphs.auth.store.postgres import PostgresAuthStore
from subgraphs.auth.store.sqlite import SqliteAuthStore
from subgraphs.kit.store_identity import open_joined
from tests.subgraphs.auth.client import PASSWORD, Auth
from tests.subgraphs.support import Issuer

if TYPE_CHECKING:
    from subgraphs.auth.settings import AuthSettings
    from subgraphs.auth.store.protocol import AuthStore

PRIVATE_FIELDS = ("email", "emailVerified", "roles", "createdAt")
PUBLIC = "... on User { id name }"


async def sign_up_staff(auth: Auth, settings: AuthSettings, role: Role) -> dict[str, Any]:
    """A session of a user who got `role` on the command line."""
    first = await auth.sign_up("Staff")
    async with open_joined(settings.place, STORES) as store:
        await store.grant(first["user"]["id"], role)
    session: dict[str, Any] = (await auth.mutate("login", email="staff@example.com", password=PASSWORD)).ok()["login"]
    return session


def representation(user_id: object, **claims: object) -> dict[str, object]:
    return {"__typename": "User", "id": user_id, **claims}


@pytest.mark.parametrize("field", PRIVATE_FIELDS)
async def test_a_private_field_of_another_user_is_null_and_forbidden(auth: Auth, field: str) -> None:
    ann, eve = await auth.sign_up("Ann"), await auth.sign_up("Eve")
    response = await auth.bearing(eve["accessToken"]).entities(
        f"... on User {{ id name {field} }}", [representation(ann["user"]["id"])]
    )
    assert response.data["_entities"] == [{"__typename": "User", "id": ann["user"]["id"], "name": "Ann", field: None}]
    assert response.codes == ["FORBIDDEN"]
    assert response.errors[0]["path"] == ["_entities", 0, field]
    assert "ann@example.com" not in str(response.errors)


@pytest.mark.parametrize("field", PRIVATE_FIELDS)
async def test_a_claim_in_a_representation_proves_nothing(auth: Auth, field: str) -> None:
    ann, eve = await auth.sign_up("Ann"), await auth.sign_up("Eve")
    forged = representation(
        ann["user"]["id"],
        private=True,
        data={"email": "eve@example.com"},
        email="eve@example.com",
        roles=["ADMIN"],
        createdAt="2026-01-31T09:30:00.000Z",
        userId=eve["user"]["id"],
    )
    response = await auth.bearing(eve["accessToken"]).entities(f"... on User {{ {field} }}", [forged])
    assert response.data["_entities"] == [{"__typename": "User", field: None}]
    assert response.codes == ["FORBIDDEN"]


async def test_a_user_sees_all_own_fields(auth: Auth) -> None:
    ann = await auth.sign_up("Ann")
    response = await auth.bearing(ann["accessToken"]).entities(
        "... on User { id name email roles createdAt }", [representation(ann["user"]["id"])]
    )
    assert response.ok()["_entities"] == [{"__typename": "User", **ann["user"]}]


@pytest.mark.parametrize("role", [SUPPORT, ADMIN])
async def test_staff_see_all_fields_of_every_user(auth: Auth, settings: AuthSettings, role: str) -> None:
    ann, staff = await auth.sign_up("Ann"), await sign_up_staff(auth, settings, Role(role))
    response = await auth.bearing(staff["accessToken"]).entities(
        "... on User { id name email roles createdAt }", [representation(ann["user"]["id"])]
    )
    assert response.ok()["_entities"] == [{"__typename": "User", **ann["user"]}]


async def test_a_role_without_the_banks_signature_has_no_effect(auth: Auth, settings: AuthSettings) -> None:
    ann = await auth.sign_up("Ann")
    stranger = Issuer(url=settings.issuer)
    for token in (stranger.token(ann["user"]["id"], ADMIN), None, "nonsense"):
        response = await auth.bearing(token).entities(PUBLIC, [representation(ann["user"]["id"])])
        assert response.data["_entities"] == [None]
        assert response.codes == ["UNAUTHENTICATED"]


async def test_a_user_who_does_not_exist_is_null(auth: Auth) -> None:
    ann = await auth.sign_up("Ann")
    client = auth.bearing(ann["accessToken"])
    response = await client.entities(PUBLIC, [representation(values.new_user_id()), representation("' OR 1=1 --")])
    assert response.ok()["_entities"] == [None, None]


async def test_one_bad_representation_does_not_hide_the_others(auth: Auth) -> None:
    ann, bob = await auth.sign_up("Ann"), await auth.sign_up("Bob")
    response = await auth.bearing(ann["accessToken"]).entities(
        PUBLIC,
        [
            representation(bob["user"]["id"]),
            representation(7),
            {"__typename": "User"},
            {"__typename": "Session", "id": bob["user"]["id"]},
            {"__typename": "Query"},
            {"__typename": "Nonsense"},
            representation(ann["user"]["id"]),
        ],
    )
    names = [None if entity is None else entity["name"] for entity in response.data["_entities"]]
    assert names == ["Bob", None, None, None, None, None, "Ann"]
    assert sorted(error["path"][1] for error in response.errors) == [1, 2, 3, 4, 5]
    assert set(response.codes) == {"BAD_USER_INPUT"}


async def test_many_representations_cost_one_query(
    auth: Auth, settings: AuthSettings, monkeypatch: pytest.MonkeyPatch
) -> None:
    people = [await auth.sign_up(f"User{number}") for number in range(5)]
    queries: list[int] = []
    kind: type[AuthStore] = SqliteAuthStore if settings.db_url is None else PostgresAuthStore
    look_up = kind.users

    async def counting(self: AuthStore, ids: list[str]) -> Any:
        queries.append(len(ids))
        return await look_up(self, ids)

    monkeypatch.setattr(kind, "users", counting)
    representations = [representation(person["user"]["id"]) for person in people] * 10
    response = await auth.bearing(people[0]["accessToken"]).entities(PUBLIC, representations)
    assert [entity["name"] for entity in response.ok()["_entities"]] == [f"User{number}" for number in range(5)] * 10
    # The delivery of the mails to the new users looks up one user for each mail, at any time.
    assert [size for size in queries if size > 1] == [5]


async def test_a_new_session_shows_all_fields_of_its_user(auth: Auth) -> None:
    ann = await auth.sign_up("Ann")
    assert ann["user"]["email"] == "ann@example.com"
    refreshed = (await auth.mutate("refresh", refreshToken=ann["refreshToken"])).ok()["refresh"]
    assert refreshed["user"] == ann["user"]


# Field -> what it names. Only `_entities` can name another user; a refresh token names its own session.
OPERATIONS = {
    "me": "the caller",
    "auditLog": "everybody, for ADMIN: tests/subgraphs/auth/audit_log/test_graphql_audit_log.py",
    "apiKeys": "the caller: tests/subgraphs/auth/api_keys/test_api_keys.py",
    "createApiKey": "the caller",
    "rotateApiKey": "a key of the caller",
    "revokeApiKey": "a key of the caller, or of anybody for ADMIN",
    "grantRole": "any user, for ADMIN: tests/subgraphs/auth/administration/test_administration.py",
    "revokeRole": "as grantRole",
    "disableUser": "as grantRole",
    "enableUser": "as grantRole",
    "logout": "the session of the access token",
    "refresh": "the session of the refresh token",
    "login": "the user of the password",
    "register": "a new user",
    # `test_graphql_sessions.py` tries these with the sessions of others.
    "renameSession": "a session of the caller",
    "endSession": "a session of the caller",
    "endOtherSessions": "the sessions of the caller",
    "endAllSessions": "the sessions of the caller",
    # `second_factor/test_codes.py` and `second_factor/test_passkeys.py` try these with what belongs to others.
    "secondFactors": "the caller",
    "beginAuthenticatorApp": "the caller",
    "confirmAuthenticatorApp": "the session of the challenge",
    "removeAuthenticatorApp": "the caller",
    "beginPasskey": "the caller",
    "addPasskey": "the session of the challenge",
    "renamePasskey": "a passkey of the caller",
    "removePasskey": "a passkey of the caller",
    "renewRecoveryCodes": "the caller",
    "beginPasskeyLogin": "nobody",
    "beginPasskeyStepUp": "the caller",
    "completeLogin": "the user of the challenge, or of the passkey",
    "stepUp": "the session of the access token",
    "changePassword": "the caller",
    "requestEmailVerification": "the caller",
    "changeEmail": "the caller",
    "requestPasswordReset": "the user of the address, who alone gets the mail",
    "resetPassword": "the user of the link",
    "verifyEmail": "the user of the link",
    "_entities": "any user",
    "_service": "nobody",
}


def test_every_query_and_mutation_is_in_the_table() -> None:
    types = build_schema()._schema.type_map  # noqa: SLF001 - graphql-core's schema
    fields = {name for type_ in ("Query", "Mutation") for name in types[type_].fields}  # type: ignore[attr-defined] # as above
    assert fields == set(OPERATIONS)


@pytest.mark.parametrize("roles", [(), (Role.SUPPORT,), (Role.ADMIN,)], ids=["customer", "support", "admin"])
async def test_each_role_sees_only_what_the_table_allows(
    auth: Auth, settings: AuthSettings, roles: tuple[Role, ...]
) -> None:
    """Role x whose, for the only operation that can name another user; `me` and `logout` end at the caller."""
    ann = await auth.sign_up("Ann")
    actor = await sign_up_staff(auth, settings, roles[0]) if roles else await auth.sign_up("Eve")
    client = auth.bearing(actor["accessToken"])
    for user_id, allowed in ((actor["user"]["id"], True), (ann["user"]["id"], bool(roles))):
        response = await client.entities("... on User { email }", [representation(user_id)])
        assert (response.data["_entities"][0]["email"] is not None) is allowed
    assert (await client.execute("{ me { id } }")).ok()["me"]["id"] == actor["user"]["id"]
    assert (await client.execute("mutation { logout { __typename } }")).ok()["logout"]["__typename"] == "LogoutSuccess"
    assert (await auth.bearing(ann["accessToken"]).execute("{ me { id } }")).ok()["me"]["id"] == ann["user"]["id"]
