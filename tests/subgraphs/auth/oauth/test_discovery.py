"""The discovery documents and the userinfo endpoint.

Covers `subgraphs/auth/oauth/discovery.py`, `subgraphs/auth/oauth/userinfo_endpoint.py` and
`subgraphs/auth/oauth/authorization_request.py`.
"""

from __future__ import annotations

from typing import TYPE_CHECKING
from urllib.parse import urlsplit

import pytest

from bank.scopes import OPENID
from tests.subgraphs.auth.oauth.browser import claims

if TYPE_CHECKING:
    from tests.subgraphs.auth.oauth.browser import Running

PATHS = ("/.well-known/openid-configuration", "/.well-known/oauth-authorization-server")


@pytest.mark.parametrize("path", PATHS)
async def test_every_endpoint_of_the_document_exists(bank: Running, path: str) -> None:
    response = await bank.http.get(path)
    assert response.headers["cache-control"] == "public, max-age=300"
    document = response.json()
    endpoints = [value for name, value in document.items() if name.endswith(("_endpoint", "_uri"))]
    assert len(endpoints) >= 4
    for url in endpoints:
        assert url.startswith("http://auth.test/")
        assert (await bank.http.request("PURGE", urlsplit(url).path)).status_code == 405
    tokens = await bank.tokens(await bank.add())
    assert claims(tokens["id_token"])["iss"] == document["issuer"]
    assert document["code_challenge_methods_supported"] == ["S256"]
    assert {"password", "implicit"}.isdisjoint(document["grant_types_supported"])


async def test_userinfo_says_what_the_scopes_allow(bank: Running) -> None:
    tokens = await bank.tokens(await bank.add(), scope=OPENID)
    bearer = {"authorization": f"Bearer {tokens['access_token']}"}
    by_get = await bank.http.get("/oauth/userinfo", headers=bearer)
    by_post = await bank.http.post("/oauth/userinfo", headers=bearer)
    assert by_get.json() == by_post.json() == {"sub": claims(tokens["id_token"])["sub"]}
    assert by_get.headers["cache-control"] == "no-store"


async def test_userinfo_refuses_by_rfc_6750(bank: Running) -> None:
    nothing = await bank.http.get("/oauth/userinfo")
    challenge = 'Bearer realm="mosafe", DPoP realm="mosafe", algs="ES256 EdDSA"'
    assert (nothing.status_code, nothing.headers["www-authenticate"]) == (401, challenge)
    wrong = await bank.http.get("/oauth/userinfo", headers={"authorization": "Bearer x"})
    assert 'error="invalid_token"' in wrong.headers["www-authenticate"]
    tokens = await bank.tokens(await bank.add(), scope="email")
    less = await bank.http.get("/oauth/userinfo", headers={"authorization": f"Bearer {tokens['access_token']}"})
    assert (less.status_code, 'error="insufficient_scope"' in less.headers["www-authenticate"]) == (403, True)
