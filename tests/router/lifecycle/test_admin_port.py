"""The port for operators, and the status that workers report."""

from __future__ import annotations

import json
import secrets
from typing import TYPE_CHECKING

import pytest
from structlog.testing import capture_logs

from router.lifecycle.admin_port import AdminApp, breaker_details, ready_check
from router.settings import read
from servicekit.health import HealthEndpoints
from tests.router.lifecycle.harness import running, write
from tests.router.server.asgi_client import AsgiClient, AsgiResponse

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

    from router.lifecycle.admin_port import JsonObject

TOKEN = secrets.token_hex(16)


class Fleet:
    """Two workers with given responses."""

    def __init__(self, *results: str, ready: bool = True, open_breakers: Sequence[list[str]] = ([], [])) -> None:
        self.results = results
        self.open_breakers = open_breakers
        self.ready = ready
        self.reloads = 0

    async def status(self) -> Sequence[JsonObject]:
        return [
            {"worker": index, "ready": self.ready, "open_circuit_breakers": own}
            for index, own in zip(range(len(self.results)), self.open_breakers, strict=False)
        ]

    async def reload(self) -> Sequence[JsonObject]:
        self.reloads += 1
        return [{"worker": index, "result": result} for index, result in enumerate(self.results)]


async def ask(fleet: Fleet, method: str, path: str, token: str | None = TOKEN, **headers: str) -> AsgiResponse:
    settings = read("" if token is None else f"admin: {{token: {token}}}", {}).admin
    app = HealthEndpoints(AdminApp(fleet, settings), {"workers": ready_check(fleet)}, breaker_details(fleet))
    response = await AsgiClient(app).send(method, path, headers=headers)
    assert response is not None
    return response


async def test_status_lists_the_workers() -> None:
    response = await ask(Fleet("reloaded", "reloaded"), "GET", "/status")
    assert response.status == 200
    assert [worker["worker"] for worker in response.json["workers"]] == [0, 1]


@pytest.mark.parametrize(("ready", "status"), [(True, 200), (False, 503)])
async def test_it_is_ready_when_every_worker_is_ready(ready: bool, status: int) -> None:  # noqa: FBT001  (a column)
    assert (await ask(Fleet("reloaded", ready=ready), "GET", "/health/ready")).status == status


async def test_health_names_the_open_breakers_of_all_workers() -> None:
    response = await ask(Fleet("", "", open_breakers=[["b"], ["a", "b"]]), "GET", "/health/ready")
    assert (response.status, response.json) == (200, {"status": "ready", "open_circuit_breakers": ["a", "b"]})
    assert (await ask(Fleet("", ""), "GET", "/health/ready")).json == {"status": "ready"}


async def test_without_a_worker_it_is_not_ready() -> None:
    assert (await ask(Fleet(), "GET", "/health/ready")).status == 503
    assert (await ask(Fleet(), "GET", "/health/live")).status == 200


@pytest.mark.parametrize(
    ("results", "status"), [(("reloaded", "reloaded"), 200), (("reloaded", "refused"), 422), (("unchanged",), 200)]
)
async def test_a_reload_responds_with_the_outcome_of_each_worker(results: tuple[str, ...], status: int) -> None:
    response = await ask(Fleet(*results), "POST", "/reload", Authorization=f"Bearer {TOKEN}")
    assert response.status == status
    assert [worker["result"] for worker in response.json["workers"]] == list(results)


@pytest.mark.parametrize(
    "authorization", ["", "Bearer ", "Bearer wrong", TOKEN, TOKEN[:-1], "Bearer \xff"], ids=range(6)
)
async def test_a_wrong_token_reloads_nothing(authorization: str) -> None:
    fleet = Fleet("reloaded")
    with capture_logs() as lines:
        response = await ask(fleet, "POST", "/reload", Authorization=authorization)
    assert (response.status, response.headers["www-authenticate"], fleet.reloads) == (401, "Bearer", 0)
    assert TOKEN not in str(lines) + response.body.decode()


async def test_the_bearer_scheme_is_case_insensitive() -> None:
    assert (await ask(Fleet("reloaded"), "POST", "/reload", Authorization=f"bearer {TOKEN}")).status == 200


async def test_without_a_token_in_the_settings_nobody_reloads() -> None:
    fleet = Fleet("reloaded")
    response = await ask(fleet, "POST", "/reload", token=None, Authorization="Bearer ")
    assert (response.status, fleet.reloads) == (403, 0)


async def test_the_response_to_other_methods_and_paths_lists_the_routes() -> None:
    response = await ask(Fleet(), "GET", "/reload")
    assert (response.status, response.headers["allow"]) == (405, "POST")
    assert (await ask(Fleet(), "GET", "/graphql")).status == 404


async def test_the_status_has_memory_caches_and_supergraph(tmp_path: Path) -> None:
    async with running(write(tmp_path, 1)) as live:
        for _ in range(3):
            await live.client.post({"query": "query Q { __typename }"})
        status = json.loads(json.dumps(await live.status()))
    assert status["memory_bytes"] > 10_000_000
    assert (status["ready"], status["generation"], status["in_flight"], status["last_reload"]) == (True, 1, 0, None)
    assert len(status["supergraph"]) == 16
    assert (status["caches"]["plans"]["hits"], status["caches"]["documents"]["entries"]) == (2, 2)
    assert status["caches"]["documents"]["memory_bytes"] > 0
