"""Limits on a request's URL, headers and body, enforced and measured."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
from structlog.testing import capture_logs

from router.policies.limit_checker import LimitChecker
from router.request.log_fields import RequestRecord
from router.request.request_and_response import GraphQLRequest, GraphQLResponse, Outcome
from router.server.graphql_http_app import GraphQLApp
from router.settings import read
from tests.router.server.asgi_client import AsgiClient

if TYPE_CHECKING:
    from router.settings.sections.limits import LimitName

JSON = {"content-type": "application/json"}
BODY = b'{"query":"q"}'


async def execute(_request: GraphQLRequest) -> GraphQLResponse:
    return GraphQLResponse(body={"data": {}}, outcome=Outcome.EXECUTED, record=RequestRecord())


# The exact size of the request below for each limit.
SIZES: dict[LimitName, int] = {
    "url_bytes": len("/graphql?x=y"),
    "header_bytes": len("content-typeapplication/json"),
    "header_count": 1,
    "body_bytes": len(BODY),
}
REFUSALS: dict[LimitName, tuple[int, str]] = {
    "url_bytes": (414, "URI_TOO_LONG"),
    "header_bytes": (431, "HEADERS_TOO_LARGE"),
    "header_count": (431, "HEADERS_TOO_LARGE"),
    "body_bytes": (413, "PAYLOAD_TOO_LARGE"),
}


async def post(settings: str, **headers: str) -> tuple[int, LimitChecker, list[object]]:
    """Status, counts, and what the log line says."""
    read_settings = read(settings, {})
    watch = LimitChecker(read_settings.limits)
    client = AsgiClient(GraphQLApp(execute, read_settings, limits=watch))
    with capture_logs() as lines:
        response = await client.send("POST", query="x=y", headers={**JSON, **headers}, body=[BODY[:5], BODY[5:]])
    assert response is not None
    if response.status != 200:
        assert (response.status, response.code) in REFUSALS.values()
    return response.status, watch, [line.get("exceeds") for line in lines]


@pytest.mark.parametrize("name", SIZES)
async def test_each_limit_holds_at_its_value_and_not_below(name: LimitName) -> None:
    status, watch, _ = await post(f"limits: {{{name}: {SIZES[name]}}}")
    assert (status, watch.exceeded) == (200, {})
    if SIZES[name] > 1:
        status, watch, _ = await post(f"limits: {{{name}: {SIZES[name] - 1}}}")
    else:
        status, watch, _ = await post(f"limits: {{{name}: 1}}", accept="*/*")
    assert (status, watch.exceeded) == (REFUSALS[name][0], {name: 1})


@pytest.mark.parametrize("name", SIZES)
async def test_each_limit_can_be_measured_first(name: LimitName) -> None:
    status, watch, logged = await post(f"limits: {{{name}: 1, measure: [{name}]}}", accept="*/*")
    assert (status, watch.exceeded, logged) == (200, {name: 1}, [[name]])


async def test_a_body_that_says_it_is_too_large_is_not_read_and_counted() -> None:
    watch = LimitChecker(read("limits: {body_bytes: 10}", {}).limits)
    client = AsgiClient(GraphQLApp(execute, read("limits: {body_bytes: 10}", {}), limits=watch))
    response = await client.send("POST", headers={**JSON, "content-length": "999999"}, body=[])
    assert response is not None
    assert (response.status, watch.exceeded) == (413, {"body_bytes": 1})


async def test_a_body_in_a_content_coding_is_refused_with_what_is_taken() -> None:
    client = AsgiClient(GraphQLApp(execute, read("", {})))
    response = await client.post(BODY, content_encoding="gzip")
    assert (response.status, response.code) == (415, "UNSUPPORTED_MEDIA_TYPE")
    assert response.headers["accept-encoding"] == "identity"
    assert (await client.post(BODY, content_encoding="identity")).status == 200
