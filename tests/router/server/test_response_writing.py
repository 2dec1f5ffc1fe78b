"""Covers `router/server/response_writing.py`: what a gateway says of the HTTP response, and responses in parts."""

from __future__ import annotations

import asyncio
import json
from dataclasses import dataclass, field
from email.parser import BytesParser
from typing import TYPE_CHECKING, Any

import pytest
from structlog.testing import capture_logs

from router.request.log_fields import RequestRecord
from router.request.request_and_response import GraphQLRequest, GraphQLResponse, Outcome, Response, ResponseStream
from router.server.graphql_http_app import GraphQLApp
from router.settings import read
from tests.router.server.asgi_client import AsgiClient, AsgiResponse

if TYPE_CHECKING:
    from collections.abc import AsyncGenerator, Callable
    from email.message import Message as Mail

MULTIPART = "multipart/mixed;deferSpec=20220824, application/json"


def response_of(body: dict[str, object], **parts: Any) -> GraphQLResponse:
    return GraphQLResponse(body=body, outcome=Outcome.EXECUTED, record=RequestRecord(operation_name="Q"), **parts)


def client(response: Response | Callable[[], Response], settings: str = "") -> AsgiClient:
    """A client of a gateway that always responds so."""

    async def execute(_request: GraphQLRequest) -> Response:
        return response() if callable(response) else response

    return AsgiClient(GraphQLApp(execute, read(settings, {})))


@dataclass
class Parts:
    """Responses to send one after the other; notes when the stream is closed."""

    bodies: list[dict[str, object]]
    pause: asyncio.Event | None = None
    closed: bool = False
    sent: list[int] = field(default_factory=list)

    def stream(self) -> ResponseStream:
        return ResponseStream(parts=self._parts(), record=RequestRecord(operation_name="Q"), headers=(("X-Own", "1"),))

    async def _parts(self) -> AsyncGenerator[GraphQLResponse]:
        try:
            for number, body in enumerate(self.bodies):
                self.sent.append(number)
                yield response_of(body)
                if self.pause is not None:
                    await self.pause.wait()
        finally:
            self.closed = True


def parts_of(response: AsgiResponse) -> list[object]:
    """The JSON bodies of a multipart response, read by the standard library."""
    head = f"content-type: {response.headers['content-type']}\r\n\r\n".encode()
    message: Mail = BytesParser().parsebytes(head + response.body)
    assert not message.defects
    parts: Any = message.get_payload()
    assert {part["content-type"] for part in parts} == {"application/json; charset=utf-8"}
    return [json.loads(part.get_payload(decode=True)) for part in parts]


async def test_status_and_headers_of_a_response_are_sent() -> None:
    response = response_of({"errors": []}, status=429, headers=(("Retry-After", "7"), ("RateLimit", "x;r=0")))
    http_response = await client(response).post({"query": "q"})
    assert (http_response.status, http_response.headers["retry-after"], http_response.headers["ratelimit"]) == (
        429,
        "7",
        "x;r=0",
    )


@pytest.mark.parametrize("name", ["Content-Length", "transfer-encoding", "Connection", "content-type", "keep-alive"])
async def test_headers_of_connection_and_body_cannot_be_given(name: str) -> None:
    response = await client(response_of({"data": None}, headers=((name, "x"),))).post({"query": "q"})
    assert "x" not in response.headers.values()


async def test_a_batch_has_the_headers_of_all_its_responses() -> None:
    response = response_of({"data": None}, headers=(("Set-Cookie", "a=1"),))
    http_response = await client(response, "batching: {enabled: true}").post([{"query": "q"}, {"query": "q"}])
    assert http_response.headers["set-cookie"] == "a=1, a=1"


async def test_the_parts_of_a_stream_are_sent_one_by_one() -> None:
    parts = Parts([{"data": {"a": 1}, "hasNext": True}, {"hasNext": False}])
    with capture_logs() as lines:
        response = await client(parts.stream).post({"query": "q"}, accept=MULTIPART)
    assert (response.status, response.headers["content-type"]) == (200, 'multipart/mixed; boundary="-"')
    assert (response.headers["x-own"], response.headers["cache-control"]) == ("1", "no-store")
    assert parts_of(response) == parts.bodies
    assert parts.closed
    (line,) = lines
    assert (line["status"], line["bytes"], line["operation"]) == (200, len(response.body), "Q")


@pytest.mark.parametrize("accept", ["application/json", "*/*", "multipart/mixed;q=0, */*"])
async def test_a_client_that_does_not_accept_parts_gets_none(accept: str) -> None:
    parts = Parts([{"data": {}}])
    response = await client(parts.stream).post({"query": "q"}, accept=accept)
    assert (response.status, response.code) == (406, "NOT_ACCEPTABLE")
    assert parts.sent == []


async def test_an_operation_of_a_batch_has_no_stream() -> None:
    parts = Parts([{"data": {}}])
    response = await client(parts.stream, "batching: {enabled: true}").post([{"query": "q"}], accept=MULTIPART)
    (entry,) = response.json
    assert entry["errors"][0]["extensions"]["code"] == "BAD_REQUEST"
    assert parts.sent == []


async def test_a_stream_ends_when_its_client_leaves(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("router.server.client_disconnect.WATCH_AFTER", 0.001)
    parts, leaves = Parts([{"n": 1}, {"n": 2}], pause=asyncio.Event()), asyncio.Event()

    async def leave_after_the_first_part() -> None:
        while not parts.sent:
            await asyncio.sleep(0.001)
        leaves.set()

    headers = {"content-type": "application/json", "accept": MULTIPART}
    with capture_logs() as lines:
        await asyncio.gather(
            leave_after_the_first_part(),
            client(parts.stream).send("POST", headers=headers, body=[b'{"query":"q"}'], leaves=leaves),
        )
    assert (parts.sent, parts.closed) == ([0], True)
    assert [line["status"] for line in lines] == [499]


async def test_the_deadline_counts_from_the_head_for_every_entry_of_a_batch() -> None:
    deadlines: list[float | None] = []

    async def execute(request: GraphQLRequest) -> Response:
        deadlines.append(request.deadline)
        return response_of({"data": None})

    now = asyncio.get_running_loop().time()
    settings = "batching: {enabled: true}\ntraffic: {request_timeout: 5s}"
    body = [b'[{"query":"q"},', b'{"query":"q"}]']
    app = AsgiClient(GraphQLApp(execute, read(settings, {})))
    await app.send("POST", headers={"content-type": "application/json"}, body=body)
    first, second = deadlines
    assert first is not None
    assert first == second
    assert now + 5 <= first <= asyncio.get_running_loop().time() + 5
