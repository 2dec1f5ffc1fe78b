"""The token endpoint: codes, refresh tokens, client credentials, and how clients authenticate.

Covers `subgraphs/auth/oauth/token_endpoint.py`, `subgraphs/auth/oauth/grants.py`,
`subgraphs/auth/oauth/oauth_tokens.py` and `subgraphs/auth/oauth/client_authentication.py`.
"""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, Any

import httpx
import pytest

from bank import values
from bank.scopes import OFFLINE_ACCESS, OPENID, PAYMENTS, READ, STAFF
from subgraphs.auth.oauth.clients import GrantType
from tests.subgraphs.auth.oauth.browser import SECRET, Flow, claims

if TYPE_CHECKING:
    from tests.subgraphs.auth.oauth.browser import Running

ME = "{ me { id } }"


async def is_valid(bank: Running, access_token: str) -> bool:
    return (await bank.auth.bearing(access_token).execute(ME)).codes == []


def error(response: httpx.Response) -> str:
    assert response.status_code in {400, 401}, response.text
    found: str = response.json()["error"]
    return found


async def test_a_code_that_is_used_twice_ends_the_grant(bank: Running) -> None:
    flow = Flow(await bank.add())
    code = (await bank.browser().consent(flow))["code"]
    tokens = (await bank.exchange(flow, code)).json()
    assert await is_valid(bank, tokens["access_token"])
    assert error(await bank.exchange(flow, code)) == "invalid_grant"
    assert not await is_valid(bank, tokens["access_token"])
    refreshed = await bank.token(flow.client, {"grant_type": "refresh_token", "refresh_token": tokens["refresh_token"]})
    assert error(refreshed) == "invalid_grant"


async def test_of_many_exchanges_of_a_code_none_leaves_a_live_grant(bank: Running) -> None:
    flow = Flow(await bank.add())
    code = (await bank.browser().consent(flow))["code"]
    responses = await asyncio.gather(*(bank.exchange(flow, code) for _ in range(5)))
    assert sum(response.status_code == 200 for response in responses) <= 1
    for response in responses:
        if response.status_code == 200:
            assert not await is_valid(bank, response.json()["access_token"])
    (user,) = await bank.store.list_users("", 10)
    assert await bank.store.oauth.live_grants(user.id, flow.client.id, values.now()) == []


async def test_a_code_with_a_wrong_verifier_uri_or_client_is_refused_and_stays_valid(bank: Running) -> None:
    flow, other = Flow(await bank.add()), await bank.add()
    code = (await bank.browser().consent(flow))["code"]
    stranger = Flow(other, verifier=flow.verifier)
    assert error(await bank.exchange(stranger, code)) == "invalid_grant"
    assert error(await bank.exchange(flow, code, code_verifier="w" * 43)) == "invalid_grant"
    assert error(await bank.exchange(flow, code, redirect_uri="https://evil.example")) == "invalid_grant"
    assert error(await bank.exchange(flow, code, code_verifier="")) == "invalid_request"
    assert error(await bank.exchange(flow, "x" * 43)) == "invalid_grant"
    assert (await bank.exchange(flow, code, redirect_uri="")).status_code == 200


async def test_a_refresh_token_is_used_once_and_may_narrow_the_scope(bank: Running) -> None:
    client = await bank.add()
    tokens = await bank.tokens(client)
    form = {"grant_type": "refresh_token", "refresh_token": tokens["refresh_token"]}
    assert error(await bank.token(client, {**form, "scope": "root"})) == "invalid_scope"
    other = await bank.add()
    assert error(await bank.token(other, form)) == "invalid_grant"
    narrowed = (await bank.token(client, {**form, "scope": READ})).json()
    assert claims(narrowed["access_token"])["scope"] == READ
    assert "id_token" not in narrowed
    form["refresh_token"] = narrowed["refresh_token"]
    whole = (await bank.token(client, form)).json()
    assert set(whole["scope"].split()) == client.scopes
    first, last = claims(tokens["id_token"]), claims(whole["id_token"])
    assert [first[name] for name in ("sub", "auth_time", "sid")] == [last[name] for name in ("sub", "auth_time", "sid")]


async def test_a_refresh_token_that_is_used_twice_ends_the_grant(bank: Running) -> None:
    client = await bank.add()
    first = await bank.tokens(client)
    form = {"grant_type": "refresh_token", "refresh_token": first["refresh_token"]}
    second = (await bank.token(client, form)).json()
    third = (await bank.token(client, {**form, "refresh_token": second["refresh_token"]})).json()
    assert error(await bank.token(client, form)) == "invalid_grant"
    assert not await is_valid(bank, third["access_token"])


async def test_the_banks_own_login_and_clients_do_not_share_refresh_tokens(bank: Running) -> None:
    client = await bank.add()
    tokens = await bank.tokens(client)
    stolen = await bank.auth.mutate("refresh", refreshToken=tokens["refresh_token"])
    assert stolen.ok()["refresh"]["code"] == "INVALID_TOKEN"
    login = await bank.auth.mutate("login", email="ann@example.com", password="correct horse battery")
    own = login.ok()["login"]["refreshToken"]
    assert error(await bank.token(client, {"grant_type": "refresh_token", "refresh_token": own})) == "invalid_grant"
    assert (await bank.auth.mutate("refresh", refreshToken=own)).ok()["refresh"]["__typename"] == "Session"
    assert await is_valid(bank, tokens["access_token"])


async def test_a_client_acts_for_itself(bank: Running) -> None:
    client = await bank.add(roles=frozenset({"SUPPORT"}))
    tokens = (await bank.token(client, {"grant_type": "client_credentials"})).json()
    found = claims(tokens["access_token"])
    assert (found["sub"], found["roles"], found["scope"]) == (client.id, ["SUPPORT"], f"{READ} {STAFF}")
    assert "refresh_token" not in tokens
    less = (await bank.token(client, {"grant_type": "client_credentials", "scope": READ})).json()
    assert claims(less["access_token"])["roles"] == []
    for scope in (PAYMENTS, OPENID, OFFLINE_ACCESS):
        form = {"grant_type": "client_credentials", "scope": scope}
        assert error(await bank.token(client, form)) == "invalid_scope"


async def test_grant_types_that_a_client_may_not_use(bank: Running) -> None:
    client = await bank.add(grant_types=frozenset({GrantType.AUTHORIZATION_CODE}))
    assert error(await bank.token(client, {"grant_type": "client_credentials"})) == "unauthorized_client"
    for unknown in ("password", "implicit", "urn:ietf:params:oauth:grant-type:jwt-bearer"):
        assert error(await bank.token(client, {"grant_type": unknown})) == "unsupported_grant_type"
    assert error(await bank.token(client, {"scope": READ})) == "invalid_request"


async def test_how_clients_authenticate(bank: Running) -> None:
    client, public = await bank.add(), await bank.add(secret_digest=None, grant_types=frozenset(GrantType))
    form = {"grant_type": "client_credentials"}
    posted = await bank.http.post("/oauth/token", data={**form, "client_id": client.id, "client_secret": SECRET})
    assert posted.status_code == 200
    refused: list[dict[str, Any]] = [
        {"data": {**form, "client_id": client.id}},
        {"data": {**form, "client_id": client.id, "client_secret": "wrong"}},
        {"data": {**form, "client_id": "0" * 32, "client_secret": SECRET}},
        {"data": {**form, "client_id": public.id, "client_secret": SECRET}},
        {"data": form},
        {"data": form, "auth": httpx.BasicAuth(client.id, "wrong")},
        {"data": {**form, "client_id": public.id}, "auth": httpx.BasicAuth(client.id, SECRET)},
        {"data": form, "headers": {"authorization": "Basic x"}},
        {"data": form, "headers": {"authorization": "Basic eA=="}},
    ]
    for given in refused:
        response = await bank.http.post("/oauth/token", **given)
        assert (response.status_code, response.json()["error"]) == (401, "invalid_client"), given
        assert response.headers["www-authenticate"] == 'Basic realm="mosafe"'
    twice = {**form, "client_id": client.id, "client_secret": SECRET}
    response = await bank.http.post("/oauth/token", data=twice, auth=httpx.BasicAuth(client.id, SECRET))
    assert error(response) == "invalid_request"


@pytest.mark.parametrize("path", ["par", "revoke", "introspect", "device_authorization"])
async def test_clients_authenticate_at_the_other_endpoints_too(bank: Running, path: str) -> None:
    client = await bank.add()
    form = {**Flow(client).parameters, "token": "x"}
    for given in ({}, {"client_secret": "wrong"}):
        refused = await bank.http.post(f"/oauth/{path}", data={**form, **given})
        assert (refused.status_code, error(refused)) == (401, "invalid_client"), given
    accepted = await bank.http.post(f"/oauth/{path}", data={**form, "client_secret": SECRET})
    assert accepted.is_success, accepted.text


async def test_what_is_not_a_form_is_refused(bank: Running) -> None:
    assert (await bank.http.post("/oauth/token", json={"grant_type": "x"})).status_code == 415
    large = await bank.http.post("/oauth/token", data={"x": "y" * 20_000})
    assert large.status_code == 413
    doubled = await bank.http.post(
        "/oauth/token", content="a=1&a=2", headers={"content-type": "application/x-www-form-urlencoded"}
    )
    assert error(doubled) == "invalid_request"
    assert (await bank.http.get("/oauth/token")).status_code == 405


async def test_scripts_of_other_origins_may_call_the_endpoint(bank: Running) -> None:
    preflight = await bank.http.options("/oauth/token")
    assert (preflight.status_code, preflight.headers["access-control-allow-origin"]) == (204, "*")
    assert "access-control-allow-credentials" not in preflight.headers
    refused = await bank.http.post("/oauth/token", data={})
    assert refused.headers["access-control-allow-origin"] == "*"


async def test_the_requests_of_a_client_are_limited(bank: Running) -> None:
    client, public = await bank.add(), await bank.add(secret_digest=None)
    form = {"grant_type": "client_credentials"}
    responses = [await bank.token(client, form) for _ in range(21)]
    assert {response.status_code for response in responses[:-1]} == {200}
    assert (responses[-1].status_code, responses[-1].json()["error"]) == (429, "temporarily_unavailable")
    assert int(responses[-1].headers["retry-after"]) >= 1
    assert (await bank.token(await bank.add(), form)).status_code == 200
    assert error(await bank.token(public, {"grant_type": "authorization_code"})) == "invalid_request"
