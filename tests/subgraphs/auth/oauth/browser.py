"""A person with a browser, and the client that sends them to the authorization server."""

from __future__ import annotations

import base64
import hashlib
import re
import secrets
from dataclasses import dataclass, field
from html import unescape
from typing import TYPE_CHECKING, Any
from urllib.parse import parse_qsl, urlencode, urlsplit

import httpx
import jwt

from bank import values
from bank.scopes import EMAIL, OFFLINE_ACCESS, OPENID, PAYMENTS, PROFILE, READ, STAFF
from subgraphs.auth.oauth.clients import Client, GrantType, new_client_id, secret_digest
from tests.subgraphs.auth.client import PASSWORD, Auth
from tests.subgraphs.support import BASE_URL, GraphQLClient

if TYPE_CHECKING:
    from collections.abc import Mapping

    from servicekit.asgi import ASGIApp
    from subgraphs.auth.settings import AuthSettings
    from subgraphs.auth.store.protocol import AuthStore

SECRET = "s" * 43
REDIRECT = "https://shop.example/callback"
SCOPES = frozenset({OPENID, PROFILE, EMAIL, OFFLINE_ACCESS, READ, PAYMENTS, STAFF})


def challenge_of(verifier: str) -> str:
    return base64.urlsafe_b64encode(hashlib.sha256(verifier.encode()).digest()).rstrip(b"=").decode()


def a_client(**given: Any) -> Client:
    """A confidential client, with all grant types and scopes that it can have unless given."""
    fields: dict[str, Any] = {
        "id": new_client_id(),
        "name": "Shop & Co",
        "created_at": values.now(),
        "secret_digest": secret_digest(SECRET),
        "redirect_uris": (REDIRECT,),
        "grant_types": frozenset(GrantType),
        "scopes": SCOPES,
    }
    return Client(**{**fields, **given})


@dataclass(frozen=True)
class Form:
    """The form of a page."""

    action: str
    fields: dict[str, str]

    @classmethod
    def of(cls, page: httpx.Response) -> Form:
        action = re.search(r'<form method="post" action="([^"]*)">', page.text)
        assert action is not None, page.text
        hidden = re.findall(r'<input type="hidden" name="([^"]*)" value="([^"]*)">', page.text)
        return cls(unescape(action[1]), {unescape(name): unescape(value) for name, value in hidden})


@dataclass
class Flow:
    """One authorization request of a client; `parameters` may be changed before it is sent."""

    client: Client
    verifier: str = field(default_factory=lambda: secrets.token_urlsafe(48))
    parameters: dict[str, str] = field(default_factory=dict)

    def __post_init__(self) -> None:
        self.parameters = {
            "response_type": "code",
            "client_id": self.client.id,
            "redirect_uri": self.client.redirect_uris[0],
            "scope": " ".join(sorted(self.client.scopes)),
            "state": secrets.token_urlsafe(8),
            "nonce": secrets.token_urlsafe(8),
            "code_challenge": challenge_of(self.verifier),
            "code_challenge_method": "S256",
            **self.parameters,
        }

    @property
    def url(self) -> str:
        return f"/oauth/authorize?{urlencode(self.parameters)}"


@dataclass
class Running:
    """The running auth service, a second connection to its store, and its users."""

    app: ASGIApp
    http: httpx.AsyncClient
    store: AuthStore
    settings: AuthSettings

    @property
    def auth(self) -> Auth:
        return Auth(GraphQLClient(self.http))

    async def add(self, **given: Any) -> Client:
        client = a_client(**given)
        await self.store.oauth.add_client(client)
        return client

    def browser(self) -> Browser:
        """A browser without cookies."""
        return Browser(httpx.AsyncClient(transport=httpx.ASGITransport(self.app), base_url=BASE_URL))

    async def token(
        self, client: Client, form: Mapping[str, str], headers: Mapping[str, str] | None = None
    ) -> httpx.Response:
        """The response of the token endpoint to the client, which authenticates if it has a secret."""
        auth = None if client.is_public else httpx.BasicAuth(client.id, SECRET)
        identified = {"client_id": client.id, **form} if client.is_public else dict(form)
        return await self.http.post(
            "/oauth/token", data=identified, auth=auth or httpx.USE_CLIENT_DEFAULT, headers=headers
        )

    async def exchange(self, flow: Flow, code: str, **changed: str) -> httpx.Response:
        form = {
            "grant_type": "authorization_code",
            "code": code,
            "redirect_uri": flow.parameters.get("redirect_uri", ""),
            "code_verifier": flow.verifier,
            **changed,
        }
        return await self.token(flow.client, {name: value for name, value in form.items() if value})

    async def tokens(self, client: Client, email: str = "ann@example.com", **parameters: str) -> dict[str, Any]:
        """The tokens of a whole flow."""
        flow = Flow(client, parameters=parameters)
        answer = await self.browser().consent(flow, email)
        response = await self.exchange(flow, answer["code"])
        assert response.status_code == 200, response.text
        found: dict[str, Any] = response.json()
        return found


@dataclass
class Browser:
    """A browser that does not follow redirects by itself."""

    http: httpx.AsyncClient

    async def follow(self, response: httpx.Response) -> httpx.Response:
        """The page or redirect of another host to which a redirect leads."""
        while response.status_code == 303 and response.headers["location"].startswith("/"):
            response = await self.http.get(response.headers["location"])
        return response

    async def open(self, url: str) -> httpx.Response:
        return await self.follow(await self.http.get(url))

    async def submit(self, page: httpx.Response, **fields: str) -> httpx.Response:
        form = Form.of(page)
        return await self.follow(await self.http.post(form.action, data={**form.fields, **fields}))

    async def sign_in(self, flow: Flow, email: str = "ann@example.com", password: str = PASSWORD) -> httpx.Response:
        """The response after the login: usually the page that asks for consent."""
        return await self.submit(await self.open(flow.url), email=email, password=password)

    async def consent(self, flow: Flow, email: str = "ann@example.com") -> dict[str, str]:
        """What the client receives after login and consent."""
        page = await self.sign_in(flow, email)
        assert page.status_code == 200, page.text
        return answer(await self.submit(page, decision="allow"))


def answer(response: httpx.Response) -> dict[str, str]:
    """The parameters with which a browser is sent back to a client."""
    assert response.status_code == 303, response.text
    return dict(parse_qsl(urlsplit(response.headers["location"]).query))


def claims(token: str) -> dict[str, Any]:
    found: dict[str, Any] = jwt.decode(token, options={"verify_signature": False})
    return found
