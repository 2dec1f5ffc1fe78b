from __future__ import annotations

import json
from typing import TYPE_CHECKING

import httpx
import pytest
from click.testing import CliRunner

from rest_compat import openapi
from rest_compat.app import create_app
from rest_compat.cli import command
from rest_compat.settings import RestSettings
from servicekit.errors import ConfigurationError
from servicekit.settings import load
from tests.rest_compat.fake_bank import SUPERGRAPH, FakeBank

if TYPE_CHECKING:
    from pathlib import Path


@pytest.mark.parametrize(
    ("content", "problem"),
    [
        (None, "cannot read"),
        ("type Query {", "is not a supergraph"),
        ("type Query { a: Unknown }", "is not a supergraph"),
        ("type Query { a: Int }", "does not fit"),
    ],
)
def test_supergraph_that_does_not_fit_stops_the_start(tmp_path: Path, content: str | None, problem: str) -> None:
    file = tmp_path / "supergraph.graphql"
    if content is not None:
        file.write_text(content, encoding="utf-8")
    with pytest.raises(ConfigurationError, match=f"REST_SUPERGRAPH: .*{problem}"):
        create_app(RestSettings.model_validate({"REST_SUPERGRAPH": file}))


def test_checked_in_supergraph_is_the_default() -> None:
    assert RestSettings.model_validate({}).supergraph == SUPERGRAPH


def test_table_and_document_can_be_printed() -> None:
    assert "\n  serve " in CliRunner().invoke(command, ["--help"]).output
    table = CliRunner().invoke(command, ["routes"])
    assert len(table.output.splitlines()) == 17
    document = CliRunner().invoke(command, ["openapi"])
    assert json.loads(document.output) == json.loads(json.dumps(openapi.document()))


async def test_a_page_of_an_allowed_origin_may_use_the_api() -> None:
    variables = {"REST_SUPERGRAPH": SUPERGRAPH, "REST_CORS_ORIGINS": "https://app.example, https://*.bank.example"}
    app = create_app(RestSettings.model_validate(variables), FakeBank().send)
    async with httpx.AsyncClient(transport=httpx.ASGITransport(app=app), base_url="http://rest") as client:
        asked = {"access-control-request-method": "PUT", "access-control-request-headers": "authorization,if-match"}
        preflight = await client.options("/api/accounts/x", headers={"origin": "https://app.example", **asked})
        assert preflight.headers["access-control-allow-headers"] == "authorization, if-match"
        assert "PUT" in preflight.headers["access-control-allow-methods"]
        response = await client.get("/api/accounts", headers={"origin": "https://my.bank.example"})
        assert response.headers["access-control-allow-origin"] == "https://my.bank.example"
        assert "etag" in response.headers["access-control-expose-headers"]
        foreign = await client.get("/api/accounts", headers={"origin": "https://evil.example"})
        assert "access-control-allow-origin" not in foreign.headers


OPEN = {
    "REST_SUPERGRAPH": SUPERGRAPH,
    "REST_CORS_ORIGINS": "https://app.example",
    "REST_CORS_ORIGIN_PATTERNS": r"https://pr-[0-9]+\.example https://x\.example",
    "REST_CORS_LOOPBACK": "true",
    "REST_CORS_PATHS": "/api/auth=https://login.example https://other.example; /api/accounts/x = *",
    "REST_CORS_ALLOW_PRIVATE_NETWORK": "true",
}


@pytest.mark.parametrize(
    ("path", "origin", "allowed"),
    [
        ("/api/accounts", "https://app.example", "https://app.example"),
        ("/api/accounts", "https://pr-7.example", "https://pr-7.example"),
        ("/api/accounts", "https://pr-x.example", None),
        ("/api/accounts", "http://localhost:5173", "http://localhost:5173"),
        ("/api/accounts", "https://login.example", None),
        ("/api/auth/login", "https://login.example", "https://login.example"),
        ("/api/auth/login", "https://other.example", "https://other.example"),
        ("/api/auth/login", "https://app.example", None),
        ("/api/authx", "https://app.example", "https://app.example"),
        ("/api/accounts/x", "https://any.example", "*"),
    ],
)
async def test_the_rest_layer_has_the_cors_settings_of_the_router(path: str, origin: str, allowed: str | None) -> None:
    app = create_app(RestSettings.model_validate(OPEN), FakeBank().send)
    async with httpx.AsyncClient(transport=httpx.ASGITransport(app=app), base_url="http://rest") as client:
        asked = {"access-control-request-method": "GET", "access-control-request-private-network": "true"}
        preflight = await client.options(path, headers={"origin": origin, **asked})
        assert preflight.headers.get("access-control-allow-origin") == allowed
        private = preflight.headers.get("access-control-allow-private-network")
        assert private == ("true" if allowed is not None else None)
        assert (await client.get(path, headers={"origin": origin})).headers.get(
            "access-control-allow-origin"
        ) == allowed


@pytest.mark.parametrize(
    ("variables", "name"),
    [
        ({"REST_CORS_ORIGIN_PATTERNS": "("}, "REST_CORS_ORIGIN_PATTERNS"),
        ({"REST_CORS_ORIGIN_PATTERNS": ".*", "REST_CORS_ALLOW_CREDENTIALS": "true"}, "REST_CORS_ALLOW_CREDENTIALS"),
        ({"REST_CORS_PATHS": "/api=*", "REST_CORS_ALLOW_CREDENTIALS": "true"}, "REST_CORS_ALLOW_CREDENTIALS"),
        ({"REST_CORS_PATHS": "api=https://app.example"}, "REST_CORS_PATHS"),
        ({"REST_CORS_PATHS": "/api=https://app.example/"}, "REST_CORS_PATHS"),
        ({"REST_CORS_ORIGINS": "https://app.example/"}, "REST_CORS_ORIGINS"),
        ({"REST_CORS_ORIGINS": "*", "REST_CORS_ALLOW_CREDENTIALS": "true"}, "REST_CORS_ALLOW_CREDENTIALS"),
    ],
)
def test_an_origin_that_matches_no_page_or_every_page_with_cookies_is_refused(
    variables: dict[str, str], name: str
) -> None:
    with pytest.raises(ConfigurationError, match=name):
        load(RestSettings, variables)
