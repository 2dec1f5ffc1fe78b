"""Handshakes over real sockets: who is accepted, what the failures are called, and that new files are used at once.

Covers `servicekit/tls/failures.py` and `servicekit/tls/peer.py`.
"""

from __future__ import annotations

import asyncio
import ssl
from contextlib import asynccontextmanager
from typing import TYPE_CHECKING

import httpx
import pytest
import structlog
import uvloop

from servicekit.http1.connection import ExchangeFailed
from servicekit.http1.pool import NotConnected, Pool, PoolLimits, ServerOrigin
from servicekit.tls import failures
from servicekit.tls.contexts import ReloadingContext, client_context, server_context
from servicekit.tls.files import UnusableTlsFile
from servicekit.tls.peer import Peer, peer_in, peer_of
from tests.certificates import TestAuthority

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Callable, Coroutine
    from pathlib import Path

    from mosafe.certificates.issuing import Issued
    from servicekit.tls.files import TlsFiles

RESPONSE = b"HTTP/1.1 200 OK\r\ncontent-length: 2\r\n\r\nhi"
REQUEST = b"GET / HTTP/1.1\r\nhost: x\r\n\r\n"
LOOPS: list[Callable[[Coroutine[None, None, None]], None]] = [asyncio.run, uvloop.run]


class Server:
    """Answers every request, and keeps the peer of each connection."""

    def __init__(self) -> None:
        self.port = 0
        self.peers: list[Peer | None] = []
        self.versions: list[str | None] = []


@asynccontextmanager
async def serving(context: ssl.SSLContext) -> AsyncIterator[Server]:
    state = Server()

    async def accept(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        connection: ssl.SSLObject = writer.get_extra_info("ssl_object")
        state.peers.append(peer_of(connection))
        state.versions.append(connection.version())
        try:
            while await reader.readuntil(b"\r\n\r\n"):
                writer.write(RESPONSE)
        except (asyncio.IncompleteReadError, ConnectionError):
            writer.close()

    server = await asyncio.start_server(accept, "127.0.0.1", 0, ssl=context)
    state.port = server.sockets[0].getsockname()[1]
    try:
        yield state
    finally:
        server.close()


def pool_of(server: Server, context: ssl.SSLContext, host: str = "127.0.0.1") -> Pool:
    return Pool(ServerOrigin(host, server.port, context), PoolLimits())


async def call(pool: Pool) -> bytes:
    deadline = asyncio.get_running_loop().time() + 10
    return (await pool.exchange(lambda: REQUEST, repeatable=True, deadline=deadline)).body


async def failure_of(server: Server, context: ssl.SSLContext, host: str = "127.0.0.1") -> tuple[str, dict[str, int]]:
    """The error of a call, and the failures that the pool has counted. The process counts the same ones."""
    pool, before = pool_of(server, context, host), failures.COUNTS.as_client.copy()
    with pytest.raises((NotConnected, ExchangeFailed)) as caught:
        await call(pool)
    pool.close()
    assert failures.COUNTS.as_client - before == pool.tls_failures
    return str(caught.value), dict(pool.tls_failures)


@pytest.fixture
def authority(tmp_path: Path) -> TestAuthority:
    return TestAuthority(tmp_path)


@pytest.mark.parametrize("run", LOOPS)
def test_the_server_learns_the_identity_of_the_client(
    authority: TestAuthority, run: Callable[[Coroutine[None, None, None]], None]
) -> None:
    async def scenario() -> None:
        async with serving(server_context(authority.files("server"))) as server:
            pool = pool_of(server, client_context(authority.files("ann"), server_identity="spiffe://test/server"))
            assert await call(pool) == b"hi"
            pool.close()
            (peer,) = server.peers
            assert peer is not None
            assert peer.identity == "spiffe://test/ann"
            assert server.versions == ["TLSv1.3"]

    run(scenario())


@pytest.mark.parametrize("run", LOOPS)
def test_each_failure_of_a_client_has_its_code(
    authority: TestAuthority, tmp_path: Path, run: Callable[[Coroutine[None, None, None]], None]
) -> None:
    ann, other = authority.files("ann"), TestAuthority(tmp_path / "other")
    trusts_both = ann._replace(authorities=tmp_path / "both.pem")
    trusts_both.authorities.write_text(
        authority.authority.issued.certificate_pem + other.authority.issued.certificate_pem
    )

    async def scenario() -> None:
        async with serving(server_context(authority.files("server", dns=("somewhere.example",)))) as server:
            message, counted = await failure_of(server, client_context(ann), "localhost")
            assert message.startswith("TLS_HOSTNAME_MISMATCH: the certificate of the server is for another host")
            assert counted == {failures.HOSTNAME: 1}
            message, counted = await failure_of(server, client_context(ann, server_identity="spiffe://test/bob"))
            assert message == "TLS_WRONG_IDENTITY: the server is spiffe://test/server, not spiffe://test/bob"
            assert counted == {failures.IDENTITY: 1}
        foreign = server_context(other.files("server"))
        async with serving(foreign) as server:
            message, counted = await failure_of(server, client_context(ann))
            assert message.startswith("TLS_UNKNOWN_AUTHORITY: ")
            assert counted == {failures.AUTHORITY: 1}
        async with serving(_unchecked(authority.write("server", authority.expired("spiffe://test/server")))) as server:
            message, counted = await failure_of(server, client_context(ann))
            assert message.startswith("TLS_CERTIFICATE_EXPIRED: ")
            assert counted == {failures.EXPIRED: 1}

    run(scenario())


@pytest.mark.parametrize("run", LOOPS)
def test_a_client_without_a_right_certificate_is_refused(
    authority: TestAuthority, tmp_path: Path, run: Callable[[Coroutine[None, None, None]], None]
) -> None:
    trust = authority.files("ann").authorities
    none = ssl.create_default_context(cafile=trust)
    expired = ssl.create_default_context(cafile=trust)
    files = authority.write("expired", authority.expired("spiffe://test/ann"))
    expired.load_cert_chain(files.certificate, files.key)
    foreign = ssl.create_default_context(cafile=trust)
    files = TestAuthority(tmp_path / "other").files("ann")
    foreign.load_cert_chain(files.certificate, files.key)

    async def scenario() -> None:
        async with serving(server_context(authority.files("server"))) as server:
            for context in (none, expired, foreign):
                with structlog.testing.capture_logs() as logs:
                    message, counted = await failure_of(server, context)
                assert failures.CLOSED_AT_ONCE in message
                assert counted == {}
                assert [line["event"] for line in logs] == ["TLS handshake with a client failed"]
            assert server.peers == []

    run(scenario())


async def test_a_server_without_tls_is_a_failed_handshake(authority: TestAuthority) -> None:
    async def accept(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.read(10)
        writer.write(b"HTTP/1.1 400 Bad Request\r\n\r\n")
        writer.close()

    async with await asyncio.start_server(accept, "127.0.0.1", 0) as plain:
        server = Server()
        server.port = plain.sockets[0].getsockname()[1]
        message, counted = await failure_of(server, client_context(authority.files("ann")))
        assert message.startswith("TLS_HANDSHAKE_FAILED: ")
        assert counted == {failures.HANDSHAKE: 1}


async def test_a_client_that_waits_for_its_socket_checks_the_same(authority: TestAuthority) -> None:
    ann = authority.files("ann")

    def request(context: ssl.SSLContext, url: str) -> bytes:
        with httpx.Client(verify=context, timeout=30) as client:
            return client.get(url).content

    async with serving(server_context(authority.files("server"))) as server:
        url = f"https://127.0.0.1:{server.port}/"
        right = client_context(ann, server_identity="spiffe://test/server")
        assert await asyncio.to_thread(request, right, url) == b"hi"
        for wrong in (client_context(ann, server_identity="spiffe://test/bob"), client_context(ann, server_name="x")):
            with pytest.raises(httpx.ConnectError):
                await asyncio.to_thread(request, wrong, url)


def test_old_versions_of_tls_are_off(authority: TestAuthority) -> None:
    files = authority.files("ann")
    for context in (server_context(files), client_context(files)):
        assert context.newest().minimum_version is ssl.TLSVersion.TLSv1_2
        suites = {cipher["name"] for cipher in context.newest().get_ciphers()}
        assert all(name.startswith(("TLS_", "ECDHE-")) for name in suites)


async def test_a_name_can_replace_the_host_of_the_url(authority: TestAuthority) -> None:
    ann = authority.files("ann")
    async with serving(server_context(authority.files("server", dns=("bank.example",)))) as server:
        pool = pool_of(server, client_context(ann, server_name="bank.example"), "localhost")
        assert await call(pool) == b"hi"
        pool.close()


@pytest.mark.parametrize("run", LOOPS)
def test_new_files_are_used_for_new_handshakes_and_open_connections_stay(
    authority: TestAuthority, tmp_path: Path, run: Callable[[Coroutine[None, None, None]], None]
) -> None:
    server_files, ann = authority.files("server"), authority.files("ann")
    following = TestAuthority(tmp_path / "following")
    both = authority.authority.issued.certificate_pem + following.authority.issued.certificate_pem

    async def scenario() -> None:
        client = client_context(ann)
        async with serving(server_context(server_files)) as server:
            open_before = pool_of(server, client)
            assert await call(open_before) == b"hi"
            for files in (server_files, ann):
                files.authorities.write_text(both)
            for name, files in (("server", server_files), ("ann", ann)):
                _replace(files, following.issue(f"spiffe://test/{name}-2"))
            fresh = pool_of(server, client)
            assert await call(fresh) == b"hi"
            for files in (server_files, ann):
                files.authorities.write_text(following.authority.issued.certificate_pem)
            fresh.close()
            fresh = pool_of(server, client)
            assert await call(fresh) == b"hi"
            assert await call(open_before) == b"hi"
            assert [peer.identity for peer in server.peers if peer] == [
                "spiffe://test/ann",
                "spiffe://test/ann-2",
                "spiffe://test/ann-2",
            ]
            message, _ = await failure_of(server, client_context(authority.files("late")))
            assert "TLS_UNKNOWN_AUTHORITY" in message
            fresh.close()
            open_before.close()

    run(scenario())


async def test_new_files_that_cannot_be_used_leave_the_old_ones_in_use(authority: TestAuthority) -> None:
    files = authority.files("server")
    context = server_context(files)
    async with serving(context) as server:
        files.certificate.write_text(authority.issue("spiffe://test/server").certificate_pem)  # without its key
        with structlog.testing.capture_logs() as logs:
            for _ in range(2):
                pool = pool_of(server, client_context(authority.files("ann")))
                assert await call(pool) == b"hi"
                pool.close()
        (warning,) = [line for line in logs if line["log_level"] == "warning"]
        assert warning["reason"].endswith("belongs to another certificate")


def test_files_that_cannot_be_used_are_tried_again_later(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    moment, reads = [0.0], [0]
    monkeypatch.setattr("servicekit.tls.contexts.time.monotonic", lambda: moment[0])
    file = tmp_path / "cert.pem"

    def read() -> ssl.SSLContext:
        reads[0] += 1
        if reads[0] in (2, 3):
            raise UnusableTlsFile("certificate", "not valid yet")
        return ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)

    context = ReloadingContext(ssl.PROTOCOL_TLS_CLIENT, [file], read)
    first = context.newest()
    file.write_text("new")
    for at, expected in ((0, 2), (9, 2), (10, 3), (19, 3), (20, 4), (40, 4)):
        moment[0] = at
        assert (context.newest() is first) is (expected < 4)
        assert reads == [expected]


def test_a_peer_needs_exactly_one_identity() -> None:
    end = "Nov 30 10:00:00 2030 GMT"
    ann, bob = ("URI", "spiffe://test/ann"), ("URI", "spiffe://test/bob")
    assert peer_in({"subjectAltName": (ann, ("DNS", "x")), "notAfter": end}).identity == "spiffe://test/ann"
    for names in ((ann, bob), (), (("URI", "https://test/ann"),), (("DNS", "spiffe://test/ann"),)):
        assert peer_in({"subjectAltName": names, "notAfter": end}) == ("", 1922263200.0)
    assert peer_of(None) is None


def _unchecked(files: TlsFiles) -> ssl.SSLContext:
    """A server's context whose own certificate is not checked."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(files.certificate, files.key)
    return context


def _replace(files: TlsFiles, issued: Issued) -> None:
    files.key.write_text(issued.key_pem)
    files.certificate.write_text(issued.certificate_pem)
