"""The bank's `router.yaml`: what bank §3 says about it, and what the environment changes.

Covers `router/settings/development_defaults.py`.
"""

from __future__ import annotations

from pathlib import Path

import httpx
import pytest

from bank.identity import ALGORITHMS, AUDIENCE, LEEWAY_SECONDS, TOKEN_TYPE
from router import Gateway
from router.pipeline import RequestContext, Stage
from router.policies.header_propagation import HeaderPropagation
from router.request.request_and_response import GraphQLRequest
from router.settings import RouterSettings, load
from router.transport.interface import SubgraphRequest, SubgraphResponse
from tests.subgraphs.support import Issuer

FILE = Path(__file__).parents[3] / "router.yaml"
SERVICES = ("auth", "account", "transaction")


def bank(**environ: str) -> RouterSettings:
    return load(FILE, environ, subgraphs=SERVICES)


def test_without_variables_all_services_are_on_this_machine() -> None:
    settings = bank()
    assert (settings.server.host, settings.server.port, settings.server.path) == ("127.0.0.1", 4000, "/graphql")
    assert settings.override_subgraph_url == {
        name: f"http://127.0.0.1:{port}/graphql" for name, port in zip(SERVICES, (3001, 3002, 3003), strict=True)
    }


def test_the_environment_decides_what_clients_see() -> None:
    production, development = bank(), bank(MOSAFE_ENV="development")
    assert (production.introspection, production.errors.mask) == (False, True)
    assert (development.introspection, development.errors.mask) == (True, False)


def test_variables_change_addresses() -> None:
    settings = bank(MOSAFE_HOST="::", ROUTER_PORT="1", ROUTER_INTROSPECTION="false", AUTH_URL="http://auth/graphql")
    assert (settings.server.host, settings.server.port) == ("::", 1)
    assert settings.introspection is False
    assert settings.override_subgraph_url["auth"] == "http://auth/graphql"


def test_limits_are_generous_and_on() -> None:
    settings = bank()
    assert (settings.demand_control.mode, settings.demand_control.max_cost) == ("enforce", 100_000)
    assert settings.demand_control.max_cost is not None
    assert settings.demand_control.max_cost >= 50 * (settings.limits.list_items or 0)
    (rule,) = settings.rate_limits.rules
    assert (rule.key, rule.limit, rule.period, rule.burst) == (("address",), 2_000, 1.0, 10_000)


def test_workers_count_together_in_the_redis_of_the_services() -> None:
    assert bank().rate_limits.redis is None
    redis = bank(REDIS_URL="redis://cache:6379").rate_limits.redis
    assert redis is not None
    assert redis.url.get_secret_value() == "redis://cache:6379"


def test_the_router_verifies_the_tokens_of_the_auth_service_as_the_services_do() -> None:
    settings = bank(AUTH_ISSUER="http://auth:1", AUTH_JWKS_URL="http://auth:1/keys").authentication
    (issuer,) = settings.jwt.issuers
    assert (issuer.issuer, issuer.keys.url, issuer.audiences) == ("http://auth:1", "http://auth:1/keys", (AUDIENCE,))
    assert (issuer.algorithms, issuer.types) == (ALGORITHMS, (TOKEN_TYPE,))
    assert settings.jwt.clock_skew == LEEWAY_SECONDS
    assert (settings.anonymous, settings.invalid_credentials) == (True, "ignore")
    (default,) = bank().authentication.jwt.issuers
    assert default.keys.url == "http://127.0.0.1:3001/.well-known/jwks.json"


def test_services_are_sent_four_headers_and_no_other() -> None:
    client = {
        "authorization": "Bearer t",
        "traceparent": "00-1",
        "x-request-id": "r",
        "cookie": "c",
        "x-forwarded-for": "f",
    }
    sent = HeaderPropagation(bank().headers, SERVICES).apply(client)
    expected = {"authorization": "Bearer t", "traceparent": "00-1", "x-request-id": "r", "x-forwarded-for": "f"}
    assert sent == dict.fromkeys(SERVICES, expected)


def test_codes_that_a_client_can_act_on_are_not_masked() -> None:
    errors = bank().errors
    assert errors.mask is True
    client_errors = {"UNAUTHENTICATED", "FORBIDDEN", "BAD_USER_INPUT", "RATE_LIMITED"}
    limits_of_services = {"QUERY_TOO_EXPENSIVE", "MAX_DEPTH_LIMIT", "MAX_ALIASES_LIMIT", "MAX_FIELDS_LIMIT"}
    assert set(errors.allow_codes) == client_errors | limits_of_services
    assert set(errors.messages) == {"SERVICE_UNAVAILABLE"}


async def test_the_router_knows_who_asks_and_leaves_refusals_to_the_services() -> None:
    seen: list[object] = []
    sent: list[str | None] = []

    class Known(Stage):
        async def on_request(self, context: RequestContext) -> None:
            seen.append(context.identity.claims["sub"] if context.identity is not None else None)

    async def service(request: SubgraphRequest, /) -> SubgraphResponse:
        sent.append(request.headers.get("authorization"))
        return SubgraphResponse.of({"data": {"me": {"id": "1"}}})

    issuer = Issuer()
    async with issuer.published():
        settings = bank(**issuer.environment())
        sdl = FILE.with_name("supergraph.graphql").read_text(encoding="utf-8")
        gateway = Gateway.from_supergraph(sdl, settings, send=service, stages=[Known()])
        for token in (issuer.token(), "forged", None):
            headers = {} if token is None else {"authorization": f"Bearer {token}"}
            response = await gateway.execute(GraphQLRequest(query="{ me { id } }", headers=headers))
            assert response.body == {"data": {"me": {"id": "1"}}}
        await gateway.aclose()
    assert seen[0] is not None
    assert seen[1:] == [None, None]
    assert sent[1:] == ["Bearer forged", None]


@pytest.mark.parametrize("field", ["balanceChanged", "transactionUpdated"])
async def test_subscriptions_of_the_bank_are_refused_before_any_fetch(field: str) -> None:
    async def no_service(request: SubgraphRequest, /) -> SubgraphResponse:
        raise AssertionError(request)

    sdl = FILE.with_name("supergraph.graphql").read_text(encoding="utf-8")
    gateway = Gateway.from_supergraph(sdl, bank(), send=no_service)
    query = f'subscription {{ {field}(accountId: "{"a" * 24}") {{ id }} }}'
    async with httpx.AsyncClient(transport=httpx.ASGITransport(gateway.asgi), base_url="http://router.test") as http:
        for accept, status in (("application/graphql-response+json", 400), ("application/json", 200)):
            response = await http.post("/graphql", json={"query": query}, headers={"accept": accept})
            codes = [error["extensions"]["code"] for error in response.json()["errors"]]
            assert (response.status_code, codes) == (status, ["SUBSCRIPTIONS_NOT_ENABLED"])
            assert "data" not in response.json()
    await gateway.aclose()
