"""The section `traffic` of `router.yaml`, observed by a subgraph on a real socket.

Covers `router/transport/client_tls.py`.
"""

from __future__ import annotations

import asyncio
import socket
import ssl
from contextlib import asynccontextmanager
from typing import TYPE_CHECKING, Any

import pytest
from msgspec.structs import replace

from router.gateway import Gateway
from router.request.request_and_response import GraphQLRequest
from router.settings import InvalidSettings, read
from router.transport.content_codings import encode
from servicekit.tls.contexts import server_context
from tests.certificates import TestAuthority
from tests.router.shop import SDL
from tests.router.transport.certificates import self_signed
from tests.router.transport.scripted_server import Peer, Script, ScriptedServer, response, serving

if TYPE_CHECKING:
    from collections.abc import AsyncIterator
    from pathlib import Path

    from router.settings.types import ContentCoding
    from tests.router.transport.scripted_server import Received

ADA = response(b'{"data":{"me":{"id":"1"}}}')
ME = GraphQLRequest(query="{ me { id } }")
FOUND = {"data": {"me": {"id": "1"}}}


async def responds(peer: Peer) -> None:
    while True:
        await peer.request()
        await peer.reply(ADA)


async def hangs(peer: Peer) -> None:
    await peer.request()
    await peer.request()


def bulky(size: int) -> Script:
    async def script(peer: Peer) -> None:
        await peer.request()
        await peer.reply(response(b'{"data":{"me":{"id":"1"}},"extensions":"' + b"x" * size + b'"}'))
        await peer.request()

    return script


@asynccontextmanager
async def behind(script: Script, traffic: str) -> AsyncIterator[tuple[Gateway, ScriptedServer]]:
    """A gateway whose subgraph `people` is a server running `script`."""
    async with serving(script) as server:
        text = f"override_subgraph_url: {{people: '{server.url}'}}\ntraffic: {{{traffic}}}\n"
        gateway = Gateway.from_supergraph(SDL, read(text, {}))
        try:
            yield gateway, server
        finally:
            await gateway.aclose()


async def codes(gateway: Gateway) -> list[str]:
    body: Any = (await gateway.execute(ME)).body
    return [error["extensions"]["code"] for error in body.get("errors", ())]


async def test_the_settings_give_the_url_of_a_subgraph() -> None:
    async with behind(responds, "") as (gateway, server):
        assert (await gateway.execute(ME)).body == FOUND
        assert server.connections == 1


async def test_without_a_setting_the_supergraph_gives_the_url() -> None:
    gateway = Gateway.from_supergraph(SDL)
    assert await codes(gateway) == ["SUBREQUEST_HTTP_ERROR"]  # nothing listens there
    await gateway.aclose()


@pytest.mark.parametrize("traffic", ["all: {timeout: 20ms}", "subgraphs: {people: {timeout: 20ms}}"])
async def test_a_subgraph_has_a_timeout(traffic: str) -> None:
    async with behind(hangs, traffic) as (gateway, _):
        assert await codes(gateway) == ["GATEWAY_TIMEOUT"]


async def test_the_timeout_of_another_subgraph_does_not_apply() -> None:
    async with behind(hangs, "subgraphs: {orders: {timeout: 1ms}, people: {timeout: 50ms}}") as (gateway, _):
        async with asyncio.timeout(30):
            assert await codes(gateway) == ["GATEWAY_TIMEOUT"]


@pytest.mark.parametrize(
    ("traffic", "most"), [("all: {max_connections: 2}", 2), ("subgraphs: {people: {max_connections: 1}}", 1)]
)
async def test_connections_are_limited(traffic: str, most: int) -> None:
    async with behind(responds, traffic) as (gateway, server):
        await asyncio.gather(*(gateway.execute(ME) for _ in range(20)))
        assert server.connections <= most


@pytest.mark.parametrize("traffic", ["all: {max_connections: 1, max_waiting: 2, timeout: 200ms, share_queries: false}"])
async def test_fetches_that_wait_for_a_connection_are_limited(traffic: str) -> None:
    """Before, any number of requests waited for a subgraph that hangs, until their time was over."""
    async with behind(hangs, traffic) as (gateway, _):
        responses = await asyncio.gather(*(gateway.execute(ME) for _ in range(10)))
    extensions = [response.body["errors"][0]["extensions"] for response in responses]  # type: ignore[index]
    assert sorted(each["code"] for each in extensions) == ["GATEWAY_TIMEOUT"] * 3 + ["SUBREQUEST_HTTP_ERROR"] * 7
    assert {each.get("retryAfter") for each in extensions if each["code"] == "SUBREQUEST_HTTP_ERROR"} == {1}


@pytest.mark.parametrize(("idle", "connections"), [("50s", 1), ("0.001ms", 3)])
async def test_an_idle_connection_has_a_timeout(idle: str, connections: int) -> None:
    async with behind(responds, f"all: {{idle_timeout: {idle}}}") as (gateway, server):
        for _ in range(3):
            assert (await gateway.execute(ME)).body == FOUND
        assert server.connections == connections


@pytest.mark.parametrize(("most", "expected"), [(1_000, ["SUBREQUEST_MALFORMED_RESPONSE"]), (10_000, [])])
async def test_a_response_has_a_maximum_size(most: int, expected: list[str]) -> None:
    async with behind(bulky(5_000), f"all: {{max_response_bytes: {most}}}") as (gateway, _):
        assert await codes(gateway) == expected


async def test_https_needs_a_trusted_certificate_authority(tmp_path: Path) -> None:
    context, authority = self_signed(tmp_path)
    async with serving(responds, tls=context) as server:
        for traffic, expected in (("", ["SUBREQUEST_HTTP_ERROR"]), (f"certificate_authority: {authority}", [])):
            text = f"override_subgraph_url: {{people: '{server.url}'}}\ntraffic: {{all: {{{traffic}}}}}\n"
            gateway = Gateway.from_supergraph(SDL, read(text, {}))
            assert await codes(gateway) == expected
            await gateway.aclose()


class Counting:
    """A script that responds slowly, keeps the requests, and can use a content coding."""

    def __init__(self, coding: ContentCoding | None = None, delay: float = 0.05) -> None:
        self.received: list[Received] = []
        self._coding = coding
        self._delay = delay

    async def __call__(self, peer: Peer) -> None:
        while True:
            request = await peer.request()
            self.received.append(request)
            await asyncio.sleep(self._delay)
            body = b'{"data":{"me":{"id":"1"},"rename":{"id":"1"}}}'
            if self._coding is None:
                await peer.reply(response(body))
            else:
                headers = (f"content-encoding: {self._coding}",)
                await peer.reply(response(encode(self._coding, body), headers=headers))


@pytest.mark.parametrize(
    ("traffic", "sent"),
    [("", 1), ("all: {share_queries: false}", 5), ("subgraphs: {people: {share_queries: false}}", 5)],
)
async def test_a_query_in_flight_is_not_sent_again(traffic: str, sent: int) -> None:
    script = Counting()
    async with behind(script, traffic) as (gateway, _):
        responses = await asyncio.gather(*(gateway.execute(ME) for _ in range(5)))
        assert [response.body for response in responses] == [FOUND] * 5
        assert len(script.received) == sent


async def test_shared_responses_are_separate_objects() -> None:
    async with behind(Counting(), "") as (gateway, _):
        one, other = await asyncio.gather(gateway.execute(ME), gateway.execute(ME))
        assert one.body["data"] is not other.body["data"]


async def test_a_mutation_is_always_sent() -> None:
    script = Counting()
    async with behind(script, "") as (gateway, _):
        rename = GraphQLRequest(query='mutation { rename(name: "x") { id } }')
        await asyncio.gather(*(gateway.execute(rename) for _ in range(3)))
        assert len(script.received) == 3


HEADERS = "headers: {all: {request: [{propagate: {named: authorization}}, {propagate: {named: x-request-id}}]}}\n"


@pytest.mark.parametrize(
    ("headers", "sent"),
    [
        ([{"authorization": "a"}, {"authorization": "b"}], 2),
        ([{"authorization": "a"}, {"authorization": "a"}], 1),
        ([{"x-request-id": "1"}, {"x-request-id": "2"}], 1),
        ([{"x-not-forwarded": "1"}, {"x-not-forwarded": "2"}], 1),
    ],
)
async def test_queries_of_two_users_are_shared_only_if_their_headers_are_equal(
    headers: list[dict[str, str]], sent: int
) -> None:
    script = Counting()
    async with serving(script) as server:
        text = f"override_subgraph_url: {{people: '{server.url}'}}\n{HEADERS}traffic: {{all: {{share_queries: all}}}}"
        gateway = Gateway.from_supergraph(SDL, read(text, {}))
        await asyncio.gather(*(gateway.execute(replace(ME, headers=each)) for each in headers))
        await gateway.aclose()
    assert len(script.received) == sent


@pytest.mark.parametrize("coding", ["zstd", "br", "gzip"])
async def test_a_subgraph_may_respond_in_an_offered_coding(coding: ContentCoding) -> None:
    script = Counting(coding)
    async with behind(script, f"all: {{accept_encodings: [gzip, {coding}]}}") as (gateway, _):
        assert (await gateway.execute(ME)).body == FOUND
        assert script.received[0].headers["accept-encoding"] == f"gzip, {coding}"


async def test_a_subgraph_may_not_respond_in_another_coding() -> None:
    script = Counting("br")
    async with behind(script, "subgraphs: {people: {accept_encodings: [gzip]}}") as (gateway, _):
        assert await codes(gateway) == ["SUBREQUEST_MALFORMED_RESPONSE"]
    script = Counting("br")
    async with behind(script, "") as (gateway, _):
        assert await codes(gateway) == ["SUBREQUEST_MALFORMED_RESPONSE"]
        assert "accept-encoding" not in script.received[0].headers


async def test_the_size_of_a_response_is_its_decoded_size() -> None:
    async def bomb(peer: Peer) -> None:
        await peer.request()
        await peer.reply(response(encode("gzip", b" " * 1_000_000 + b"{}"), headers=("content-encoding: gzip",)))

    async with behind(bomb, "all: {accept_encodings: [gzip], max_response_bytes: 100000}") as (gateway, _):
        assert await codes(gateway) == ["SUBREQUEST_MALFORMED_RESPONSE"]


class Unavailable:
    """A script that responds to the first request with 503 and `Retry-After`."""

    def __init__(self, retry_after: str) -> None:
        self.requests = 0
        self._refusal = response(b"", status="503 Service Unavailable", headers=(f"retry-after: {retry_after}",))

    async def __call__(self, peer: Peer) -> None:
        while True:
            await peer.request()
            self.requests += 1
            await peer.reply(self._refusal if self.requests == 1 else ADA)


@pytest.mark.parametrize("query", [ME.query, 'mutation { rename(name: "x") { id } }'])
async def test_a_subgraph_with_retry_after_gets_no_requests_until_then(query: str) -> None:
    script = Unavailable("60")
    async with behind(script, "") as (gateway, _):
        responses = [await gateway.execute(GraphQLRequest(query=query)) for _ in range(3)]
        assert script.requests == 1
        assert [response.record.retry_after for response in responses] == [60, 30, 30]


@pytest.mark.parametrize(
    ("traffic", "retry_after"),
    [
        ("all: {longest_retry_after: null}", "60"),
        ("all: {longest_retry_after: 1ms}", "60"),
        ("subgraphs: {people: {longest_retry_after: 1ms}}", "60"),
        ("", "0"),
        ("", "tomorrow"),
    ],
)
async def test_after_the_pause_it_gets_requests_again(traffic: str, retry_after: str) -> None:
    script = Unavailable(retry_after)
    async with behind(script, traffic) as (gateway, _):
        assert await codes(gateway) == ["SUBREQUEST_HTTP_ERROR"]
        await asyncio.sleep(0.005)
        assert await codes(gateway) == []
        assert script.requests == 2


@pytest.mark.parametrize(
    ("status", "expected"), [("503 Service Unavailable", 9), ("429 Too Many Requests", 9), ("200 OK", None)]
)
async def test_a_graphql_response_may_have_retry_after_too(status: str, expected: int | None) -> None:
    async def busy(peer: Peer) -> None:
        await peer.request()
        body = b'{"data":null,"errors":[{"message":"busy"}]}'
        await peer.reply(response(body, status=status, headers=("retry-after: 9",)))

    async with behind(busy, "") as (gateway, _):
        http_response = await gateway.execute(ME)
        assert http_response.record.retry_after == expected
        body: Any = http_response.body
        assert [error["extensions"]["code"] for error in body["errors"]] == ["DOWNSTREAM_SERVICE_ERROR"]


async def test_a_graphql_response_with_503_begins_a_pause_too() -> None:
    requests = 0

    async def busy(peer: Peer) -> None:
        nonlocal requests
        while True:
            await peer.request()
            requests += 1
            body = b'{"data":null,"errors":[{"message":"busy"}]}'
            await peer.reply(response(body, status="503 Service Unavailable", headers=("retry-after: 9",)))

    async with behind(busy, "") as (gateway, _):
        assert [(await gateway.execute(ME)).record.retry_after for _ in range(2)] == [9, 9]
    assert requests == 1


async def test_the_longest_wait_of_several_subgraphs_is_passed_on() -> None:
    def busy(seconds: int) -> Script:
        return Unavailable(str(seconds))

    async with serving(busy(4)) as people, serving(busy(8)) as orders:
        text = f"override_subgraph_url: {{people: '{people.url}', orders: '{orders.url}'}}\n"
        gateway = Gateway.from_supergraph(SDL, read(text, {}))
        response = await gateway.execute(GraphQLRequest(query='{ me { id } order(id: "1") { id } }'))
        await gateway.aclose()
    assert response.record.retry_after == 8


async def refuses(peer: Peer) -> None:
    while True:
        await peer.request()
        await peer.reply(response(b"down", status="503 Down"))


def failing_first(count: int) -> Script:
    seen = 0

    async def script(peer: Peer) -> None:
        nonlocal seen
        while True:
            await peer.request()
            seen += 1
            await peer.reply(response(b"down", status="502 Down") if seen <= count else ADA)

    return script


async def test_a_failed_query_is_sent_again_if_the_settings_say_so() -> None:
    retry = "all: {retry: {enabled: true, attempts: 1, wait: 1ms, longest_wait: 2ms, budget: 100}}"
    async with behind(failing_first(1), "") as (gateway, _):
        assert await codes(gateway) == ["SUBREQUEST_HTTP_ERROR"]
    async with behind(failing_first(1), retry) as (gateway, _):
        assert await codes(gateway) == []
        assert gateway.status() == {"repeated": {"people": 1, "orders": 0}}


async def test_a_subgraph_that_fails_gets_no_requests_for_a_while() -> None:
    breaker = "failures: 50, minimum_requests: 3, window: 30s, open_time: 30s, probes: 1"
    traffic = f"subgraphs: {{people: {{breaker: {{enabled: true, {breaker}}}}}}}"
    async with behind(failing_first(3), traffic) as (gateway, _):
        for _ in range(3):
            assert await codes(gateway) == ["SUBREQUEST_HTTP_ERROR"]
        body: Any = (await gateway.execute(ME)).body
        assert body["errors"][0]["extensions"]["retryAfter"] == 30
        assert gateway.status() == {"breakers": {"people": {"state": "open", "refused": 1}}}


async def test_a_slow_query_is_sent_twice() -> None:
    seen = 0

    async def script(peer: Peer) -> None:
        nonlocal seen
        while True:
            await peer.request()
            seen += 1
            if seen != 21:  # the 21st query never gets a response
                await peer.reply(ADA)

    hedge = "all: {hedge: {enabled: true, percentile: 50, shortest_wait: 20ms, budget: 100}}"
    async with behind(script, hedge) as (gateway, _):
        for _ in range(21):
            assert await codes(gateway) == []
        assert gateway.status() == {"hedged": {"people": 1, "orders": 0}}


async def test_requests_at_once_are_adapted_to_the_subgraph() -> None:
    shedding = "enabled: true, initial: 2, smallest: 2, largest: 2, tolerance: 1.5"
    traffic = f"all: {{timeout: 100ms, share_queries: false, shedding: {{{shedding}}}}}"
    async with behind(hangs, traffic) as (gateway, _):
        responses = await asyncio.gather(*(gateway.execute(ME) for _ in range(5)))
        found = [response.body["errors"][0]["extensions"]["code"] for response in responses]  # type: ignore[index]
        assert sorted(found) == ["GATEWAY_TIMEOUT"] * 2 + ["SUBREQUEST_HTTP_ERROR"] * 3


async def test_several_servers_share_the_requests_and_a_failing_one_is_ejected() -> None:
    async with serving(responds) as first, serving(refuses) as second:
        text = (
            f"override_subgraph_url: {{people: ['{first.url}', '{second.url}']}}\n"
            "traffic: {all: {ejection: {failures: 2, time: 30s, longest_time: 60s}}}"
        )
        gateway = Gateway.from_supergraph(SDL, read(text, {}))
        found = [await codes(gateway) for _ in range(10)]
        assert found.count(["SUBREQUEST_HTTP_ERROR"]) == 2
        status: Any = gateway.status()["servers"]
        assert [server["ejected"] for server in status["people"]] == [False, True]
        await gateway.aclose()


async def test_a_connection_has_a_time_limit_of_its_own() -> None:
    # Nobody accepts: the queue of this socket is full, so the next connection hangs.
    with socket.socket() as listening, socket.socket() as first, socket.socket() as second:
        listening.bind(("127.0.0.1", 0))
        listening.listen(0)
        for client in (first, second):
            client.setblocking(False)
            client.connect_ex(listening.getsockname())
        text = (
            f"override_subgraph_url: {{people: 'http://127.0.0.1:{listening.getsockname()[1]}/'}}\n"
            "traffic: {all: {connect_timeout: 50ms, timeout: 60s}}"
        )
        gateway = Gateway.from_supergraph(SDL, read(text, {}))
        async with asyncio.timeout(30):
            assert await codes(gateway) == ["SUBREQUEST_HTTP_ERROR"]
        await gateway.aclose()


async def test_a_subgraph_may_listen_on_a_unix_socket(tmp_path: Path) -> None:
    paths: list[str] = []

    async def accept(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        peer = Peer(reader, writer, 1)
        paths.append((await peer.request()).start_line)
        await peer.reply(ADA)
        writer.close()

    async with await asyncio.start_unix_server(accept, tmp_path / "s.sock"):
        for suffix in ("", "?path=/api/x"):
            text = f"override_subgraph_url: {{people: 'unix:{tmp_path}/s.sock{suffix}'}}"
            gateway = Gateway.from_supergraph(SDL, read(text, {}))
            assert (await gateway.execute(ME)).body == FOUND
            await gateway.aclose()
    assert paths == ["POST /graphql HTTP/1.1", "POST /api/x HTTP/1.1"]


@pytest.mark.parametrize("url", ["unix:relative", "unix:", "unix:/a#b", "[]", "['http://a/', 'http://a/']", "[1]"])
def test_urls_that_cannot_be_used_are_refused_at_the_start(url: str) -> None:
    with pytest.raises(InvalidSettings, match=r"override_subgraph_url\.people"):
        read(f"override_subgraph_url: {{people: {url}}}", {})


async def test_the_router_presents_its_client_certificate(tmp_path: Path) -> None:
    context, authority = self_signed(tmp_path)
    context.verify_mode = ssl.CERT_REQUIRED
    context.load_verify_locations(authority)
    async with serving(responds, tls=context) as server:
        url, trust = f"override_subgraph_url: {{people: '{server.url}'}}\n", f"certificate_authority: {authority}"
        for own, expected in (
            ("", ["SUBREQUEST_HTTP_ERROR"]),
            (f", client_certificate: {authority}, client_key: {tmp_path}/key.pem", []),
        ):
            gateway = Gateway.from_supergraph(SDL, read(f"{url}traffic: {{all: {{{trust}{own}}}}}", {}))
            assert await codes(gateway) == expected
            await gateway.aclose()


@pytest.mark.parametrize(
    ("own", "expected"),
    [
        ("", ["SUBREQUEST_HTTP_ERROR"]),
        (", server_name: people.example", []),
        (", server_name: people.example, server_identity: spiffe://test/people", []),
        (", server_name: people.example, server_identity: spiffe://test/orders", ["SUBREQUEST_HTTP_ERROR"]),
        (", server_name: orders.example", ["SUBREQUEST_HTTP_ERROR"]),
    ],
)
async def test_the_certificate_of_a_subgraph_has_the_name_and_identity_of_the_settings(
    tmp_path: Path, own: str, expected: list[str]
) -> None:
    authority = TestAuthority(tmp_path)
    files = authority.files("router")
    trust = f"certificate_authority: {files.authorities}, client_certificate: {files.certificate}"
    people = authority.files("people", dns=("people.example",))
    async with serving(responds, tls=server_context(people)) as server:
        url = server.url.replace("127.0.0.1", "localhost")
        text = f"override_subgraph_url: {{people: '{url}'}}\n"
        text += f"traffic: {{all: {{{trust}, client_key: {files.key}{own}}}}}"
        gateway = Gateway.from_supergraph(SDL, read(text, {}))
        assert await codes(gateway) == expected
        failure = "TLS_WRONG_IDENTITY" if "spiffe://test/orders" in own else "TLS_HOSTNAME_MISMATCH"
        assert gateway.traffic.status().get("tls_failures") == ({failure: 1} if expected else None)
        await gateway.aclose()


async def test_a_new_client_certificate_is_used_without_a_reload(tmp_path: Path) -> None:
    authority = TestAuthority(tmp_path)
    files = authority.write("router", authority.expired("spiffe://test/router"))
    trust = f"certificate_authority: {files.authorities}, client_certificate: {files.certificate}"
    async with serving(responds, tls=server_context(authority.files("people"))) as server:
        text = f"override_subgraph_url: {{people: '{server.url}'}}\n"
        text += f"traffic: {{all: {{{trust}, client_key: {files.key}}}}}"
        gateway = Gateway.from_supergraph(SDL, read(text, {}))
        assert await codes(gateway) == ["SUBREQUEST_HTTP_ERROR"]
        authority.files("router")
        assert await codes(gateway) == []
        await gateway.aclose()


def test_a_client_certificate_needs_its_key(tmp_path: Path) -> None:
    _, certificate = self_signed(tmp_path)
    with pytest.raises(ValueError, match="no certificate with its private key"):
        Gateway.from_supergraph(SDL, read(f"traffic: {{all: {{client_certificate: {certificate}}}}}", {}))
