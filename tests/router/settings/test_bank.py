"""The bank's `router.yaml`: what bank §3 says about it, and what the environment changes.

Covers `router/settings/development_defaults.py`.
"""

from __future__ import annotations

from pathlib import Path

from router.policies.header_propagation import HeaderPropagation
from router.settings import RouterSettings, load

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
