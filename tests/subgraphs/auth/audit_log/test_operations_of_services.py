"""The routes by which other services record operations of staff, on the real auth service."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, Any, Final

import pytest

from bank.service_credential import ACCOUNT_INTERNAL, AUTH_INTERNAL, ServiceCredential
from bank.staff_operations import OPEN_PATH, OUTCOME_PATH, REQUEST_PATH
from subgraphs.auth.domain import Role
from tests.subgraphs.auth.audit_log.test_graphql_audit_log import page
from tests.subgraphs.auth.test_authorization import sign_up_staff

if TYPE_CHECKING:
    from collections.abc import Mapping

    import httpx

    from subgraphs.auth.settings import AuthSettings
    from tests.subgraphs.auth.client import Auth
    from tests.subgraphs.auth.command_line import CommandLine

ID: Final = "0" * 23 + "1"
OPERATION: Final[dict[str, Any]] = {
    "operation": ID,
    "actor": "the staff",
    "action": "ACCOUNT_FROZEN",
    "subject": {"kind": "ACCOUNT", "id": "a" * 24},
    "resume": "key",
}
DONE: Final[dict[str, Any]] = {"operation": ID, "outcome": "DONE", "details": {"note": "x"}}
ALL_OPEN: Final = {"olderThanSeconds": 0, "limit": 10}


class Service:
    """A service that calls the auth service."""

    def __init__(self, auth: Auth, settings: AuthSettings, name: str = "account") -> None:
        self._http = auth.client.http
        self._credential, self._name = ServiceCredential.load(settings), name

    async def post(
        self, path: str, body: Mapping[str, object], audience: str = AUTH_INTERNAL, address: str = "203.0.113.7"
    ) -> httpx.Response:
        authorization = self._credential.authorization(service=self._name, audience=audience)
        headers = {"authorization": authorization, "x-forwarded-for": address}
        return await self._http.post(path, json=body, headers=headers)

    async def ok(self, path: str, body: Mapping[str, object], address: str = "203.0.113.7") -> Any:
        response = await self.post(path, body, address=address)
        assert response.status_code == 200, response.text
        return response.json()


async def test_an_operation_has_two_entries_that_belong_together(
    auth: Auth, settings: AuthSettings, mosafe_auth: CommandLine
) -> None:
    service = Service(auth, settings)
    for _ in range(2):  # a request may be repeated
        assert await service.ok(REQUEST_PATH, OPERATION) == {}
    (open_one,) = (await service.ok(OPEN_PATH, ALL_OPEN))["operations"]
    assert open_one == {**OPERATION, "details": {}, "at": open_one["at"]}
    # The outcome comes later, and from elsewhere: the entry has the network of the person all the same.
    assert await service.ok(OUTCOME_PATH, DONE, "198.51.100.1") == {"appended": True}
    assert await service.ok(OUTCOME_PATH, {**DONE, "outcome": "REFUSED"}) == {"appended": False}
    assert (await service.ok(OPEN_PATH, ALL_OPEN))["operations"] == []

    admin = auth.bearing((await sign_up_staff(auth, settings, Role.ADMIN))["accessToken"])
    nodes = (await page(admin, filter={"subjectId": "a" * 24}))["nodes"]
    assert [(node["outcome"], node["origin"], node["actorKind"], node["actorId"]) for node in nodes] == [
        ("DONE", "203.0.113.0/24", "USER", "the staff"),
        ("REQUESTED", "203.0.113.0/24", "USER", "the staff"),
    ]
    assert [{each["name"]: each["value"] for each in node["details"]} for node in nodes] == [
        {"operation": ID, "note": "x"},
        {"operation": ID},
    ]
    verified = await asyncio.to_thread(mosafe_auth.output, "audit", "verify")
    assert verified.startswith("ok: 2 entries")


async def test_a_service_settles_only_its_own_operations(auth: Auth, settings: AuthSettings) -> None:
    await Service(auth, settings).ok(REQUEST_PATH, OPERATION)
    other = Service(auth, settings, "transaction")
    assert await other.ok(OUTCOME_PATH, DONE) == {"appended": False}
    assert (await other.ok(OPEN_PATH, ALL_OPEN))["operations"] == []


async def test_young_operations_are_not_listed(auth: Auth, settings: AuthSettings) -> None:
    service = Service(auth, settings)
    await service.ok(REQUEST_PATH, OPERATION)
    assert (await service.ok(OPEN_PATH, {"olderThanSeconds": 600, "limit": 10}))["operations"] == []


@pytest.mark.parametrize("path", [REQUEST_PATH, OUTCOME_PATH, OPEN_PATH])
async def test_only_services_may_call(auth: Auth, settings: AuthSettings, path: str) -> None:
    admin = (await sign_up_staff(auth, settings, Role.ADMIN))["accessToken"]
    http = auth.client.http
    for headers in ({}, {"authorization": f"Bearer {admin}"}):
        assert (await http.post(path, json=OPERATION, headers=headers)).status_code == 401
    assert (await Service(auth, settings).post(path, OPERATION, audience=ACCOUNT_INTERNAL)).status_code == 401
    assert (await Service(auth, settings, "rest").post(path, OPERATION)).status_code == 401


@pytest.mark.parametrize(
    "wrong",
    [
        {"operation": "1"},
        {"actor": ""},
        {"actor": "a\nb"},
        {"action": "frozen"},
        {"subject": {"kind": "ACCOUNT"}},
        {"details": {"a": "1", "b": "2", "c": "3"}},
        {"details": {"a": "1" * 201}},
        {"resume": "x" * 1001},
        {"further": 1},
    ],
)
async def test_a_wrong_body_is_refused_and_leaves_no_entry(
    auth: Auth, settings: AuthSettings, wrong: dict[str, object]
) -> None:
    service = Service(auth, settings)
    response = await service.post(REQUEST_PATH, {**OPERATION, **wrong})
    assert response.status_code == 400
    assert response.json()["error"]["details"]["fields"]
    assert (await service.ok(OPEN_PATH, ALL_OPEN))["operations"] == []
