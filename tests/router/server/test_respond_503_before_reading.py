"""The prepared 503 of requests that are refused before they are read."""

from __future__ import annotations

from typing import TYPE_CHECKING

from structlog.testing import capture_logs

from router.server.respond_503_before_reading import ServiceUnavailable
from tests.router.server.asgi_client import AsgiClient

if TYPE_CHECKING:
    from servicekit.asgi import Receive, Scope, Send


async def test_it_says_why_and_when_to_come_back_in_the_media_type_of_the_client() -> None:
    unavailable = ServiceUnavailable("NOT_YET", "Not yet.", retry_after=2)

    async def app(scope: Scope, _receive: Receive, send: Send) -> None:
        await unavailable.respond(scope, send, ((b"x-more", b"1"),))

    with capture_logs() as lines:
        response = await AsgiClient(app).get("query=q", accept="application/graphql-response+json")
    assert (response.status, response.code) == (503, "NOT_YET")
    assert response.headers["content-type"].startswith("application/graphql-response+json")
    assert (response.headers["retry-after"], response.headers["x-more"]) == ("2", "1")
    assert int(response.headers["content-length"]) == len(response.body)
    (line,) = lines
    assert (line["status"], line["code"], line["bytes"]) == (503, "NOT_YET", len(response.body))
