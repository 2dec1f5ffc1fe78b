"""The HTTP response to a client for each fault of a subgraph, over a real socket.

The rest of the query has data, so the status is 200 for both media types, unless the configuration maps the code of
the error to another status.
"""

from __future__ import annotations

import asyncio
import re
from typing import TYPE_CHECKING, Any, NamedTuple

import pytest
from structlog.testing import capture_logs

from router.gateway import Gateway
from router.settings import read
from tests.router.server.asgi_client import AsgiClient, AsgiResponse
from tests.router.shop import SDL
from tests.router.transport.scripted_server import Peer, Script, response, serving

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

UNAVAILABLE = ("SUBREQUEST_HTTP_ERROR", "A service needed to answer this request is not available.")
TOO_SLOW = ("GATEWAY_TIMEOUT", "A service needed to answer this request did not answer in time.")
MALFORMED = ("SUBREQUEST_MALFORMED_RESPONSE", "A service needed to answer this request sent a malformed response.")
MASKED = ("DOWNSTREAM_SERVICE_ERROR", "Unexpected error")


def replies(*parts: bytes) -> Script:
    """Respond to a request with these bytes, then close."""

    async def script(peer: Peer) -> None:
        await peer.request()
        for part in parts:
            await peer.reply(part)

    return script


async def hangs(peer: Peer) -> None:
    await peer.request()
    await peer.request()


async def resets(peer: Peer) -> None:
    await peer.request()
    peer.reset()


async def resets_in_mid_response(peer: Peer) -> None:
    await peer.request()
    await peer.reply(b"HTTP/1.1 200 OK\r\ncontent-length: 100\r\n\r\n{")
    peer.reset()


async def never_stops(peer: Peer) -> None:
    await peer.request()
    await peer.reply(b'HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n9\r\n{"data":"\r\n')
    while True:
        await peer.reply(b"10000\r\n" + b"x" * 65536 + b"\r\n")


async def ten_gigabytes(peer: Peer) -> None:
    await peer.request()
    await peer.reply(b'HTTP/1.1 200 OK\r\ncontent-length: 10737418240\r\n\r\n{"data":"')
    while True:
        await peer.reply(b"x" * 65536)


async def dribbles(peer: Peer) -> None:
    """Send a byte now and then, and never end the response."""
    await peer.request()
    await peer.reply(b"HTTP/1.1 200 OK\r\ncontent-length: 1000000\r\n\r\n")
    while True:
        await peer.reply(b" ")
        await asyncio.sleep(0.02)


async def endless_head(peer: Peer) -> None:
    await peer.request()
    await peer.reply(b"HTTP/1.1 200 OK\r\n")
    while True:
        await peer.reply(b"x-filler: " + b"x" * 65536 + b"\r\n")


def json_body(text: str, status: str = "200 OK", *headers: str) -> Script:
    return replies(response(text.encode(), status=status, headers=("content-type: application/json", *headers)))


class Fault(NamedTuple):
    """The behaviour of a subgraph, and the error for it: code, message and further extensions."""

    script: Script
    error: tuple[str, str]
    extensions: Mapping[str, object] = {}


FAULTS: dict[str, Fault] = {
    "hangs": Fault(hangs, TOO_SLOW),
    "is slow": Fault(dribbles, TOO_SLOW),
    "closes at once": Fault(replies(), UNAVAILABLE),
    "resets": Fault(resets, UNAVAILABLE),
    "resets during the response": Fault(resets_in_mid_response, UNAVAILABLE),
    "sends an endless body": Fault(never_stops, MALFORMED),
    "sends 10 GB": Fault(ten_gigabytes, MALFORMED),
    "sends an endless head": Fault(endless_head, MALFORMED),
    "responds without HTTP": Fault(replies(b"SSH-2.0-OpenSSH_9.2 host-17\r\n"), MALFORMED),
    "HTML": Fault(replies(response(b"<html>nginx on host-17</html>", headers=("content-type: text/html",))), MALFORMED),
    "502 in HTML": Fault(replies(response(b"<html>nginx on host-17</html>", status="502 Bad Gateway")), UNAVAILABLE),
    "a redirect": Fault(
        replies(response(b"", status="302 Found", headers=("location: http://host-17/",))), UNAVAILABLE
    ),
    "incomplete JSON": Fault(json_body('{"data":{"me"'), MALFORMED),
    "an empty body": Fault(json_body(""), MALFORMED),
    "neither data nor errors": Fault(json_body('{"message":"host-17"}'), MALFORMED),
    "data of another shape": Fault(json_body('{"data":[1]}'), MALFORMED),
    "null without an error": Fault(json_body('{"data":null}'), MALFORMED),
    "a content coding that was not offered": Fault(
        json_body('{"data":null}', "200 OK", "content-encoding: gzip"), MALFORMED
    ),
    "401": Fault(json_body('{"detail":"no token on host-17"}', "401 Unauthorized"), UNAVAILABLE),
    "503": Fault(json_body('{"detail":"host-17"}', "503 Service Unavailable"), UNAVAILABLE),
    "503 with Retry-After": Fault(
        json_body('{"detail":"host-17"}', "503 Service Unavailable", "retry-after: 3"), UNAVAILABLE, {"retryAfter": 3}
    ),
    "429 with Retry-After": Fault(
        json_body('{"detail":"host-17"}', "429 Too Many Requests", "retry-after: 7"), UNAVAILABLE, {"retryAfter": 7}
    ),
    "errors": Fault(json_body('{"data":null,"errors":[{"message":"table users on host-17"}]}'), MASKED),
    "errors with a status": Fault(json_body('{"errors":[{"message":"host-17"}]}', "500 Internal Server Error"), MASKED),
    "errors that are not objects": Fault(json_body('{"data":null,"errors":["host-17"]}'), MASKED),
    "errors of other types": Fault(
        json_body('{"data":null,"errors":[{"message":17,"extensions":"host-17","path":"host-17"}]}'), MASKED
    ),
    "a code of the router": Fault(
        json_body('{"data":null,"errors":[{"message":"host-17","extensions":{"code":"GATEWAY_TIMEOUT"}}]}'), TOO_SLOW
    ),
}
SETTINGS = """
override_subgraph_url: {{people: '{url}'}}
traffic: {{all: {{timeout: {timeout}, max_response_bytes: 200000}}}}
errors: {{allow_codes: [UNAUTHENTICATED]}}
"""
QUERY = {"query": "{ me { id name } __typename }"}
TYPES = ["application/json", "application/graphql-response+json"]


async def exchanged(url: str, accept: str = TYPES[0], *, in_time: str = "30s") -> AsgiResponse:
    """The HTTP response of a router whose subgraph listens at `url`."""
    gateway = Gateway.from_supergraph(SDL, read(SETTINGS.format(url=url, timeout=in_time), {}))
    try:
        return await AsgiClient(gateway.asgi).post(QUERY, accept=accept)
    finally:
        await gateway.aclose()


def expected_body(fault: Fault) -> dict[str, Any]:
    """The body that a client gets, without the id of the error."""
    (code, message), extensions = fault.error, fault.extensions
    error = {"message": message, "path": ["me"], "extensions": {"code": code, "errorId": "err_", **extensions}}
    return {"data": {"me": None, "__typename": "Query"}, "errors": [error]}


def check(client_response: AsgiResponse, fault: Fault) -> None:
    body = client_response.json
    extensions = body["errors"][0]["extensions"]
    assert re.fullmatch("err_[0-9a-f]{16}", extensions["errorId"])
    extensions["errorId"] = "err_"
    assert (client_response.status, body) == (200, expected_body(fault))
    retry_after = fault.extensions.get("retryAfter")
    assert client_response.headers.get("retry-after") == (None if retry_after is None else str(retry_after))
    everything = f"{client_response.headers}{client_response.body.decode()}"
    assert not re.search(r"host-17|people|127\.0\.0\.1|Traceback", everything)


@pytest.mark.parametrize("accept", TYPES)
@pytest.mark.parametrize("fault", FAULTS)
async def test_a_fault_becomes_a_null_with_one_error(fault: str, accept: str) -> None:
    # On a busy machine, a subgraph that is not too slow may need seconds.
    in_time = "1s" if FAULTS[fault].error == TOO_SLOW else "30s"
    async with serving(FAULTS[fault].script) as server:
        check(await exchanged(server.url, accept, in_time=in_time), FAULTS[fault])


@pytest.mark.parametrize("accept", TYPES)
@pytest.mark.parametrize("url", ["http://127.0.0.1:9/graphql", "http://no-such-host.invalid/graphql"])
async def test_an_unreachable_subgraph_becomes_a_null_with_one_error(accept: str, url: str) -> None:
    check(await exchanged(url, accept), Fault(hangs, UNAVAILABLE))


async def test_ten_gigabytes_are_not_read() -> None:
    async with serving(ten_gigabytes) as server:
        await exchanged(server.url)
        async with asyncio.timeout(30):
            await server.closed_by_client.wait()


async def test_the_log_has_the_details_that_the_client_does_not_get() -> None:
    async with serving(FAULTS["502 in HTML"].script) as server:
        with capture_logs() as lines:
            client_response = await exchanged(server.url)
    (masked,) = [line for line in lines if line["event"] == "subgraph error masked"]
    assert masked["error_id"] == client_response.json["errors"][0]["extensions"]["errorId"]
    assert masked["subgraph"] == "people"
    assert "502" in masked["detail"]


@pytest.mark.parametrize("accept", TYPES)
async def test_an_allowed_code_passes_with_its_message(accept: str) -> None:
    body = (
        '{"data":null,"errors":[{"message":"Log in first","extensions":{"code":"UNAUTHENTICATED","host":"host-17"}}]}'
    )
    async with serving(json_body(body)) as server:
        client_response = await exchanged(server.url, accept)
    error = {"message": "Log in first", "path": ["me"], "extensions": {"code": "UNAUTHENTICATED"}}
    assert (client_response.status, client_response.json) == (
        200,
        {"data": {"me": None, "__typename": "Query"}, "errors": [error]},
    )


@pytest.mark.parametrize("accept", TYPES)
async def test_a_fault_can_have_a_configured_status_and_code(accept: str) -> None:
    errors = "errors: {transport_codes: {unreachable: DOWN}, status: {DOWN: 503}}"
    async with serving(FAULTS["503 with Retry-After"].script) as server:
        gateway = Gateway.from_supergraph(SDL, read(f"override_subgraph_url: {{people: '{server.url}'}}\n{errors}", {}))
        client_response = await AsgiClient(gateway.asgi).post({"query": "{ me { id } }"}, accept=accept)
        await gateway.aclose()
    assert (client_response.status, client_response.code, client_response.headers["retry-after"]) == (503, "DOWN", "3")


@pytest.fixture
def client_response() -> Callable[[Script], Any]:
    async def ask(script: Script) -> Any:
        async with serving(script) as server:
            return (await exchanged(server.url)).json

    return ask


@pytest.mark.parametrize(
    ("data", "completed", "errors"),
    [
        ('{"me":{"id":"1","name":7}}', {"id": "1", "name": None}, 1),
        ('{"me":{"id":null,"name":"Ada"}}', None, 1),
        ('{"me":{"id":"1"}}', {"id": "1", "name": None}, 0),
        ('{"me":[]}', None, 1),
        ('{"me":{"id":1,"name":"Ada"}}', {"id": "1", "name": "Ada"}, 0),
    ],
)
async def test_data_that_does_not_fit_its_type_is_nulled(
    client_response: Callable[[Script], Any], data: str, completed: object, errors: int
) -> None:
    body = await client_response(json_body(f'{{"data":{data}}}'))
    assert body["data"] == {"me": completed, "__typename": "Query"}
    assert len(body.get("errors", ())) == errors


@pytest.mark.parametrize("query", ["{ me { id } }", 'mutation { rename(name: "Bob") { id } }'])
async def test_a_fetch_does_not_outlive_the_deadline_of_its_request(query: str) -> None:
    """The subgraph never responds, and its own timeout is far away."""
    traffic = "traffic: {request_timeout: 50ms, all: {timeout: 60s}}"
    async with serving(hangs) as server:
        gateway = Gateway.from_supergraph(
            SDL, read(f"override_subgraph_url: {{people: '{server.url}'}}\n{traffic}", {})
        )
        gateway.prepare(query)  # so that the deadline passes during the fetch, on a busy machine too
        client_response = await AsgiClient(gateway.asgi).post({"query": query}, accept=TYPES[0])
        assert client_response.code == "GATEWAY_TIMEOUT"
        await asyncio.wait_for(server.closed_by_client.wait(), 30)
        await gateway.aclose()


async def test_data_beside_an_error_is_kept(client_response: Callable[[Script], Any]) -> None:
    body = await client_response(
        json_body('{"data":{"me":{"id":"1","name":null}},"errors":[{"message":"x","path":["me","name"]}]}')
    )
    assert body["data"]["me"] == {"id": "1", "name": None}
    assert [error["path"] for error in body["errors"]] == [["me", "name"]]
