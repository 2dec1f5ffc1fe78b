from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from subgraphs.auth.app import create_app
from tests.subgraphs.support import running

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

    import httpx

    from subgraphs.auth.settings import AuthSettings

PATH = "/.well-known/jwks.json"


@pytest.fixture
async def http(settings: AuthSettings) -> AsyncIterator[httpx.AsyncClient]:
    async with running(create_app(settings)) as client:
        yield client


async def test_a_client_that_has_the_key_set_gets_304(http: httpx.AsyncClient) -> None:
    first = await http.get(PATH)
    assert (first.status_code, first.headers["content-type"]) == (200, "application/jwk-set+json")
    tag = first.headers["etag"]
    for condition in (tag, f"W/{tag}", f'"other", {tag}', "*"):
        again = await http.get(PATH, headers={"if-none-match": condition})
        assert (again.status_code, again.content, again.headers["etag"]) == (304, b"", tag)
        assert again.headers["cache-control"] == "public, max-age=300"
    for condition in ('"other"', "nonsense", ""):
        assert (await http.get(PATH, headers={"if-none-match": condition})).content == first.content


async def test_the_tag_changes_with_the_keys_only(http: httpx.AsyncClient, settings: AuthSettings) -> None:
    first, second = [(await http.get(PATH)).headers["etag"] for _ in range(2)]
    assert first == second
    other = settings.model_copy(update={"data_dir": settings.data_dir / "other"})
    async with running(create_app(other)) as client:
        assert (await client.get(PATH)).headers["etag"] != first


async def test_head_has_the_headers_of_get(http: httpx.AsyncClient) -> None:
    got, head = await http.get(PATH), await http.head(PATH)
    names = ("etag", "cache-control", "content-type", "content-length", "access-control-allow-origin")
    assert [got.headers[name] for name in names] == [head.headers[name] for name in names]
    assert head.content == b""
