"""Ready means that the router responds, and that each service behind it has responded once."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

import httpx

from rest_compat.graphql_client import GraphQLClient, HttpResponse
from rest_compat.readiness import checks
from servicekit.health import HealthEndpoints

if TYPE_CHECKING:
    from collections.abc import Mapping

    from servicekit.asgi import Receive, Scope, Send

SERVICES = {"me", "account", "transaction"}


class Router:
    """A router whose services are up or not."""

    def __init__(self, *up: str) -> None:
        self.up = set(up)
        self.requests = 0

    async def send(self, _headers: Mapping[str, str], body: bytes) -> HttpResponse:
        self.requests += 1
        query = json.loads(body)["query"]
        field = next((name for name in SERVICES if f"{name}(" in query or f"{name} {{ id" in query), None)
        if field is None:
            return HttpResponse(200, {}, b'{"data": {"__typename": "Query"}}')
        code = "UNAUTHENTICATED" if field in self.up else "SUBREQUEST_HTTP_ERROR"
        errors = [{"message": "no", "extensions": {"code": code}}]
        return HttpResponse(200, {}, json.dumps({"data": {"result": None}, "errors": errors}).encode())


async def nothing(_scope: Scope, _receive: Receive, _send: Send) -> None:
    raise AssertionError("only health is asked")


def client(router: Router) -> httpx.AsyncClient:
    app = HealthEndpoints(nothing, checks(GraphQLClient(router.send)))
    return httpx.AsyncClient(transport=httpx.ASGITransport(app=app), base_url="http://rest")


async def test_a_service_that_does_not_listen_yet_is_named() -> None:
    """Before, ready was 200 as soon as the router listened, and the first request was 503."""
    router = Router("me", "transaction")
    async with client(router) as http:
        response = await http.get("/health/ready")
        assert (response.status_code, response.json()["failing"]) == (503, ["accounts"])
        router.up = set(SERVICES)
        assert (await http.get("/health/ready")).status_code == 200


async def test_a_service_that_fails_later_stops_only_its_own_routes() -> None:
    router = Router(*SERVICES)
    async with client(router) as http:
        assert (await http.get("/health/ready")).status_code == 200
        router.up, router.requests = {"me"}, 0
        assert (await http.get("/health/ready")).status_code == 200
        assert router.requests == 1
