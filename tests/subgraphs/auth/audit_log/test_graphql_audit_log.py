"""The audit log in GraphQL: who may read it, filters and pages.

Covers `subgraphs/auth/audit_log/graphql_audit_log.py`.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

from subgraphs.auth.audit_log.entry import Action, Subject
from subgraphs.auth.audit_log.writing import open_audit_log
from subgraphs.auth.domain import Role
from subgraphs.auth.store.factory import STORES
from subgraphs.kit.store_identity import open_joined
from tests.subgraphs.auth.test_authorization import sign_up_staff

if TYPE_CHECKING:
    from subgraphs.auth.settings import AuthSettings
    from tests.subgraphs.auth.client import Auth
    from tests.subgraphs.support import GraphQLClient

FIELDS = "position at actorKind actorId action subjectKind subjectId outcome origin details { name value } hash"
QUERY = f"""query ($filter: AuditLogFilter, $first: Int, $after: String) {{
  auditLog(filter: $filter, first: $first, after: $after) {{
    nodes {{ {FIELDS} }} totalCount pageInfo {{ hasNextPage endCursor }}
  }}
}}"""


async def append(settings: AuthSettings, *subjects: str) -> None:
    async with open_joined(settings.place, STORES) as store:
        log = await open_audit_log(settings, store)
        for subject in subjects:
            await store.audit_log.append(log.by_operator(Action.USER_DISABLED, Subject.user(subject), note=subject))


async def page(client: GraphQLClient, **variables: object) -> dict[str, Any]:
    found: dict[str, Any] = (await client.execute(QUERY, variables)).ok()["auditLog"]
    return found


async def test_an_administrator_reads_the_log_page_by_page(auth: Auth, settings: AuthSettings) -> None:
    admin = auth.bearing((await sign_up_staff(auth, settings, Role.ADMIN))["accessToken"])
    await append(settings, "a", "b", "c")
    first = await page(admin, first=2)
    assert [node["subjectId"] for node in first["nodes"]] == ["c", "b"]
    assert first["totalCount"] == 3
    second = await page(admin, first=2, after=first["pageInfo"]["endCursor"])
    assert [node["subjectId"] for node in second["nodes"]] == ["a"]
    node = second["nodes"][0]
    assert node == {
        **node,
        "position": 1,
        "actorKind": "OPERATOR",
        "action": "USER_DISABLED",
        "subjectKind": "USER",
        "outcome": "DONE",
        "origin": "command line",
        "details": [{"name": "note", "value": "a"}],
    }
    assert len(bytes.fromhex(node["hash"])) == 32


async def test_filters_restrict_the_list(auth: Auth, settings: AuthSettings) -> None:
    admin = auth.bearing((await sign_up_staff(auth, settings, Role.ADMIN))["accessToken"])
    await append(settings, "a", "b")
    assert len((await page(admin, filter={"subjectId": "a", "action": None}))["nodes"]) == 1
    assert (await page(admin, filter={"action": "ROLE_GRANTED"}))["nodes"] == []
    assert (await page(admin, filter={"end": "2026-01-01T00:00:00Z"}))["nodes"] == []
    assert len((await page(admin, filter={"begin": "2026-01-01T00:00:00Z", "outcome": "DONE"}))["nodes"]) == 2


async def test_a_forged_cursor_is_bad_input(auth: Auth, settings: AuthSettings) -> None:
    admin = auth.bearing((await sign_up_staff(auth, settings, Role.ADMIN))["accessToken"])
    assert (await admin.execute(QUERY, {"after": "AAAA"})).codes == ["BAD_USER_INPUT"]


@pytest.mark.parametrize("role", [None, Role.CUSTOMER, Role.SUPPORT])
async def test_nobody_else_reads_the_log(auth: Auth, settings: AuthSettings, role: Role | None) -> None:
    await append(settings, "secret")
    token = None if role is None else (await sign_up_staff(auth, settings, role))["accessToken"]
    response = await auth.bearing(token).execute(QUERY)
    assert response.data == {"auditLog": None}
    assert response.codes == ["UNAUTHENTICATED" if role is None else "FORBIDDEN"]
