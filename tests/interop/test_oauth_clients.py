"""Published OAuth clients (npm: openid-client, oauth4webapi) against the authorization server in its own process."""

from __future__ import annotations

import re
from html import unescape
from typing import TYPE_CHECKING, Any

import httpx
import pytest

from tests.interop import node
from tests.interop.authorization_server import SCOPE, authorization_server, created

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

REDIRECT = "http://127.0.0.1:9/callback"
PASSWORD = "correct horse battery"
ACCOUNT = {"email": "ann@example.com", "password": PASSWORD}
REGISTER = 'mutation { register(input: {email: "ann@example.com", password: "correct horse battery", name: "Ann"})'


class Person:
    """Ann with her browser, who signs in, consents to everything, and types the codes of devices."""

    def __init__(self, http: httpx.AsyncClient) -> None:
        self._http = http

    async def open(self, url: str) -> str:
        """Follow `url` to its end: the URL to which the browser is sent back, or the last page."""
        page = await self._http.get(url)
        for _ in range(12):
            if page.status_code == 303:
                location = page.headers["location"]
                if location.startswith(REDIRECT):
                    return str(location)
                page = await self._http.get(location)
            elif (fields := self._answer(page)) is not None:
                page = await self._submit(page, fields)
            else:
                return str(page.url)
        raise AssertionError(f"no end of pages: {page.text}")

    def _answer(self, page: httpx.Response) -> dict[str, str] | None:
        """What Ann fills in; None if there is no form."""
        if 'name="password"' in page.text:
            return ACCOUNT
        if 'name="decision"' in page.text:
            return {"decision": "allow"}
        if (code := re.search(r'value="([A-Z]{4}-[A-Z]{4})"', page.text)) is not None:
            return {"user_code": code[1]}
        return {} if "<form" in page.text else None

    async def _submit(self, page: httpx.Response, fields: dict[str, str]) -> httpx.Response:
        action = re.search(r'<form method="post" action="([^"]*)">', page.text)
        assert action is not None, page.text
        hidden = re.findall(r'<input type="hidden" name="([^"]*)" value="([^"]*)">', page.text)
        form = {unescape(name): unescape(value) for name, value in hidden}
        return await self._http.post(unescape(action[1]), data={**form, **fields})


@pytest.fixture
def server(tmp_path: Path) -> Iterator[tuple[str, dict[str, str]]]:
    with authorization_server(tmp_path) as running:
        yield running


async def test_npm_clients_run_through_every_flow(server: tuple[str, dict[str, str]]) -> None:
    url, environ = server
    client_id, secret = created(environ, REDIRECT)
    async with (
        httpx.AsyncClient(base_url=url, timeout=30) as http,
        node.running("oauth_clients.mjs", url, client_id, secret, REDIRECT) as script,
    ):
        registered = await http.post("/graphql", json={"query": f"{REGISTER} {{ __typename }} }}"})
        assert registered.json() == {"data": {"register": {"__typename": "Session"}}}
        person = Person(http)
        results: dict[str, Any] = await script.next()
        while "open" in results:
            script.send(await person.open(results["open"]))
            results = await script.next()
    openid = results["openidClient"]
    for flow in ("code", "pushed"):
        assert openid[flow]["scope"] == SCOPE
        assert openid[flow]["active"] == [True, False]
        assert (openid[flow]["user"]["name"], openid[flow]["user"]["email"]) == ("Ann", "ann@example.com")
    assert (openid["device"], openid["machine"], openid["logout"]) == ("bank:read openid", "bank:read", "/oauth/logout")
    assert results["oauth4webapi"] == {"scope": SCOPE, "issuer": url}
    dpop = results["dpop"]
    assert (dpop["algorithms"], dpop["name"], dpop["isBound"]) == (["ES256", "EdDSA"], "Ann", True)
    assert [each.lower() for each in dpop["types"]] == ["dpop"] * 3
    pushed = results["pushedDpop"]
    assert ([each.lower() for each in pushed["types"]], pushed["name"]) == (["dpop"] * 2, "Ann")
