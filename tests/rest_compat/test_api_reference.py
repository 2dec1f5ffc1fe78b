"""`/docs` is an API reference that can send requests, in development; `/openapi.json` is compressed and has a tag.

Covers `rest_compat/api_reference/api_reference.py`.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

import httpx
import pytest

from rest_compat import openapi
from rest_compat.app import create_app
from rest_compat.settings import RestSettings
from tests.rest_compat.fake_bank import SUPERGRAPH, FakeBank

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

BROWSER = {"accept": "text/html,application/xhtml+xml,application/xml;q=0.9,*/*;q=0.8"}


def client_of(environment: str) -> httpx.AsyncClient:
    settings = {"REST_SUPERGRAPH": SUPERGRAPH, "MOSAFE_ENV": environment}
    app = create_app(RestSettings.model_validate(settings), FakeBank().send)
    return httpx.AsyncClient(transport=httpx.ASGITransport(app=app), base_url="http://rest", headers=BROWSER)


@pytest.fixture
async def development() -> AsyncIterator[httpx.AsyncClient]:
    async with client_of("development") as client:
        yield client


@pytest.fixture
async def production() -> AsyncIterator[httpx.AsyncClient]:
    async with client_of("production") as client:
        yield client


async def test_the_document_is_compressed_and_has_a_tag(production: httpx.AsyncClient) -> None:
    plain = await production.get("/openapi.json", headers={"accept-encoding": "identity"})
    compressed = await production.get("/openapi.json", headers={"accept-encoding": "gzip"})
    assert plain.json() == compressed.json() == openapi.document()
    assert compressed.headers["content-encoding"] == "gzip"
    assert int(compressed.headers["content-length"]) < len(plain.content) / 5
    assert "accept-encoding" in plain.headers["vary"]
    current = {"accept-encoding": "identity", "if-none-match": plain.headers["etag"]}
    again = await production.get("/openapi.json", headers=current)
    assert (again.status_code, again.content) == (304, b"")


@pytest.mark.parametrize("path", ["/docs", "/redoc", "/docs/files/reference.js"])
async def test_production_has_no_reference(production: httpx.AsyncClient, path: str) -> None:
    response = await production.get(path)
    assert response.status_code == 404
    assert response.headers["content-type"] == "application/json"
    assert response.json()["error"]["code"] == "NOT_FOUND"


async def test_development_has_a_reference_with_all_its_files(development: httpx.AsyncClient) -> None:
    page = await development.get("/docs")
    assert page.status_code == 200
    assert page.headers["content-type"] == "text/html; charset=utf-8"
    named = re.findall(r'(?:href|src|data-document)="([^"]+)"', page.text)
    assert any("/swagger-ui-bundle." in path for path in named)
    for path in named:
        response = await development.get(path, headers={"accept-encoding": "gzip"})
        assert response.status_code == 200, path
        if path != "/openapi.json":
            assert response.headers["cache-control"] == "public, max-age=31536000, immutable"
        if len(response.content) > 1_024:
            assert response.headers["content-encoding"] == "gzip"


async def test_the_reference_may_load_nothing_from_elsewhere(development: httpx.AsyncClient) -> None:
    """Inline styles and images in `data:` URLs are for Swagger UI; scripts come from files of this server only."""
    page = await development.get("/docs")
    directives = dict(one.strip().split(" ", 1) for one in page.headers["content-security-policy"].split(";"))
    assert directives == {
        "default-src": "'self'",
        "style-src": "'self' 'unsafe-inline'",
        "img-src": "'self' data:",
        "base-uri": "'none'",
        "form-action": "'none'",
        "frame-ancestors": "'none'",
        "object-src": "'none'",
    }
    assert not re.search(r"<style|\sstyle=|\son\w+=|<script(?![^>]*\ssrc=)|https?://", page.text)


@pytest.mark.parametrize("path", ["/docs/", "/docs/files/reference.js", "/docs/files", "/docs/nothing", "/docsx"])
async def test_other_paths_are_those_of_the_api(development: httpx.AsyncClient, path: str) -> None:
    response = await development.get(path)
    assert response.status_code == 404
    assert response.json()["error"]["code"] == "NOT_FOUND"
