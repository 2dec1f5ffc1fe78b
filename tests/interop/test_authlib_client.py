"""Authlib's client, the most used one in Python, against the authorization server in its own process."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import httpx
import pytest
from authlib.common.security import generate_token
from authlib.integrations.httpx_client import AsyncOAuth2Client, OAuthError

from tests.interop.authorization_server import SCOPE, authorization_server, created
from tests.interop.test_oauth_clients import REDIRECT, REGISTER, Person

if TYPE_CHECKING:
    from pathlib import Path


async def test_authlib_runs_through_code_refresh_revocation_and_client_credentials(tmp_path: Path) -> None:
    with authorization_server(tmp_path) as (url, environ):
        client_id, secret = created(environ, REDIRECT, "Authlib")
        async with (
            httpx.AsyncClient(base_url=url, timeout=30) as http,
            AsyncOAuth2Client(
                client_id, secret, scope=SCOPE, redirect_uri=REDIRECT, code_challenge_method="S256"
            ) as client,
        ):
            registered = await http.post("/graphql", json={"query": f"{REGISTER} {{ __typename }} }}"})
            assert registered.json() == {"data": {"register": {"__typename": "Session"}}}
            server: dict[str, Any] = (await http.get("/.well-known/oauth-authorization-server")).json()
            verifier = generate_token(48)
            opened, state = client.create_authorization_url(server["authorization_endpoint"], code_verifier=verifier)
            sent_back = await Person(http).open(opened)
            tokens = await client.fetch_token(
                server["token_endpoint"], authorization_response=sent_back, code_verifier=verifier, state=state
            )
            assert tokens["scope"] == SCOPE
            assert (await client.get(server["userinfo_endpoint"])).json()["email"] == "ann@example.com"
            refreshed = await client.refresh_token(server["token_endpoint"])
            assert refreshed["access_token"] != tokens["access_token"]
            asked = await client.introspect_token(server["introspection_endpoint"], token=refreshed["access_token"])
            assert asked.json()["active"] is True
            revoked = await client.revoke_token(server["revocation_endpoint"], token=refreshed["refresh_token"])
            assert revoked.status_code == 200
            assert (await client.get(server["userinfo_endpoint"])).status_code == 401
            with pytest.raises(OAuthError, match="invalid_grant"):
                await client.refresh_token(server["token_endpoint"], refresh_token=refreshed["refresh_token"])
            machine = await client.fetch_token(
                server["token_endpoint"], grant_type="client_credentials", scope="bank:read"
            )
            assert (machine["scope"], "refresh_token" in machine) == ("bank:read", False)
