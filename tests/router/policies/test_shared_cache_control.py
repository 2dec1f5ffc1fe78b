"""Which responses to GET requests with a persisted document a CDN may store, and for how long."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

import pytest

from router.gateway import Gateway
from router.settings import read
from tests.router.server.asgi_client import AsgiClient, AsgiResponse
from tests.router.shop import SDL, Shop

if TYPE_CHECKING:
    from pathlib import Path

    from servicekit.asgi import Message, Receive, Scope, Send

# The schema of the shop, with what its subgraphs would pass on by `@composeDirective`.
HINTS = """
enum CacheControlScope { PUBLIC PRIVATE }
directive @cacheControl(maxAge: Int, scope: CacheControlScope, inheritMaxAge: Boolean)
  on FIELD_DEFINITION | OBJECT | INTERFACE | UNION
"""
PRIVATE = "private, no-store"
VARY = "Accept, Accept-Encoding, Authorization, Cookie, apollographql-client-name"


def with_hints(sdl: str = SDL, **hints: str) -> str:
    """Put hints behind the types of fields, or into the definitions of types, that are named by their beginning."""
    places = {
        "greet": "greet(name: String!): String",
        "me": "me: User",
        "order": "order(id: ID!): Order",
        "user": "type User @join__type",
        "orders": "orders: [Order!]",
        "name": "name: String @join__field",
    }
    for name, hint in hints.items():
        place = places[name]
        assert place in sdl, place
        new = place.replace(" @", f" @cacheControl({hint}) @") if "@" in place else f"{place} @cacheControl({hint})"
        sdl = sdl.replace(place, new, 1)
    return sdl + HINTS


class Client:
    """Sends one persisted document by GET."""

    def __init__(self, folder: Path, text: str, sdl: str, settings: str = "") -> None:
        manifest = folder / "manifest.json"
        manifest.write_text(json.dumps({"1": text}))
        every = f"persisted_documents: {{mode: measure, manifests: [{manifest}], shared_cache: {{enabled: true}}}}\n"
        app = Gateway.from_supergraph(sdl, read(settings or every, {}), send=Shop()).asgi
        self.lines: list[bytes] = []

        async def recording(scope: Scope, receive: Receive, send: Send) -> None:
            async def send_on(message: Message) -> None:
                self.lines += [name for name, _ in message.get("headers", ())]
                await send(message)

            await app(scope, receive, send_on)

        self._asgi = AsgiClient(recording)

    async def get(self, query: str = "documentId=1", **headers: str) -> AsgiResponse:
        given = {name.replace("_", "-"): value for name, value in headers.items()}
        response = await self._asgi.get(query, **given)
        assert response is not None
        return response


GREET = '{ greet(name: "a") }'


@pytest.mark.parametrize(
    ("text", "hints", "expected"),
    [
        (GREET, {"greet": "maxAge: 60"}, "public, max-age=60"),
        (GREET, {"greet": "maxAge: 60, scope: PUBLIC"}, "public, max-age=60"),
        (GREET, {"greet": "maxAge: 60, scope: PRIVATE"}, PRIVATE),
        (GREET, {"greet": "maxAge: 0"}, PRIVATE),
        (GREET, {}, PRIVATE),
        ("{ me { name } }", {"me": "maxAge: 60"}, "public, max-age=60"),
        ("{ me { name } }", {"user": "maxAge: 30"}, "public, max-age=30"),
        ("{ me { name } }", {"user": "maxAge: 30", "me": "maxAge: 60"}, "public, max-age=60"),
        ("{ me { name } }", {"user": "scope: PRIVATE", "me": "maxAge: 60"}, PRIVATE),
        ("{ me { name } }", {"user": "scope: PRIVATE", "me": "maxAge: 60, scope: PUBLIC"}, "public, max-age=60"),
        ("{ me { ...N } } fragment N on User { name }", {"me": "maxAge: 60", "name": "maxAge: 5"}, "public, max-age=5"),
        ("{ me { orders { amount } } }", {"me": "maxAge: 60"}, PRIVATE),
        ("{ me { orders { amount } } }", {"me": "maxAge: 60", "orders": "inheritMaxAge: true"}, "public, max-age=60"),
        ("{ me { orders { amount } } }", {"me": "maxAge: 60", "orders": "maxAge: 90"}, "public, max-age=60"),
        ('{ me { name } ... { greet(name: "a") } }', {"me": "maxAge: 60", "greet": "maxAge: 7"}, "public, max-age=7"),
        ('{ me { name } ... { greet(name: "a") @skip(if: true) } }', {"me": "maxAge: 60"}, PRIVATE),
        ("{ __typename }", {}, PRIVATE),
        ('{ greet(name: "a") __schema { queryType { name } } }', {"greet": "maxAge: 60"}, PRIVATE),
    ],
)
async def test_the_schema_says_how_long_data_may_be_stored(
    tmp_path: Path, text: str, hints: dict[str, str], expected: str
) -> None:
    response = await Client(tmp_path, text, with_hints(**hints)).get()
    assert response.headers["cache-control"] == expected
    assert response.headers["vary"] == (VARY if expected != PRIVATE else "Accept, Accept-Encoding")


@pytest.mark.parametrize("header", ["authorization", "cookie", "x_api_key", "x_session_token", "x_user_id"])
async def test_a_response_to_a_client_with_a_credential_is_private(tmp_path: Path, header: str) -> None:
    client = Client(tmp_path, GREET, with_hints(greet="maxAge: 60"))
    assert (await client.get(**{header: "x", "apollo_require_preflight": "1"})).headers["cache-control"] == PRIVATE
    assert (await client.get(user_agent="x")).headers["cache-control"] == "public, max-age=60"


async def test_a_response_with_an_error_is_private(tmp_path: Path) -> None:
    client = Client(
        tmp_path, 'query Q($if: Boolean!) { greet(name: "a") @include(if: $if) }', with_hints(greet="maxAge: 60")
    )
    variables = "variables=%7B%22if%22%3Atrue%7D"
    assert (await client.get(f"documentId=1&{variables}")).headers["cache-control"] == "public, max-age=60"
    refused = await client.get()
    assert "errors" in refused.json
    assert refused.headers["cache-control"] == PRIVATE
    assert (await client.get("documentId=2")).headers["cache-control"] == PRIVATE


async def test_only_documents_of_the_list_and_get_may_be_stored(tmp_path: Path) -> None:
    client = Client(tmp_path, GREET, with_hints(greet="maxAge: 60"))
    assert (await client.get('query={greet(name:"a")}')).headers["cache-control"] == "no-store"
    posted = await client._asgi.post({"documentId": "1"})  # noqa: SLF001 - the client of these tests
    assert posted.headers["cache-control"] == "no-store"


async def test_the_settings_switch_it_on_and_add_times_and_headers(tmp_path: Path) -> None:
    persisted = f"mode: measure, manifests: [{tmp_path}/manifest.json]"
    off = Client(tmp_path, GREET, with_hints(greet="maxAge: 60"), f"persisted_documents: {{{persisted}}}")
    assert (await off.get()).headers["cache-control"] == "no-store"
    shared = "shared_cache: {enabled: true, default_max_age: 9s, vary: [Accept-Language]}"
    on = Client(tmp_path, GREET, SDL, f"persisted_documents: {{{persisted}, {shared}}}")
    response = await on.get()
    assert response.headers["cache-control"] == "public, max-age=9"
    assert response.headers["vary"] == f"{VARY}, accept-language"


async def test_a_rule_of_the_operator_comes_first_and_there_is_one_line_vary(tmp_path: Path) -> None:
    persisted = f"mode: measure, manifests: [{tmp_path}/manifest.json], shared_cache: {{enabled: true}}"
    rules = "[{insert: {name: cache-control, value: public}}, {insert: {name: vary, value: X-A}}]"
    rule = f"headers: {{all: {{response: {rules}}}}}"
    cors = "cors: {enabled: true, origins: ['https://a.example']}"
    settings = f"persisted_documents: {{{persisted}}}\n{rule}\n{cors}"
    client = Client(tmp_path, GREET, with_hints(greet="maxAge: 60"), settings)
    response = await client.get(origin="https://a.example", apollo_require_preflight="1")
    assert response.headers["cache-control"] == "public"
    assert client.lines.count(b"vary") == 1
    assert set(response.headers["vary"].lower().split(", ")) == {"accept", "accept-encoding", "x-a", "origin"}
