"""A person who opens the router in a browser sees a page in development, and gets the API's error in production."""

from __future__ import annotations

import base64
import gzip
import hashlib
import re
from typing import TYPE_CHECKING

import brotli  # type: ignore[import-untyped]  # publishes no types
import pytest

from router.gateway import Gateway
from router.server.pages.ide_pages import PREFIX, installed_pages, prefers_html
from router.settings import read
from tests.router.server.asgi_client import AsgiClient, AsgiResponse
from tests.router.shop import SDL, Shop

if TYPE_CHECKING:
    from collections.abc import Mapping

# What Chromium, Firefox and Safari send when a person opens an address.
BROWSER = "text/html,application/xhtml+xml,application/xml;q=0.9,image/avif,image/webp,*/*;q=0.8"
DEVELOPMENT = {"MOSAFE_ENV": "development"}
EXPLORER = installed_pages()["explorer"]
FILES = f"{PREFIX}explorer/"


def client(settings: str = "", environ: Mapping[str, str] = DEVELOPMENT) -> AsgiClient:
    return AsgiClient(Gateway.from_supergraph(SDL, read(settings, environ), send=Shop()).asgi)


async def get(path: str, to: AsgiClient | None = None, method: str = "GET", **headers: str) -> AsgiResponse:
    given = {"accept": BROWSER, **{name.replace("_", "-"): value for name, value in headers.items()}}
    response = await (to or client()).send(method, path, headers=given)
    assert response is not None
    return response


@pytest.mark.parametrize("path", ["/", "/graphql", "/ide/explorer"])
async def test_a_browser_gets_a_page_in_development(path: str) -> None:
    response = await get(path)
    assert response.status == 200
    assert response.headers["content-type"] == "text/html; charset=utf-8"
    assert b'data-graphql="/graphql"' in response.body or b"graphiql" in response.body
    assert "accept" in response.headers["vary"]


@pytest.mark.parametrize(("path", "status", "code"), [("/", 404, "NOT_FOUND"), ("/ide/explorer", 404, "NOT_FOUND")])
async def test_in_production_there_is_no_page(path: str, status: int, code: str) -> None:
    response = await get(path, client(environ={}))
    assert (response.status, response.code) == (status, code)
    assert response.headers["content-type"].startswith("application/json")


async def test_in_production_the_endpoint_has_no_html() -> None:
    refused = await get("/graphql", client(environ={}), accept="text/html")
    assert (refused.status, refused.code) == (406, "NOT_ACCEPTABLE")
    response = await get("/graphql", client(environ={}))
    assert response.code == "BAD_REQUEST"


async def test_the_page_is_there_only_if_the_settings_say_so() -> None:
    assert (await get("/", client("ide: {enabled: false}"))).status == 404
    assert (await get("/", client("ide: {enabled: true}", {}))).status == 200


@pytest.mark.parametrize(
    "accept", ["application/json", "*/*", "application/graphql-response+json, text/html;q=0.5", ""]
)
async def test_a_client_of_the_api_gets_no_page(accept: str) -> None:
    response = await client().send("GET", query="query={me{name}}", headers={"accept": accept} if accept else {})
    assert response is not None
    assert response.json == {"data": {"me": {"name": "Ada"}}}


@pytest.mark.parametrize("accept", ["*/*", "text/plain", "text/*;q=0.5, image/png", ""])
async def test_a_person_with_curl_gets_a_text_that_names_the_endpoint(accept: str) -> None:
    """It was 404, which reads as if no router were there."""
    for to, endpoint in ((client(), "/graphql"), (client("server: {path: /api/query}"), "/api/query")):
        response = await to.send("GET", "/", headers={"accept": accept} if accept else {})
        assert response is not None
        assert (response.status, response.headers["content-type"]) == (200, "text/plain; charset=utf-8")
        assert f"POST {endpoint}: " in response.body.decode()
        assert "accept" in response.headers["vary"]


@pytest.mark.parametrize(
    ("settings", "environ", "accept"),
    [
        ("", {}, "*/*"),
        ("ide: {enabled: false}", DEVELOPMENT, "*/*"),
        ("", DEVELOPMENT, "application/json"),
        ("", DEVELOPMENT, "text/plain;q=0"),
    ],
)
async def test_a_client_of_the_api_gets_no_text(settings: str, environ: Mapping[str, str], accept: str) -> None:
    response = await get("/", client(settings, environ), accept=accept)
    assert (response.status, response.code) == (404, "NOT_FOUND")


async def test_an_endpoint_at_the_root_is_served_instead_of_the_text() -> None:
    response = await client("server: {path: /}").send("GET", "/", query="query={me{name}}", headers={"accept": "*/*"})
    assert response is not None
    assert response.json == {"data": {"me": {"name": "Ada"}}}


async def test_a_post_of_a_browser_is_executed() -> None:
    response = await client().post({"query": "{ me { name } }"}, accept=BROWSER)
    assert response.json == {"data": {"me": {"name": "Ada"}}}


@pytest.mark.parametrize(
    ("accept", "expected"),
    [
        (BROWSER, True),
        ("text/html", True),
        ("text/html;q=0.9,application/json", False),
        ("text/html,application/json", False),
        ("text/html;q=0", False),
        ("*/*", False),
        ("text/*", False),
        (None, False),
    ],
)
def test_a_page_is_for_clients_that_prefer_html(accept: str | None, *, expected: bool) -> None:
    assert prefers_html(accept) is expected


async def test_our_page_has_a_strict_policy() -> None:
    """Nothing inline, no other origin, no frame around it."""
    response = await get("/ide/explorer")
    policy = response.headers["content-security-policy"]
    assert policy == (
        "default-src 'self'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'; object-src 'none'"
    )
    text = response.body.decode()
    assert not re.search(r"<style|\sstyle=|\son\w+=|<script(?![^>]*\ssrc=)|javascript:", text)
    assert response.headers["referrer-policy"] == "no-referrer"
    assert response.headers["x-content-type-options"] == "nosniff"


async def test_no_file_of_our_page_names_another_origin() -> None:
    for name, file in EXPLORER.folder.files.items():
        code = re.sub(r"^\s*//.*$", "", file.content.decode(), flags=re.MULTILINE)
        assert re.findall(r"(?:https?:)?//(?!www\.w3\.org/2000/svg)[a-z0-9.-]+\.[a-z]+", code) == [], name


@pytest.mark.parametrize(
    ("file", "content_type"),
    [
        ("main.mjs", "text/javascript; charset=utf-8"),
        ("explorer.css", "text/css; charset=utf-8"),
        ("icon.svg", "image/svg+xml; charset=utf-8"),
    ],
)
async def test_files_have_their_content_type_and_are_kept(file: str, content_type: str) -> None:
    response = await get(EXPLORER.folder.url(FILES, file))
    assert response.status == 200
    assert response.headers["content-type"] == content_type
    assert response.headers["cache-control"] == "public, max-age=31536000, immutable"
    assert response.headers["x-content-type-options"] == "nosniff"


async def test_each_file_that_the_page_names_is_there() -> None:
    page = (await get("/ide/explorer")).body.decode()
    named = re.findall(r'(?:href|src)="([^"]+)"', page)
    assert named
    for path in named:
        assert (await get(path)).status == 200, path
    loaded = {path.removeprefix(FILES) for path in named}
    for name in EXPLORER.folder.files:
        if name.endswith(".mjs"):
            assert name in loaded, "the page does not load the module with its integrity"
            for imported in re.findall(r"from '\./([^']+)'", EXPLORER.folder.files[name].content.decode()):
                assert imported in EXPLORER.folder.files


async def test_the_page_says_which_content_each_file_has() -> None:
    page = (await get("/ide/explorer")).body.decode()
    checked = re.findall(
        r'<(?:link rel="(?:stylesheet|modulepreload)"|script)[^>]*?(?:href|src)="([^"]+)"([^>]*)>', page
    )
    assert checked
    for path, attributes in checked:
        digest = base64.b64encode(hashlib.sha384((await get(path)).body).digest()).decode()
        assert f'integrity="sha384-{digest}"' in attributes, path


@pytest.mark.parametrize(
    "path",
    [
        f"{FILES}nothing.mjs",
        f"{FILES}main.mjs",
        f"{FILES}../ide_pages.py",
        f"{FILES}index.html",
        f"{FILES}main.0123456789abcdef.mjs",
        f"{PREFIX}other",
        f"{PREFIX}",
    ],
)
async def test_a_path_without_a_file_is_not_found(path: str) -> None:
    response = await get(path)
    assert (response.status, response.code) == (404, "NOT_FOUND")


@pytest.mark.parametrize(("coding", "decode"), [("br", brotli.decompress), ("gzip", gzip.decompress)])
async def test_files_are_compressed(coding: str, decode: object) -> None:
    assert callable(decode)
    name = EXPLORER.folder.names["completion.mjs"]
    response = await get(FILES + name, accept_encoding=coding)
    assert response.headers["content-encoding"] == coding
    assert int(response.headers["content-length"]) == len(response.body) < 5_000
    assert decode(response.body) == EXPLORER.folder.files[name].content


async def test_a_browser_that_has_the_page_gets_no_body() -> None:
    first = await get("/ide/explorer")
    assert first.headers["cache-control"] == "no-cache"
    again = await get("/ide/explorer", if_none_match=first.headers["etag"])
    assert (again.status, again.body) == (304, b"")
    assert again.headers["content-security-policy"] == first.headers["content-security-policy"]


async def test_head_has_the_headers_without_the_body() -> None:
    response = await get("/ide/explorer", method="HEAD")
    assert (response.status, response.body) == (200, b"")
    assert int(response.headers["content-length"]) > 1_000


async def test_the_endpoint_of_the_page_is_the_configured_path() -> None:
    to = client('server: {path: "/api/g&q"}')
    assert b'data-graphql="/api/g&amp;q"' in (await get("/ide/explorer", to)).body
    assert (await get("/api/g&q", to)).status == 200


async def test_an_endpoint_below_the_prefix_is_still_served() -> None:
    to = client("server: {path: /ide/graphql}")
    response = await to.send("GET", "/ide/graphql", query="query={me{name}}")
    assert response is not None
    assert response.json == {"data": {"me": {"name": "Ada"}}}
