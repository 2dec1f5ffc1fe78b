"""The port of a service answers only what the router has signed. Covers `subgraphs/kit/redis_nonces.py` as well."""

from __future__ import annotations

import json
import stat
from typing import TYPE_CHECKING, Any

import pytest
from structlog.testing import capture_logs

from bank.signature_secret import SIGNATURE_SECRET_FILE
from servicekit.errors import StartupError
from servicekit.http_signatures.keys import HmacKey
from servicekit.http_signatures.request_signer import RequestSigner, SigningTarget
from tests.subgraphs.kit.library import app
from tests.subgraphs.support import Issuer, running

if TYPE_CHECKING:
    from pathlib import Path

    import httpx

    from servicekit.asgi import ASGIApp

NEW, OLD = "3f1c9a7e5b2d8f604c1e7a9b3d5f8021", "9b3d5f80213f1c9a7e5b2d8f604c1e7a"
QUERY = json.dumps({"query": "{ __typename }"}).encode()
JSON = {"content-type": "application/json"}


@pytest.fixture
def issuer() -> Issuer:
    return Issuer()


def library(issuer: Issuer, folder: Path, **variables: str) -> ASGIApp:
    return app(issuer, folder, None, **{"SUBGRAPH_SIGNATURES": "on", **variables})


def signed(http: httpx.AsyncClient, secret: str, tag: str = "library") -> dict[str, str]:
    """The headers of a signed request."""
    target = SigningTarget(tag, http.base_url.netloc.decode(), "/graphql", JSON["content-type"])
    return {**JSON, **RequestSigner(HmacKey(secret.encode()), target, covered=()).headers(QUERY, {})}


async def send(http: httpx.AsyncClient, headers: dict[str, str]) -> tuple[int, Any]:
    response = await http.post("/graphql", content=QUERY, headers=headers)
    return response.status_code, response.json()


REFUSED = (
    401,
    {
        "errors": [
            {
                "message": "This service accepts only requests that were signed by its caller",
                "extensions": {"code": "SIGNATURE_REFUSED"},
            }
        ]
    },
)
ACCEPTED = (200, {"data": {"__typename": "Query"}})


async def test_only_what_the_router_has_signed_is_answered(issuer: Issuer, tmp_path: Path) -> None:
    async with running(library(issuer, tmp_path, SUBGRAPH_SIGNATURE_SECRET=NEW)) as http:
        headers = signed(http, NEW)
        assert await send(http, headers) == ACCEPTED
        with capture_logs() as logs:
            for wrong in (headers, JSON, signed(http, OLD), signed(http, NEW, "account")):
                assert await send(http, wrong) == REFUSED
        reasons = [each["reason"] for each in logs if each["event"] == "signature refused"]
        assert reasons == ["replayed", "missing", "unknown key", "wrong receiver"]
        assert (await http.get("/graphql?query={__typename}")).status_code == 401
        assert (await http.get("/health/live")).status_code == 200
        assert (await http.get("/health/ready")).status_code == 200


async def test_signatures_are_on_unless_they_are_switched_off(issuer: Issuer, tmp_path: Path) -> None:
    async with running(app(issuer, tmp_path, SUBGRAPH_SIGNATURES="")) as http:
        assert await send(http, JSON) == REFUSED
    async with running(app(issuer, tmp_path, SUBGRAPH_SIGNATURES="off")) as http:
        assert await send(http, JSON) == ACCEPTED


async def test_the_old_secret_is_accepted_while_it_is_replaced(issuer: Issuer, tmp_path: Path) -> None:
    both = {"SUBGRAPH_SIGNATURE_SECRET": NEW, "SUBGRAPH_SIGNATURE_OLD_SECRET": OLD}
    async with running(library(issuer, tmp_path, **both)) as http:
        for secret in (NEW, OLD):
            assert await send(http, signed(http, secret)) == ACCEPTED
    same = {"SUBGRAPH_SIGNATURE_SECRET": NEW, "SUBGRAPH_SIGNATURE_OLD_SECRET": NEW}
    async with running(library(issuer, tmp_path, **same)) as http:
        assert await send(http, signed(http, NEW)) == ACCEPTED


async def test_only_the_router_says_which_key_was_proved(issuer: Issuer, tmp_path: Path) -> None:
    """A token that is bound to a key is accepted with the signed header of the router, and never without (RFC 9449)."""
    bound = issuer.token(claims={"cnf": {"jkt": "thumbprint"}})
    body = json.dumps({"query": "{ me }"}).encode()

    async def codes(headers: dict[str, str], covered: tuple[str, ...]) -> list[str]:
        target = SigningTarget("library", http.base_url.netloc.decode(), "/graphql", JSON["content-type"])
        signature = RequestSigner(HmacKey(NEW.encode()), target, covered=covered).headers(body, headers)
        response = await http.post("/graphql", content=body, headers={**JSON, **headers, **signature})
        return [error["extensions"]["code"] for error in response.json().get("errors", [])]

    proved = {"authorization": f"DPoP {bound}", "x-dpop-key": "thumbprint"}
    both = ("authorization", "x-dpop-key")
    async with issuer.published():
        async with running(library(issuer, tmp_path, SUBGRAPH_SIGNATURE_SECRET=NEW)) as http:
            assert await codes(proved, both) == []
            assert await codes(proved, ("authorization",)) == ["SIGNATURE_REFUSED"]
            for wrong in (
                {**proved, "x-dpop-key": "another"},
                {"authorization": f"DPoP {bound}"},
                {**proved, "authorization": f"Bearer {bound}"},
                {**proved, "authorization": f"DPoP {issuer.token()}"},
            ):
                assert await codes(wrong, both) == ["UNAUTHENTICATED"], wrong
        async with running(app(issuer, tmp_path, SUBGRAPH_SIGNATURES="off")) as http:
            assert await codes(proved, both) == ["UNAUTHENTICATED"]


async def test_without_a_variable_the_secret_is_made_in_the_data_directory(issuer: Issuer, tmp_path: Path) -> None:
    file = tmp_path / SIGNATURE_SECRET_FILE
    async with running(library(issuer, tmp_path)) as http:
        assert stat.S_IMODE(file.stat().st_mode) == 0o600
        assert await send(http, signed(http, file.read_text().strip())) == ACCEPTED


async def test_a_secret_that_others_can_read_stops_the_start(issuer: Issuer, tmp_path: Path) -> None:
    async with running(library(issuer, tmp_path)):
        pass
    (tmp_path / SIGNATURE_SECRET_FILE).chmod(0o644)
    with pytest.raises(StartupError, match=r"signatures\.key"):
        library(issuer, tmp_path)


async def test_processes_share_nonces_in_redis(issuer: Issuer, tmp_path: Path, redis_url: str) -> None:
    variables = {"SUBGRAPH_SIGNATURE_SECRET": NEW, "REDIS_URL": redis_url}
    async with (
        running(library(issuer, tmp_path, **variables)) as first,
        running(library(issuer, tmp_path, **variables)) as second,
    ):
        headers = signed(first, NEW)
        assert await send(first, headers) == ACCEPTED
        assert await send(second, headers) == REFUSED
        assert await send(second, signed(second, NEW)) == ACCEPTED


async def test_without_redis_nothing_is_answered(issuer: Issuer, tmp_path: Path) -> None:
    variables = {"SUBGRAPH_SIGNATURE_SECRET": NEW, "REDIS_URL": "redis://:hunter2@127.0.0.1:9/0"}
    async with running(library(issuer, tmp_path, **variables)) as http:
        with capture_logs() as logs:
            status, body = await send(http, signed(http, NEW))
    assert (status, body["errors"][0]["extensions"]["code"]) == (503, "SERVICE_UNAVAILABLE")
    assert [each["reason"] for each in logs if each["event"] == "nonces unavailable"] == ["ConnectionError"]
    assert "hunter2" not in str(logs)
