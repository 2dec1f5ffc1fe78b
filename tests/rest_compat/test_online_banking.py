"""The online banking page at `/`: in development, and in production only if it is switched on.

Covers `rest_compat/online_banking/online_banking.py` and the operations of the page. `tests/browser` uses the page.
"""

from __future__ import annotations

import base64
import hashlib
import re
from pathlib import Path
from typing import TYPE_CHECKING

import httpx
import pytest
from graphql import parse, validate

from rest_compat.app import create_app
from rest_compat.online_banking import online_banking
from rest_compat.settings import RestSettings
from tests.rest_compat.fake_bank import SCHEMA, SUPERGRAPH, FakeBank

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

PAGE = Path(online_banking.__file__).parent / "page"
POLICY = "default-src 'self'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'; object-src 'none'"


def client_of(environment: str, **more: str) -> httpx.AsyncClient:
    settings = {"REST_SUPERGRAPH": SUPERGRAPH, "MOSAFE_ENV": environment, **more}
    app = create_app(RestSettings.model_validate(settings), FakeBank().send)
    return httpx.AsyncClient(transport=httpx.ASGITransport(app=app), base_url="http://rest")


@pytest.fixture
async def development() -> AsyncIterator[httpx.AsyncClient]:
    async with client_of("development") as client:
        yield client


@pytest.mark.parametrize(
    ("environment", "switch", "status"),
    [
        ("development", {}, 200),
        ("development", {"REST_ONLINE_BANKING": "false"}, 404),
        ("production", {}, 404),
        ("production", {"REST_ONLINE_BANKING": "true"}, 200),
    ],
)
async def test_the_page_is_for_development_or_switched_on(
    environment: str, switch: dict[str, str], status: int
) -> None:
    async with client_of(environment, **switch) as client:
        page, graphql = await client.get("/"), await client.post("/graphql", json={"query": "{ __typename }"})
    assert (page.status_code, graphql.status_code) == (status, status)
    if status == 404:
        assert page.headers["content-type"] == "application/json"
        assert page.json()["error"]["code"] == graphql.json()["error"]["code"] == "NOT_FOUND"


async def test_the_page_loads_only_files_of_this_server_and_nothing_inline(development: httpx.AsyncClient) -> None:
    page = await development.get("/")
    assert page.headers["content-type"] == "text/html; charset=utf-8"
    assert page.headers["content-security-policy"] == POLICY
    assert page.headers["cache-control"] == "public, max-age=0, s-maxage=5, must-revalidate"
    assert not re.search(r"<style|\sstyle=|\son\w+=|<script(?![^>]*\ssrc=)|https?://|\{\{", page.text)
    again = await development.get("/", headers={"if-none-match": page.headers["etag"]})
    assert (again.status_code, again.content) == (304, b"")


async def test_every_file_that_page_and_modules_name_is_served_for_ever(development: httpx.AsyncClient) -> None:
    page = (await development.get("/")).text
    paths = re.findall(r'(?:href|src)="/banking/([^"]+)"', page)
    modules = {path.name for path in PAGE.glob("*.mjs")}
    assert {re.sub(r"\.[0-9a-f]{16}\.", ".", path) for path in paths} == modules | {"banking.css", "icon.svg"}
    imported = set[str]()
    for path in paths:
        response = await development.get(f"/banking/{path}")
        assert response.status_code == 200, path
        imported |= set(re.findall(r"from '\./([^']+)'", response.text))
        assert response.headers["cache-control"] == "public, max-age=31536000, immutable"
        assert response.headers["x-content-type-options"] == "nosniff"
        digest = base64.b64encode(hashlib.sha384(response.content).digest()).decode()
        assert path.endswith(".svg") or f'{path}" integrity="sha384-{digest}"' in page
    assert imported < set(paths)


async def test_the_log_has_the_paths_of_pages_and_files(
    development: httpx.AsyncClient, capsys: pytest.CaptureFixture[str]
) -> None:
    """Operators saw "(unknown path)" with the status 200."""
    for page in ("/", "/docs"):
        (path, *_) = re.findall(r'(?:href|src)="(/[^"#]+)"', (await development.get(page)).text)
        assert (await development.get(path)).status_code == 200
    logged = capsys.readouterr().out
    assert "/:file" in logged
    assert "unknown path" not in logged


@pytest.mark.parametrize(
    "path",
    [
        "/index.html",
        "/banking/",
        "/banking/main.mjs",
        "/banking/main.0123456789abcdef.mjs",
        "/banking/index.html",
    ],
)
async def test_other_paths_are_those_of_the_api(development: httpx.AsyncClient, path: str) -> None:
    response = await development.get(path)
    assert (response.status_code, response.json()["error"]["code"]) == (404, "NOT_FOUND")
    assert (await development.post("/")).status_code == 404


def test_no_module_makes_html_from_text_or_talks_to_another_origin() -> None:
    forbidden = re.compile(r"innerHTML|outerHTML|insertAdjacentHTML|document\.write|\beval\b|new Function|https?://")
    assert {path.name: forbidden.findall(path.read_text(encoding="utf-8")) for path in PAGE.glob("*.mjs")} == {
        path.name: [] for path in PAGE.glob("*.mjs")
    }


def operations() -> dict[str, str]:
    """Each template literal of `operations.mjs` that is an operation, with those that it contains put in."""
    text = (PAGE / "operations.mjs").read_text(encoding="utf-8")
    parts = dict(re.findall(r"const ([A-Z]+) = /\* GraphQL \*/ `(.*?)`", text, re.DOTALL))
    found = re.findall(r"/\* GraphQL \*/ `(\s*(?:query|mutation) (\w+).*?)`", text, re.DOTALL)
    return {name: re.sub(r"\$\{(\w+)\}", lambda match: parts[match[1]], document) for document, name in found}


def test_each_operation_of_the_page_is_valid_for_the_supergraph() -> None:
    documents = operations()
    assert documents.keys() >= {"LogIn", "Refresh", "Accounts", "Account", "Transfer", "Deposit", "Withdraw", "Pay"}
    for name, document in documents.items():
        assert validate(SCHEMA, parse(document)) == [], name
