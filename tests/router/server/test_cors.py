"""Pages of other origins, which may read responses if the settings say so."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from collections.abc import Callable

    from tests.router.server.asgi_client import AsgiClient

PAGES = "cors: {enabled: true, origins: ['https://app.example'], %s}"


async def test_no_page_may_read_answers_by_default(client: Callable[..., AsgiClient]) -> None:
    answer = await client().post({"query": "q"}, origin="https://app.example")
    assert "access-control-allow-origin" not in answer.headers


async def test_a_page_on_the_list_may_read_answers(client: Callable[..., AsgiClient]) -> None:
    answer = await client(PAGES % "expose_headers: [X-Request-Id]").post({"query": "q"}, origin="https://app.example")
    assert answer.headers["access-control-allow-origin"] == "https://app.example"
    assert answer.headers["access-control-expose-headers"] == "x-request-id"
    assert answer.headers["vary"] == "Origin, Accept, Accept-Encoding"
    assert "access-control-allow-credentials" not in answer.headers


@pytest.mark.parametrize("origin", ["https://evil", "https://app.example.evil", "null"])
async def test_another_page_may_not(client: Callable[..., AsgiClient], origin: str) -> None:
    answer = await client(PAGES % "max_age: 1m").post({"query": "q"}, origin=origin)
    assert "access-control-allow-origin" not in answer.headers
    assert answer.headers["vary"] == "Origin, Accept, Accept-Encoding"


async def test_a_preflight_is_answered_from_the_settings(client: Callable[..., AsgiClient]) -> None:
    pages = client(PAGES % "allow_headers: [X-A, Content-Type], max_age: 1m, allow_credentials: true")
    answer = await pages.send(
        "OPTIONS", headers={"origin": "https://app.example", "access-control-request-method": "POST"}
    )
    assert answer is not None
    assert answer.status == 204
    assert answer.headers["access-control-allow-origin"] == "https://app.example"
    assert answer.headers["access-control-allow-methods"] == "GET, HEAD, POST, OPTIONS"
    assert answer.headers["access-control-allow-headers"] == "x-a, content-type"
    assert answer.headers["access-control-max-age"] == "60"
    assert answer.headers["access-control-allow-credentials"] == "true"


async def test_every_page_may_when_the_operator_says_so(client: Callable[..., AsgiClient]) -> None:
    answer = await client("cors: {enabled: true, origins: ['*']}").post({"query": "q"}, origin="https://any")
    assert answer.headers["access-control-allow-origin"] == "*"
    assert answer.headers["vary"] == "Accept, Accept-Encoding"


async def test_refusals_can_be_read_by_the_page_too(client: Callable[..., AsgiClient]) -> None:
    answer = await client(PAGES % "max_age: 1m").post(b"{", origin="https://app.example")
    assert answer.status == 400
    assert answer.headers["access-control-allow-origin"] == "https://app.example"
