"""Introspection and revocation."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import httpx
import pytest

from bank.scopes import OFFLINE_ACCESS, OPENID
from subgraphs.auth.oauth.clients import Client, GrantType
from tests.subgraphs.auth.oauth.browser import SECRET, claims

if TYPE_CHECKING:
    from tests.subgraphs.auth.oauth.browser import Running


async def post(bank: Running, path: str, client: Client, token: str, **form: str) -> httpx.Response:
    data = {"token": token, **form}
    if client.is_public:
        return await bank.http.post(path, data={"client_id": client.id, **data})
    return await bank.http.post(path, data=data, auth=httpx.BasicAuth(client.id, SECRET))


async def introspect(bank: Running, client: Client, token: str) -> dict[str, Any]:
    response = await post(bank, "/oauth/introspect", client, token)
    assert response.status_code == 200, response.text
    found: dict[str, Any] = response.json()
    return found


async def test_a_client_learns_what_its_tokens_are(bank: Running) -> None:
    client = await bank.add()
    tokens = await bank.tokens(client)
    access = await introspect(bank, client, tokens["access_token"])
    said = claims(tokens["access_token"])
    assert access == {
        "active": True,
        "token_type": "Bearer",
        **{name: said[name] for name in said if name not in {"sid", "roles", "amr"}},
    }
    refresh = await introspect(bank, client, tokens["refresh_token"])
    assert (refresh["active"], refresh["sub"], refresh["client_id"]) == (True, said["sub"], client.id)


async def test_other_and_dead_tokens_are_inactive(bank: Running) -> None:
    client, other = await bank.add(), await bank.add()
    tokens = await bank.tokens(client)
    own = await bank.auth.sign_up("Bob")
    for token in (tokens["access_token"], tokens["refresh_token"], own["accessToken"], own["refreshToken"], "x"):
        assert await introspect(bank, other, token) == {"active": False}
    await post(bank, "/oauth/revoke", client, tokens["refresh_token"])
    for token in (tokens["access_token"], tokens["refresh_token"], tokens["id_token"]):
        assert await introspect(bank, client, token) == {"active": False}


async def test_a_public_client_may_not_introspect(bank: Running) -> None:
    types = frozenset({GrantType.AUTHORIZATION_CODE, GrantType.REFRESH_TOKEN})
    client = await bank.add(secret_digest=None, grant_types=types)
    assert (await post(bank, "/oauth/introspect", client, "x")).status_code == 401


@pytest.mark.parametrize("revoked", ["access_token", "refresh_token"])
async def test_revocation_ends_the_grant(bank: Running, revoked: str) -> None:
    client = await bank.add()
    tokens = await bank.tokens(client, scope=f"{OPENID} {OFFLINE_ACCESS} profile")
    response = await post(bank, "/oauth/revoke", client, tokens[revoked], token_type_hint="nonsense")
    assert (response.status_code, response.content) == (200, b"")
    assert (await bank.auth.bearing(tokens["access_token"]).execute("{ me { id } }")).codes == ["UNAUTHENTICATED"]
    form = {"grant_type": "refresh_token", "refresh_token": tokens["refresh_token"]}
    assert (await bank.token(client, form)).json()["error"] == "invalid_grant"


async def test_tokens_of_others_and_unknown_ones_are_not_revoked(bank: Running) -> None:
    client, other = await bank.add(), await bank.add()
    tokens = await bank.tokens(client)
    for token in (tokens["access_token"], tokens["refresh_token"], "x"):
        assert (await post(bank, "/oauth/revoke", other, token)).status_code == 200
    assert (await introspect(bank, client, tokens["access_token"]))["active"]
    missing = await bank.http.post("/oauth/revoke", data={"x": "y"}, auth=httpx.BasicAuth(client.id, SECRET))
    assert missing.json()["error"] == "invalid_request"
