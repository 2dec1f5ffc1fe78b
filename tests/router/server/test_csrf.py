"""Requests that pages of another origin may have caused."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from collections.abc import Callable

    from tests.router.server.asgi_client import AsgiClient, AsgiResponse

BLOCKED = (400, "CSRF_BLOCKED")


def verdict(response: AsgiResponse) -> tuple[int, object]:
    return response.status, (response.code if response.status != 200 else None)


@pytest.mark.parametrize(
    ("headers", "expected"),
    [
        ({}, (200, None)),
        ({"origin": "https://evil"}, BLOCKED),
        ({"cookie": "session=1"}, BLOCKED),
        ({"sec_fetch_site": "cross-site"}, BLOCKED),
        ({"sec_fetch_site": "same-site"}, BLOCKED),
        ({"sec_fetch_site": "same-origin", "cookie": "session=1"}, (200, None)),
        ({"sec_fetch_site": "none", "cookie": "session=1"}, (200, None)),
        ({"sec_fetch_site": "cross-site", "apollo_require_preflight": "1"}, (200, None)),
        ({"sec_fetch_site": "cross-site", "x_apollo_operation_name": "Q"}, (200, None)),
        ({"sec_fetch_site": "cross-site", "content_type": "application/json"}, (200, None)),
        ({"sec_fetch_site": "cross-site", "content_type": "text/plain; x=application/json"}, BLOCKED),
    ],
)
async def test_a_get_that_another_origins_page_may_have_caused_is_blocked(
    client: Callable[..., AsgiClient], headers: dict[str, str], expected: tuple[int, str | None]
) -> None:
    assert verdict(await client().get("query=q", **headers)) == expected


@pytest.mark.parametrize("content_type", ["text/plain", "application/x-www-form-urlencoded", "multipart/form-data"])
async def test_a_post_as_a_form_sends_it_is_blocked(client: Callable[..., AsgiClient], content_type: str) -> None:
    response = await client().post({"query": "q"}, content_type=content_type, origin="https://evil")
    assert verdict(response) == BLOCKED


async def test_csrf_prevention_can_be_switched_off_and_its_headers_chosen(client: Callable[..., AsgiClient]) -> None:
    cross = {"sec_fetch_site": "cross-site"}
    assert verdict(await client("csrf: {enabled: false}").get("query=q", **cross)) == (200, None)
    chosen = client("csrf: {required_headers: [X-Mine]}")
    assert verdict(await chosen.get("query=q", **cross, x_mine="1")) == (200, None)
    assert verdict(await chosen.get("query=q", **cross, apollo_require_preflight="1")) == BLOCKED
