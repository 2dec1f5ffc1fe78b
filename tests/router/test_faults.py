"""What a client is told when a subgraph misbehaves: the whole answer, fault by fault, over a real socket."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

from router.exchange import GraphQLRequest, Outcome
from router.gateway import Gateway
from router.settings import read
from tests.router.shop import SDL
from tests.router.transport.scripted_server import Peer, Script, response, serving

if TYPE_CHECKING:
    from collections.abc import Callable

UNAVAILABLE = ("SUBREQUEST_HTTP_ERROR", "A service needed to answer this request is not available.")
TOO_SLOW = ("GATEWAY_TIMEOUT", "A service needed to answer this request did not answer in time.")
MALFORMED = ("SUBREQUEST_MALFORMED_RESPONSE", "A service needed to answer this request sent a malformed response.")
MASKED = ("DOWNSTREAM_SERVICE_ERROR", "Unexpected error")
TOKEN = ("UNAUTHENTICATED", "Log in first")


def replies(*parts: bytes) -> Script:
    """Answer a request with these bytes, then close."""

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


async def resets_in_mid_answer(peer: Peer) -> None:
    await peer.request()
    await peer.reply(b"HTTP/1.1 200 OK\r\ncontent-length: 100\r\n\r\n{")
    peer.reset()


async def never_stops(peer: Peer) -> None:
    await peer.request()
    await peer.reply(b'HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n9\r\n{"data":"\r\n')
    while True:
        await peer.reply(b"10000\r\n" + b"x" * 65536 + b"\r\n")


def json_body(text: str, status: str = "200 OK", *headers: str) -> Script:
    return replies(response(text.encode(), status=status, headers=("content-type: application/json", *headers)))


FAULTS: dict[str, tuple[Script, tuple[str, str]]] = {
    "hangs": (hangs, TOO_SLOW),
    "closes without a word": (replies(), UNAVAILABLE),
    "resets": (resets, UNAVAILABLE),
    "resets in the middle": (resets_in_mid_answer, UNAVAILABLE),
    "never stops": (never_stops, MALFORMED),
    "HTML": (replies(response(b"<html>nginx on host-17</html>", headers=("content-type: text/html",))), MALFORMED),
    "502 in HTML": (replies(response(b"<html>nginx on host-17</html>", status="502 Bad Gateway")), UNAVAILABLE),
    "half a JSON": (json_body('{"data":{"me"'), MALFORMED),
    "nothing": (json_body(""), MALFORMED),
    "neither data nor errors": (json_body('{"message":"host-17"}'), MALFORMED),
    "data of another shape": (json_body('{"data":[1]}'), MALFORMED),
    "null without an error": (json_body('{"data":null}'), MALFORMED),
    "401": (json_body('{"detail":"no token on host-17"}', "401 Unauthorized"), UNAVAILABLE),
    "503 with Retry-After": (
        json_body('{"detail":"host-17"}', "503 Service Unavailable", "retry-after: 3"),
        UNAVAILABLE,
    ),
    "errors": (json_body('{"data":null,"errors":[{"message":"table users on host-17"}]}'), MASKED),
    "errors with a status": (json_body('{"errors":[{"message":"host-17"}]}', "500 Internal Server Error"), MASKED),
    "errors that are no objects": (json_body('{"data":null,"errors":["host-17"]}'), MASKED),
    "an allowed code": (
        json_body('{"data":null,"errors":[{"message":"Log in first","extensions":{"code":"UNAUTHENTICATED"}}]}'),
        TOKEN,
    ),
    "a forged code of ours": (
        json_body('{"data":null,"errors":[{"message":"host-17","extensions":{"code":"GATEWAY_TIMEOUT"}}]}'),
        TOO_SLOW,
    ),
}


@pytest.fixture
def answer() -> Callable[[Script], Any]:
    async def ask(script: Script) -> Any:
        async with serving(script) as server:
            text = (
                f"override_subgraph_url: {{people: '{server.url}'}}\n"
                "traffic: {all: {timeout: 300ms, max_response_bytes: 1000000}}\n"
                "errors: {allow_codes: [UNAUTHENTICATED]}\n"
            )
            gateway = Gateway.from_supergraph(SDL, read(text, {}))
            try:
                answered = await gateway.execute(GraphQLRequest(query="{ me { id name } __typename }"))
                assert answered.outcome is Outcome.EXECUTED
                return answered.body
            finally:
                await gateway.aclose()

    return ask


@pytest.mark.parametrize("fault", FAULTS)
async def test_a_fault_is_a_null_with_one_error(answer: Callable[[Script], Any], fault: str) -> None:
    script, (code, message) = FAULTS[fault]
    body = await answer(script)
    assert body["data"] == {"me": None, "__typename": "Query"}
    (error,) = body["errors"]
    assert error.pop("extensions").items() >= {"code": code}.items()
    assert error == {"message": message, "path": ["me"]}
    assert "host-17" not in str(body)
    assert "people" not in str(body)


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
    answer: Callable[[Script], Any], data: str, completed: object, errors: int
) -> None:
    body = await answer(json_body(f'{{"data":{data}}}'))
    assert body["data"] == {"me": completed, "__typename": "Query"}
    assert len(body.get("errors", ())) == errors


async def test_what_was_answered_beside_an_error_is_kept(answer: Callable[[Script], Any]) -> None:
    body = await answer(
        json_body('{"data":{"me":{"id":"1","name":null}},"errors":[{"message":"x","path":["me","name"]}]}')
    )
    assert body["data"]["me"] == {"id": "1", "name": None}
    assert [error["path"] for error in body["errors"]] == [["me", "name"]]
