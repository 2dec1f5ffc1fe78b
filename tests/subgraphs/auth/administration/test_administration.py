"""Administrators change roles and disable users: who may, what ends at once, and the entries of the audit log.

Covers `subgraphs/auth/administration/administration.py`, `subgraphs/auth/administration/graphql_administration.py` and
`subgraphs/auth/graphql_user.py`.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

from subgraphs.auth.domain import Role
from tests.subgraphs.auth.client import PASSWORD
from tests.subgraphs.auth.test_authorization import sign_up_staff

if TYPE_CHECKING:
    from subgraphs.auth.settings import AuthSettings
    from tests.subgraphs.auth.client import Auth
    from tests.subgraphs.support import GraphQLClient, GraphQLResponse

RESULT = """__typename
  ... on UserChangeSuccess { user { id roles disabledAt } }
  ... on InvalidUser { userId }
  ... on Problem { code message }"""
LOG = "{ auditLog { nodes { actorKind actorId action subjectId outcome details { name value } } } }"
MUTATIONS = ("grantRole", "revokeRole", "disableUser", "enableUser")


async def change(client: GraphQLClient, mutation: str, user_id: str, role: str = "SUPPORT") -> GraphQLResponse:
    with_role = mutation.endswith("Role")
    kind = "UserRoleInput" if with_role else "UserInput"
    given = {"userId": user_id, **({"role": role} if with_role else {})}
    query = f"mutation ($input: {kind}!) {{ {mutation}(input: $input) {{ {RESULT} }} }}"
    return await client.execute(query, {"input": given})


async def entries(admin: GraphQLClient) -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = (await admin.execute(LOG)).ok()["auditLog"]["nodes"]
    return found


async def test_an_administrator_grants_and_revokes_a_role(auth: Auth, settings: AuthSettings) -> None:
    ann, boss = await auth.sign_up("Ann"), await sign_up_staff(auth, settings, Role.ADMIN)
    admin, ann_id = auth.bearing(boss["accessToken"]), ann["user"]["id"]
    granted = (await change(admin, "grantRole", ann_id)).ok()["grantRole"]
    assert granted == {
        "__typename": "UserChangeSuccess",
        "user": {"id": ann_id, "roles": ["CUSTOMER", "SUPPORT"], "disabledAt": None},
    }
    assert (await auth.bearing(ann["accessToken"]).execute("{ me { id } }")).codes == []
    revoked = (await change(admin, "revokeRole", ann_id)).ok()["revokeRole"]
    assert revoked["user"]["roles"] == ["CUSTOMER"]
    assert (await auth.bearing(ann["accessToken"]).execute("{ me { id } }")).codes == ["UNAUTHENTICATED"]
    details = [{"name": "role", "value": "SUPPORT"}]
    common = {"actorKind": "USER", "actorId": boss["user"]["id"], "subjectId": ann_id, "outcome": "DONE"}
    assert await entries(admin) == [
        {**common, "action": "ROLE_REVOKED", "details": details},
        {**common, "action": "ROLE_GRANTED", "details": details},
    ]


async def test_a_disabled_user_is_out_at_once_until_enabled(auth: Auth, settings: AuthSettings) -> None:
    ann, boss = await auth.sign_up("Ann"), await sign_up_staff(auth, settings, Role.ADMIN)
    admin = auth.bearing(boss["accessToken"])
    disabled = (await change(admin, "disableUser", ann["user"]["id"])).ok()["disableUser"]
    assert disabled["user"]["disabledAt"] is not None
    assert (await auth.bearing(ann["accessToken"]).execute("{ me { id } }")).codes == ["UNAUTHENTICATED"]
    refused = (await auth.mutate("login", email="ann@example.com", password=PASSWORD)).ok()["login"]
    assert refused["code"] == "INVALID_CREDENTIALS"
    enabled = (await change(admin, "enableUser", ann["user"]["id"])).ok()["enableUser"]
    assert enabled["user"]["disabledAt"] is None
    again = (await auth.mutate("login", email="ann@example.com", password=PASSWORD)).ok()["login"]
    assert again["__typename"] == "Session"
    assert [entry["action"] for entry in await entries(admin)] == ["USER_ENABLED", "USER_DISABLED"]


@pytest.mark.parametrize("mutation", MUTATIONS)
async def test_nobody_changes_themself(auth: Auth, settings: AuthSettings, mutation: str) -> None:
    boss = await sign_up_staff(auth, settings, Role.ADMIN)
    admin = auth.bearing(boss["accessToken"])
    refused = (await change(admin, mutation, boss["user"]["id"], "ADMIN")).ok()[mutation]
    assert refused["code"] == "OWN_USER_PROTECTED"
    assert (await admin.execute("{ me { roles } }")).ok()["me"]["roles"] == ["ADMIN", "CUSTOMER"]
    (entry,) = await entries(admin)
    assert entry["outcome"] == "REFUSED"
    assert {"name": "reason", "value": "OWN_USER"} in entry["details"]


@pytest.mark.parametrize("mutation", MUTATIONS)
@pytest.mark.parametrize("role", [None, Role.CUSTOMER, Role.SUPPORT])
async def test_nobody_else_changes_users(auth: Auth, settings: AuthSettings, mutation: str, role: Role | None) -> None:
    ann = await auth.sign_up("Ann")
    token = None if role is None else (await sign_up_staff(auth, settings, role))["accessToken"]
    response = await change(auth.bearing(token), mutation, ann["user"]["id"])
    assert response.data == {mutation: None}
    assert response.codes == ["UNAUTHENTICATED" if role is None else "FORBIDDEN"]
    assert (await auth.bearing(ann["accessToken"]).execute("{ me { roles disabledAt } }")).ok()["me"] == {
        "roles": ["CUSTOMER"],
        "disabledAt": None,
    }


@pytest.mark.parametrize("user_id", ["019c0000-0000-7000-8000-000000000000", "", "\x00", "x" * 10_000])
async def test_an_unknown_user_is_a_problem_without_an_entry(auth: Auth, settings: AuthSettings, user_id: str) -> None:
    admin = auth.bearing((await sign_up_staff(auth, settings, Role.ADMIN))["accessToken"])
    assert (await change(admin, "disableUser", user_id)).ok()["disableUser"]["code"] == "INVALID_USER"
    assert await entries(admin) == []
