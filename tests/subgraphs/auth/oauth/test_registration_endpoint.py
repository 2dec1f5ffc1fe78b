"""Dynamic registration of clients."""

from __future__ import annotations

from datetime import timedelta
from typing import TYPE_CHECKING, Any

import pytest

from bank import values
from bank.scopes import EMAIL, OFFLINE_ACCESS, OPENID
from subgraphs.auth.oauth.clients import new_secret
from subgraphs.auth.oauth.registration_endpoint import initial_access_ticket
from tests.subgraphs.auth.oauth.browser import REDIRECT, Flow

if TYPE_CHECKING:
    import httpx

    from tests.subgraphs.auth.oauth.browser import Running

METADATA = {"client_name": "Shop", "redirect_uris": [REDIRECT], "token_endpoint_auth_method": "none"}


async def invited(bank: Running, *, days: int = 1) -> str:
    token = new_secret()
    scopes = frozenset({OPENID, EMAIL, OFFLINE_ACCESS})
    await bank.store.oauth.add_ticket(
        initial_access_ticket(token, scopes, values.now() + timedelta(days=days)), values.now() - timedelta(days=9)
    )
    return token


async def register(bank: Running, token: str, metadata: Any) -> httpx.Response:
    return await bank.http.post("/oauth/register", json=metadata, headers={"authorization": f"Bearer {token}"})


async def test_an_application_registers_itself_once(bank: Running) -> None:
    token = await invited(bank)
    response = await register(bank, token, METADATA)
    assert response.status_code == 201
    found = response.json()
    assert (found["scope"], found["grant_types"], "client_secret" in found) == (
        "email openid",
        ["authorization_code"],
        False,
    )
    client = await bank.store.oauth.client(found["client_id"])
    assert client is not None
    flow = Flow(client)
    code = (await bank.browser().consent(flow))["code"]
    assert (await bank.exchange(flow, code)).status_code == 200
    assert (await register(bank, token, METADATA)).status_code == 401


async def test_a_confidential_application_gets_a_secret(bank: Running) -> None:
    metadata = {
        "redirect_uris": [REDIRECT],
        "grant_types": ["authorization_code", "refresh_token"],
        "scope": f"{OPENID} {OFFLINE_ACCESS}",
    }
    found = (await register(bank, await invited(bank), metadata)).json()
    client = await bank.store.oauth.client(found["client_id"])
    assert client is not None
    assert client.has_secret(found["client_secret"])
    assert (found["client_secret_expires_at"], found["token_endpoint_auth_method"]) == (0, "client_secret_basic")


async def test_an_application_registers_for_bound_tokens_only(bank: Running) -> None:
    metadata = {**METADATA, "dpop_bound_access_tokens": True}
    found = (await register(bank, await invited(bank), metadata)).json()
    client = await bank.store.oauth.client(found["client_id"])
    assert client is not None
    assert (found["dpop_bound_access_tokens"], client.requires_dpop) == (True, True)
    flow = Flow(client)
    code = (await bank.browser().consent(flow))["code"]
    assert (await bank.exchange(flow, code)).json()["error"] == "invalid_dpop_proof"


@pytest.mark.parametrize(
    ("changed", "error"),
    [
        ({"redirect_uris": ["http://evil.example/"]}, "invalid_redirect_uri"),
        ({"redirect_uris": "https://shop.example/"}, "invalid_client_metadata"),
        ({"redirect_uris": []}, "invalid_redirect_uri"),
        ({"grant_types": ["client_credentials"]}, "invalid_client_metadata"),
        ({"grant_types": ["password"]}, "invalid_client_metadata"),
        ({"response_types": ["token"]}, "invalid_client_metadata"),
        ({"token_endpoint_auth_method": "private_key_jwt"}, "invalid_client_metadata"),
        ({"client_name": "\n"}, "invalid_client_metadata"),
        ({"client_name": 7}, "invalid_client_metadata"),
        ({"scope": "openid bank:payments"}, "invalid_scope"),
        ({"scope": ["openid"]}, "invalid_client_metadata"),
    ],
)
async def test_metadata_that_is_refused_does_not_use_the_token_up(
    bank: Running, changed: dict[str, Any], error: str
) -> None:
    token = await invited(bank)
    response = await register(bank, token, {**METADATA, **changed})
    assert (response.status_code, response.json()["error"]) == (400, error)
    assert (await register(bank, token, METADATA)).status_code == 201


async def test_nobody_registers_without_a_token(bank: Running) -> None:
    old = await invited(bank, days=-1)
    for token in ("x", old, "a b"):
        response = await register(bank, token, METADATA)
        assert (response.status_code, response.json()["error"]) == (401, "invalid_token")
    assert (await bank.http.post("/oauth/register", json=METADATA)).status_code == 401
    token = await invited(bank)
    for body in (b"[]", b"x", b"\xff"):
        bad = await bank.http.post("/oauth/register", content=body, headers={"authorization": f"Bearer {token}"})
        assert bad.json()["error"] == "invalid_client_metadata"
