"""Traefik with the configuration of `traefik/` in front of the platform: mutual TLS on every hop, and real servers."""

from __future__ import annotations

import asyncio
import uuid
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import TYPE_CHECKING, Any, Final

import httpx

from mosafe.infrastructure import Infrastructure
from mosafe.local_mtls import OPERATOR, LocalMtls
from servicekit.tls.contexts import client_context, server_context
from tests.e2e.cluster import Cluster
from tests.e2e.platform import PASSWORD
from tests.tools.traefik_server import Traefik, without_verification

if TYPE_CHECKING:
    import ssl
    from collections.abc import AsyncIterator

# The addresses in traefik/config/routes.yml.
ADDRESSES: Final = {
    "rest": "https://rest:8000",
    "router": "https://router:4000",
    "auth": "https://auth-service:3001",
    "transaction": "https://transaction-service:3003",
}
RECOVERY_SECONDS: Final = 90
ME: Final = {"query": "{ me { name accounts { nodes { balance } } } }"}


@dataclass
class Front:
    """Traefik, the platform behind it, and a client of Traefik that trusts the platform's authority."""

    traefik: Traefik
    cluster: Cluster
    client: httpx.AsyncClient

    @property
    def certificates(self) -> LocalMtls:
        assert self.cluster.certificates is not None
        return self.cluster.certificates

    async def register(self) -> dict[str, str]:
        """Register a customer. Return the headers of the customer's requests."""
        body = {"email": f"{uuid.uuid4().hex}@example.com", "password": PASSWORD, "name": "Ada"}
        response = await self.client.post("/api/auth/register", json=body)
        assert response.status_code == 201, response.text
        return {"authorization": f"Bearer {response.json()['accessToken']}"}

    async def open_account(self, headers: dict[str, str], *, deposit: str = "") -> dict[str, Any]:
        """Open an account with a deposit."""
        body = {"type": "CHECKING", "currency": "EUR"}
        response = await self.client.post("/api/accounts", headers=headers, json=body)
        assert response.status_code == 201, response.text
        account: dict[str, Any] = response.json()
        if deposit:
            order = {"type": "DEPOSIT", "destinationAccountId": account["id"], "amount": deposit, "currency": "EUR"}
            assert (await self.client.post("/api/transactions", headers=headers, json=order)).status_code == 201
        return account

    async def wait_for(self, request: httpx.Request, status: int) -> httpx.Response:
        """Send a request again and again, until its response has this status."""
        async with asyncio.timeout(RECOVERY_SECONDS):
            while (response := await self.client.send(copy(self.client, request))).status_code != status:
                await asyncio.sleep(0.1)
        return response

    def client_from(self, address: str) -> httpx.AsyncClient:
        """Return a client of Traefik with an address of its own, and 50 connections."""
        limits = httpx.Limits(max_connections=50)
        transport = httpx.AsyncHTTPTransport(verify=without_verification(), local_address=address, limits=limits)
        return httpx.AsyncClient(base_url=self.traefik.url, transport=transport, timeout=120)

    async def handshake(
        self, lowest: ssl.TLSVersion, highest: ssl.TLSVersion, *, ciphers: str = "ALL", name: str | None = None
    ) -> str | None:
        """Open a connection to Traefik, and return the version of TLS. `name` is the host that the client asks for."""
        context = without_verification()
        context.set_ciphers(f"{ciphers}:@SECLEVEL=0")
        context.minimum_version, context.maximum_version = lowest, highest
        _, writer = await asyncio.open_connection(
            "127.0.0.1", self.traefik.port, ssl=context, server_hostname=name or ""
        )
        found: ssl.SSLObject = writer.get_extra_info("ssl_object")
        writer.close()
        await writer.wait_closed()
        return found.version()


def copy(client: httpx.AsyncClient, request: httpx.Request) -> httpx.Request:
    return client.build_request(request.method, request.url, headers=request.headers, content=request.content)


async def respond_with_head(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    """Respond with the head of the request, as the service behind Traefik receives it."""
    try:
        head = await reader.readuntil(b"\r\n\r\n")
    except asyncio.IncompleteReadError:  # a connection without a request
        return
    writer.write(b"HTTP/1.1 200 OK\r\nconnection: close\r\ncontent-length: %d\r\n\r\n%s" % (len(head), head))
    await writer.drain()
    writer.close()


@asynccontextmanager
async def running_front() -> AsyncIterator[Front]:
    """Start the servers of `mosafe up --infra`, the platform with mutual TLS, and Traefik."""
    # A folder that the user of PostgreSQL may enter. Each start of pytest closes its temporary folders to others.
    with TemporaryDirectory(prefix="front-") as name, Infrastructure() as infrastructure:
        folder = Path(name)
        data, traefik_folder = folder / "data", folder / "traefik"
        for path in (data, traefik_folder):
            path.mkdir()
        await asyncio.to_thread(infrastructure.start, {}, folder / "servers")
        cluster = Cluster(data, mutual_tls=True)
        # Traefik connects from 127.0.0.1. The other addresses of this machine are clients.
        own = {"MOSAFE_TRUSTED_PROXIES": "127.0.0.1", "MOSAFE_ENV": "development"}
        cluster.environ |= infrastructure.variables | own
        async with cluster:
            assert cluster.certificates is not None
            certificates = cluster.certificates.folder
            services = {address: cluster.url(name) for name, address in ADDRESSES.items()}
            context = server_context(certificates.files("transaction"))
            echo = await asyncio.start_server(respond_with_head, "127.0.0.1", 0, ssl=context)
            # Instead of the transaction service, whose webhooks need a provider.
            services[ADDRESSES["transaction"]] = f"https://127.0.0.1:{echo.sockets[0].getsockname()[1]}"
            traefik = Traefik(traefik_folder, services, certificates.path / "traefik")
            verify = client_context(certificates.files(OPERATOR), server_identity="spiffe://mosafe/traefik")
            async with echo:
                await asyncio.to_thread(traefik.start)
                try:
                    async with httpx.AsyncClient(base_url=traefik.url, verify=verify, timeout=60) as client:
                        yield Front(traefik, cluster, client)
                finally:
                    await asyncio.to_thread(traefik.stop)
