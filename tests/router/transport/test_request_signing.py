"""The section `signatures` of `router.yaml`, observed by subgraphs that verify each request.

Covers `router/settings/sections/signatures.py` beside `router/transport/request_signing.py`.
"""

from __future__ import annotations

from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import pytest

from router.gateway import Gateway
from router.request.request_and_response import GraphQLRequest
from router.settings import InvalidSettings, read
from servicekit.http_signatures.content_digest import is_digest_of
from servicekit.http_signatures.ed25519_keys import Ed25519VerificationKey
from servicekit.http_signatures.keys import HmacKey
from servicekit.http_signatures.request_verifier import RequestVerifier, SignatureRefused, VerificationPolicy
from servicekit.http_signatures.signature_base import SignedRequest
from servicekit.http_signatures.signature_fields import ReceivedSignature, read_signature
from tests.router.shop import SDL
from tests.router.transport.http1.test_http_proxy import proxy
from tests.router.transport.scripted_server import Peer, Received, response, serving
from tests.servicekit.http_signatures.test_rfc_9421_vectors import PRIVATE_KEY, PUBLIC_KEY

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Mapping
    from pathlib import Path

    from servicekit.http_signatures.keys import VerificationKey

SECRET = "3f1c9a7e5b2d8f604c1e7a9b3d5f8021"
ADA = response(b'{"data":{"me":{"id":"1"}}}')
ME = "{ me { id } }"
SCOPES = ["all: ", "subgraphs: {people: "]


@dataclass
class Subgraph:
    """A server of the subgraph `people`. It has what it received, and closes connections after each response."""

    received: list[Received] = field(default_factory=list)
    closes: bool = False

    async def __call__(self, peer: Peer) -> None:
        while True:
            self.received.append(await peer.request())
            if self.closes and len(self.received) == 2:
                peer.reset()
                return
            await peer.reply(ADA)

    @property
    def last(self) -> Received:
        return self.received[-1]

    @property
    def signature(self) -> ReceivedSignature:
        return read_signature(self.last.headers["signature-input"], self.last.headers["signature"])


@asynccontextmanager
async def behind(subgraph: Subgraph, text: str) -> AsyncIterator[Gateway]:
    async with serving(subgraph) as server:
        gateway = Gateway.from_supergraph(SDL, read(f"override_subgraph_url: {{people: '{server.url}'}}\n{text}", {}))
        try:
            yield gateway
        finally:
            await gateway.aclose()


async def send(gateway: Gateway, headers: Mapping[str, str] | None = None, query: str = ME) -> Any:
    return (await gateway.execute(GraphQLRequest(query=query, headers=headers or {}))).body


def verify(received: Received, key: VerificationKey, tag: str = "people") -> None:
    """Verify a request as a subgraph does, with its body."""
    method, target, _ = received.start_line.split(" ")
    path, _, query = target.partition("?")
    request = SignedRequest(method, received.headers["host"], path, query, received.headers)
    assert is_digest_of(RequestVerifier([key], VerificationPolicy(tag)).verify(request).digest, received.body)


def section(scope: str, value: str) -> str:
    """The section `signatures` with this value for all subgraphs, or for the subgraph `people`."""
    return f"signatures: {{{scope}{value}{'}' if 'subgraphs' in scope else ''}}}\n"


async def test_requests_are_not_signed_without_a_key() -> None:
    people = Subgraph()
    async with behind(people, "") as gateway:
        await send(gateway)
    assert not {"signature", "signature-input", "content-digest"} & people.last.headers.keys()


@pytest.mark.parametrize("scope", SCOPES)
async def test_requests_are_signed_with_the_secret_of_the_settings(scope: str) -> None:
    people = Subgraph()
    async with behind(people, section(scope, f"{{key: {{secret: {SECRET}}}}}")) as gateway:
        assert await send(gateway) == {"data": {"me": {"id": "1"}}}
    verify(people.last, HmacKey(SECRET.encode()))
    with pytest.raises(SignatureRefused, match="wrong receiver"):
        verify(people.last, HmacKey(SECRET.encode()), "orders")


async def test_a_request_that_goes_through_a_proxy_is_signed_for_the_subgraph() -> None:
    """The proxy gets the whole URL in the first line; the subgraph gets the path, as in the signature."""
    people = Subgraph()
    async with proxy() as running:
        text = section("all: ", f"{{key: {{secret: {SECRET}}}}}")
        text += f"traffic: {{all: {{proxy: {{url: 'http://127.0.0.1:{running.port}'}}}}}}"
        async with behind(people, text) as gateway:
            assert await send(gateway) == {"data": {"me": {"id": "1"}}}
        assert [line.split(" ")[0] for line in await running.received()] == ["POST"]
    assert people.last.start_line.split(" ")[1] == "/graphql"
    verify(people.last, HmacKey(SECRET.encode()))


@pytest.mark.parametrize("scope", SCOPES)
async def test_requests_are_signed_with_a_private_key(scope: str, tmp_path: Path) -> None:
    (tmp_path / "key.pem").write_bytes(PRIVATE_KEY)
    people = Subgraph()
    async with behind(people, section(scope, f"{{key: {{private_key: {tmp_path}/key.pem}}}}")) as gateway:
        await send(gateway)
    verify(people.last, Ed25519VerificationKey(PUBLIC_KEY))


@pytest.mark.parametrize("scope", SCOPES)
async def test_a_key_may_have_an_id_of_its_own(scope: str) -> None:
    people = Subgraph()
    async with behind(people, section(scope, f"{{key: {{secret: {SECRET}, id: router-2026}}}}")) as gateway:
        await send(gateway)
    assert people.signature.parameters["keyid"] == "router-2026"
    verify(people.last, HmacKey(SECRET.encode(), "router-2026"))


@pytest.mark.parametrize("scope", SCOPES)
async def test_a_signature_has_a_lifetime(scope: str) -> None:
    people = Subgraph()
    async with behind(people, section(scope, f"{{key: {{secret: {SECRET}}}, lifetime: 7s}}")) as gateway:
        await send(gateway)
    created, expires = (people.signature.parameters[name] for name in ("created", "expires"))
    assert isinstance(created, int)
    assert expires == created + 7


@pytest.mark.parametrize("scope", SCOPES)
async def test_a_signature_covers_the_headers_of_the_settings(scope: str) -> None:
    rules = "headers: {all: {request: [{propagate: {matching: .*}}]}}\n"
    sent = {"authorization": "Bearer a", "cookie": "b=c", "X-Tenant": "d", "x-other": "e"}
    people = Subgraph()
    key = f"key: {{secret: {SECRET}}}"
    async with behind(people, rules + section(scope, f"{{{key}, headers: [X-Tenant, x-absent]}}")) as gateway:
        await send(gateway, sent)
        assert people.signature.components[6:] == ("x-tenant",)
    async with behind(people, rules + section(scope, f"{{{key}}}")) as gateway:
        await send(gateway, sent)
        assert people.signature.components[6:] == ("authorization", "cookie")
        await send(gateway)
        assert people.signature.components[6:] == ()


async def test_a_subgraph_may_be_left_out_or_have_a_key_of_its_own() -> None:
    people = Subgraph()
    all_keys = f"all: {{key: {{secret: {SECRET}}}}}"
    async with behind(people, f"signatures: {{{all_keys}, subgraphs: {{people: {{key: {{}}}}}}}}\n") as gateway:
        await send(gateway)
        assert "signature" not in people.last.headers
    own = f"signatures: {{{all_keys}, subgraphs: {{people: {{key: {{secret: {SECRET[::-1]}}}}}}}}}\n"
    async with behind(people, own) as gateway:
        await send(gateway)
        verify(people.last, HmacKey(SECRET[::-1].encode()))


async def test_headers_about_the_client_are_always_covered(tmp_path: Path) -> None:
    (tmp_path / "keys.json").write_text('{"%s": {"sub": "1"}}' % ("0" * 64))
    text = f"""
authentication:
  api_keys: {{file: {tmp_path}/keys.json}}
  forward: {{headers: {{x-user-id: sub}}, token: {{secret: {SECRET}}}}}
headers:
  all:
    request: [{{insert: {{name: x-router-identity, value: a}}}}, {{insert: {{name: x-user-id, value: b}}}}]
signatures: {{all: {{key: {{secret: {SECRET}}}, headers: []}}}}
"""
    people = Subgraph()
    async with behind(people, text) as gateway:
        await send(gateway)
    assert people.signature.components[6:] == ("x-router-identity", "x-user-id")


async def test_a_query_that_is_sent_again_has_another_nonce() -> None:
    """The server closes a kept-alive connection with the second request; the router sends this request again."""
    people = Subgraph(closes=True)
    async with behind(people, section("all: ", f"{{key: {{secret: {SECRET}}}}}")) as gateway:
        for _ in range(2):
            assert await send(gateway) == {"data": {"me": {"id": "1"}}}
    assert len(people.received) == 3
    assert len({each.headers["signature-input"] for each in people.received}) == 3
    for each in people.received:
        verify(each, HmacKey(SECRET.encode()))


async def test_each_of_several_servers_gets_its_own_authority() -> None:
    one, two = Subgraph(), Subgraph()
    async with serving(one) as first, serving(two) as second:
        text = f"override_subgraph_url: {{people: ['{first.url}', '{second.url}']}}\n"
        gateway = Gateway.from_supergraph(SDL, read(text + section("all: ", f"{{key: {{secret: {SECRET}}}}}"), {}))
        try:
            for _ in range(20):
                await send(gateway)
        finally:
            await gateway.aclose()
    for each in [one.last, two.last]:
        verify(each, HmacKey(SECRET.encode()))


async def test_a_client_cannot_bring_a_signature_along() -> None:
    rules = "headers: {all: {request: [{propagate: {matching: .*}}]}}\n"
    forged = {"signature": "sig=:AAAA:", "signature-input": "sig=()", "content-digest": "sha-256=:AAAA:"}
    people = Subgraph()
    async with behind(people, rules) as gateway:
        await send(gateway, forged)
        assert not forged.keys() & people.last.headers.keys()
    async with behind(people, rules + section("all: ", f"{{key: {{secret: {SECRET}}}}}")) as gateway:
        await send(gateway, forged)
    verify(people.last, HmacKey(SECRET.encode()))


async def test_a_credential_that_cannot_be_signed_fails_the_fetch_alone() -> None:
    rules = "headers: {all: {request: [{propagate: {named: authorization}}]}}\n"
    people = Subgraph()
    async with behind(people, rules + section("all: ", f"{{key: {{secret: {SECRET}}}}}")) as gateway:
        body = await send(gateway, {"authorization": "Bearer é"})
    assert [error["extensions"]["code"] for error in body["errors"]] == ["SUBREQUEST_HTTP_ERROR"]
    assert people.received == []


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("all: {key: {secret: short}}", "at least 32 bytes"),
        (f"all: {{key: {{secret: {SECRET}, private_key: x}}}}", "either `secret` or `private_key`"),
        (f"all: {{key: {{secret: {SECRET}, id: 'a b'}}}}", "id of a key"),
        ("all: {lifetime: 301s}", "between 1 s and 5 minutes"),
        ("subgraphs: {people: {lifetime: 100ms}}", "between 1 s and 5 minutes"),
    ],
)
def test_mistakes_are_named_without_the_secret(text: str, message: str) -> None:
    with pytest.raises(InvalidSettings, match=message) as refused:
        read(f"signatures: {{{text}}}", {})
    assert SECRET not in str(refused.value)


@pytest.mark.parametrize("content", [b"", b"no key", PUBLIC_KEY])
async def test_a_file_without_a_private_key_stops_the_start(content: bytes, tmp_path: Path) -> None:
    (tmp_path / "key.pem").write_bytes(content)
    settings = read(section("all: ", f"{{key: {{private_key: {tmp_path}/key.pem}}}}"), {})
    with pytest.raises(ValueError, match=r"key\.pem: not a PEM file with an unencrypted Ed25519 private key"):
        Gateway.from_supergraph(SDL, settings)


async def test_a_missing_file_stops_the_start(tmp_path: Path) -> None:
    settings = read(section("all: ", f"{{key: {{private_key: {tmp_path}/key.pem}}}}"), {})
    with pytest.raises(ValueError, match=r"key\.pem: No such file"):
        Gateway.from_supergraph(SDL, settings)
