"""Running subgraphs that are queried for their SDL.

Covers `router/composition/url_without_secrets.py`, too.
"""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING

import httpx
import pytest

from router.composition.query_running_service import introspect
from router.composition.supergraph_yaml import ConfigError

if TYPE_CHECKING:
    from collections.abc import AsyncIterator


@pytest.mark.parametrize(
    ("response", "message"),
    [
        (httpx.Response(500), "returned status 500"),
        (httpx.Response(302, headers={"Location": "http://elsewhere.test"}), "returned status 302"),
        (httpx.Response(200, text="<html>"), "did not return JSON"),
        (httpx.Response(200, json={"data": None}), "is not a federated subgraph"),
        (httpx.Response(200, json={"errors": [{"message": "no"}]}), "does not return its SDL: no"),
        (httpx.Response(400, json={"errors": [{"message": "no\x1b"}]}), "does not return its SDL: no "),
        (httpx.Response(500, json={"data": {"_service": {"sdl": "scalar A"}}}), "returned status 500"),
        (
            httpx.Response(200, text='{"data": {"_service": {"sdl": "\\ud800"}}}'),
            "its SDL contains half of a surrogate pair",
        ),
    ],
)
async def test_a_response_that_is_not_from_a_subgraph_is_refused(response: httpx.Response, message: str) -> None:
    with pytest.raises(ConfigError) as error:
        await introspect("http://me:secret@users.test/?key=secret", {}, 1.0, httpx.MockTransport(lambda _: response))
    assert str(error.value).startswith(f"http://users.test/: {message}")
    assert "secret" not in str(error.value)


@pytest.mark.parametrize(
    ("url", "message"),
    [
        ("", '"" is not the URL of a subgraph'),
        ("localhost:4001", '"localhost:4001" is not the URL of a subgraph'),
        ("ftp://users.test", '"ftp://users.test" is not the URL of a subgraph'),
        ("http://users.test:99999", "http://users.test:99999: is not a URL: there is no port 99999"),
        ("http://me:secret@[::1/", "[::1/: is not a URL"),
        ("http://xn--a/", "http://xn--a/: is not a URL"),
    ],
)
async def test_an_invalid_url_is_refused_before_a_request(url: str, message: str) -> None:
    with pytest.raises(ConfigError) as error:
        await introspect(url, {}, 1.0)
    assert str(error.value).startswith(message)


@pytest.mark.parametrize("value", ["secret\n", "sécret", " secret", "secret\0"])
async def test_a_header_that_cannot_be_sent_is_reported_without_its_value(value: str) -> None:
    with pytest.raises(ConfigError) as error:
        await introspect("http://users.test", {"Authorization": value}, 1.0)
    assert str(error.value) == (
        'http://users.test: the value of the header "Authorization" contains a character that a header cannot contain'
    )


async def test_an_invalid_header_name_is_refused() -> None:
    with pytest.raises(ConfigError, match='"X Key" is not the name of a header'):
        await introspect("http://users.test", {"X Key": "a"}, 1.0)


async def test_a_subgraph_that_does_not_respond_in_time_is_an_error() -> None:
    async def silent(_: httpx.Request) -> httpx.Response:
        await asyncio.Event().wait()
        raise AssertionError

    with pytest.raises(ConfigError, match=r"within 0\.05 s"):
        await introspect("http://users.test", {}, 0.05, httpx.MockTransport(silent))


async def test_an_endless_response_is_an_error() -> None:
    async def forever() -> AsyncIterator[bytes]:
        while True:
            yield b" " * 1_000_000

    endless = httpx.MockTransport(lambda _: httpx.Response(200, content=forever()))
    with pytest.raises(ConfigError, match="longer than"):
        await introspect("http://users.test", {}, 30.0, endless)
