"""What the platform behind Traefik promises: its first users, load, processes that die, and new certificates.

Every hop is mutual TLS; PostgreSQL, MongoDB, Redis and Kafka are those of `mosafe up --infra`. Run by
`make test-deploy`.
"""

from __future__ import annotations

import asyncio
import ssl
import uuid
from typing import TYPE_CHECKING, Any

import httpx
import pytest
from click.testing import CliRunner

from bank.topology import load_topology
from mosafe.certificates.commands import command
from servicekit.tls.contexts import client_context
from tests.deploy.front import ADDRESSES, ME

if TYPE_CHECKING:
    from tests.deploy.front import Front

TOPOLOGY = load_topology()
CLIENTS = 4
pytestmark = [pytest.mark.asyncio(loop_scope="session"), pytest.mark.timeout(300)]


async def test_the_first_ten_minutes_of_a_user_need_no_other_port(front: Front) -> None:
    ada, client = await front.register(), front.client
    opened = [await front.open_account(ada) for _ in range(2)]
    deposit = {"type": "DEPOSIT", "destinationAccountId": opened[0]["id"], "amount": "120.00", "currency": "EUR"}
    key = {"idempotency-key": uuid.uuid4().hex}
    first, again = [await client.post("/api/transactions", headers=ada | key, json=deposit) for _ in range(2)]
    assert first.status_code == again.status_code == 201
    assert first.json()["id"] == again.json()["id"]
    transfer = {
        "sourceAccountId": opened[0]["id"],
        "destinationAccountNumber": opened[1]["accountNumber"],
        "amount": "20.00",
        "currency": "EUR",
    }
    assert (await client.post("/api/transactions/transfer", headers=ada, json=transfer)).status_code == 201
    for amount, status in (("500.00", 422), ("-1.00", 400), ("1.001", 400)):
        refused = await client.post("/api/transactions/transfer", headers=ada, json={**transfer, "amount": amount})
        assert refused.status_code == status, refused.text
        assert refused.json()["error"]["code"]
    stranger = await front.register()
    assert (await client.get(f"/api/accounts/{opened[0]['id']}", headers=stranger)).status_code == 404
    assert (await client.get("/api/accounts")).status_code == 401
    found = (await client.post("/graphql", headers=ada, json=ME)).json()
    assert sorted(node["balance"] for node in found["data"]["me"]["accounts"]["nodes"]) == ["100.00", "20.00"]
    assert (await client.delete("/api/auth/logout", headers=ada)).status_code == 204
    assert (await client.get("/api/auth/me", headers=ada)).status_code == 401


async def test_a_thousand_mixed_requests_at_fifty_connections_have_no_error(front: Front) -> None:
    headers = await front.register()
    account = (await front.open_account(headers))["id"]
    deposit = {"type": "DEPOSIT", "destinationAccountId": account, "amount": "1.00", "currency": "EUR"}
    kinds: list[tuple[str, str, dict[str, Any] | None]] = [
        ("GET", "/api/accounts", None),
        ("GET", f"/api/accounts/{account}/balance", None),
        ("POST", "/graphql", ME),
        ("GET", "/.well-known/jwks.json", None),
        ("POST", "/api/transactions", deposit),
    ]
    # Keys and the OAuth server have the limit of logins, so there are fewer of them.
    requests = [kind for index in range(250) for kind in (kinds if index % 10 == 0 else [*kinds[:3], kinds[4]])][:1000]
    async with front.client_from("127.0.0.9") as client:
        responses = await asyncio.gather(
            *(client.request(method, path, headers=headers, json=body) for method, path, body in requests)
        )
    # 202: an order whose decision takes longer than a moment.
    assert {response.status_code for response in responses} <= {200, 201, 202}
    assert not [response for response in responses if "errors" in response.text[:20]]


@pytest.mark.parametrize("server", TOPOLOGY.servers())
async def test_a_process_refuses_clients_that_go_around_traefik(front: Front, server: str) -> None:
    """Without a certificate, without TLS, and with the certificate of Traefik on a path that is not for Traefik."""
    files, url = front.certificates.folder.files("traefik"), front.cluster.url(server)
    without = ssl.create_default_context(cafile=files.authorities)
    for address in (url, url.replace("https", "http")):
        async with httpx.AsyncClient(verify=without, timeout=30) as client:
            with pytest.raises(httpx.TransportError):
                await client.get(f"{address}/health/live")
    async with httpx.AsyncClient(verify=client_context(files), timeout=30) as client:
        for path in ("/health/live", "/graphql", "/internal/postings", "/api-keys/token"):
            is_refused = (await client.get(url + path)).status_code == 403
            assert is_refused is not TOPOLOGY.may_call("traefik", server, path), path


async def test_another_process_in_the_place_of_a_service_gets_no_request(front: Front) -> None:
    """The router has a certificate of our authority, but is not the REST layer. Traefik has 500 for such a mistake."""
    page = front.client.build_request("GET", "/openapi.json")
    front.traefik.services[ADDRESSES["rest"]] = front.cluster.url("router")
    front.traefik.write_routes()
    try:
        await front.wait_for(page, 500)
    finally:
        front.traefik.services[ADDRESSES["rest"]] = front.cluster.url("rest")
        front.traefik.write_routes()
    await front.wait_for(page, 200)


@pytest.mark.parametrize(
    ("process", "method", "path", "others"),
    [
        ("rest", "GET", "/openapi.json", "/.well-known/jwks.json"),
        ("router", "POST", "/graphql", "/openapi.json"),
        ("auth", "GET", "/.well-known/jwks.json", "/openapi.json"),
    ],
)
async def test_a_process_behind_traefik_that_dies_is_reported_and_comes_back(
    front: Front, process: str, method: str, path: str, others: str
) -> None:
    request = front.client.build_request(method, path, json=None if method == "GET" else {"query": "{ __typename }"})
    await front.wait_for(request, 200)
    written = len(front.traefik.log_lines())
    front.cluster.kill(process)
    try:
        # The first responses tell of the connection, the later ones come from the circuit breaker. The client sees no
        # difference.
        async with asyncio.timeout(60):
            while not any("state=tripped" in line for line in front.traefik.log_lines()[written:]):
                assert_unavailable(await front.wait_for(request, 503), path)
        assert_unavailable(await front.wait_for(request, 503), path)
        assert (await front.client.get(others)).status_code == 200
    finally:
        front.cluster.start(process)
        await front.cluster.wait_ready(process)
    await front.wait_for(request, 200)


def assert_unavailable(response: httpx.Response, path: str) -> None:
    """The response has the form of the API."""
    body = response.json()
    if path == "/graphql":
        assert body["errors"][0]["extensions"]["code"] == "SERVICE_UNAVAILABLE"
    else:
        assert body["error"]["code"] == "SERVICE_UNAVAILABLE"
        assert body.keys() == {"error", "requestId", "timestamp"}
    assert response.headers["content-type"].startswith("application/json")
    assert "strict-transport-security" in response.headers


@pytest.mark.parametrize(
    ("process", "path"), [("account", "/api/accounts"), ("transaction", "/api/transactions"), ("auth", "/api/auth/me")]
)
async def test_a_service_behind_the_router_that_dies_is_reported_and_comes_back(
    front: Front, process: str, path: str
) -> None:
    headers = await front.register()
    request = front.client.build_request("GET", path, headers=headers)
    await front.wait_for(request, 200)
    front.cluster.kill(process)
    try:
        response = await front.client.send(request)
        assert response.status_code in {503, 504}, response.text
        assert response.json()["error"]["code"] in {"SERVICE_UNAVAILABLE", "GATEWAY_TIMEOUT"}
    finally:
        front.cluster.start(process)
        await front.cluster.wait_ready(process)
    await front.wait_for(request, 200)


async def test_traefik_reads_new_certificates_when_the_time_of_a_file_changes(front: Front) -> None:
    certificates, watched = front.certificates.folder.path, front.traefik.folder / "config" / "tls.yml"
    options = ["keep", "--once", "--dir", str(certificates), "--dns", "bank.example", "--touch", str(watched)]
    result = await asyncio.to_thread(CliRunner().invoke, command, options)
    assert result.exit_code == 0, result.output
    context = ssl.create_default_context(cafile=certificates / "ca.pem")
    async with asyncio.timeout(60):
        while not await has_name(front.traefik.port, context, "bank.example"):
            await asyncio.sleep(0.1)
    assert (await front.client.get("/openapi.json")).status_code == 200


async def has_name(port: int, context: ssl.SSLContext, name: str) -> bool:
    """Whether the server's certificate is for this host."""
    try:
        _, writer = await asyncio.open_connection("127.0.0.1", port, ssl=context, server_hostname=name)
    except ssl.SSLCertVerificationError:
        return False
    writer.close()
    await writer.wait_closed()
    return True


async def test_the_authority_is_replaced_while_requests_run(front: Front) -> None:
    """No request fails while each process and Traefik get new certificates. The old ones are refused afterwards."""
    headers, folder = await front.register(), front.certificates.folder
    old = client_context(folder.files("operator")).newest()
    requests = [
        front.client.build_request("GET", "/api/accounts", headers=headers),
        front.client.build_request("POST", "/graphql", headers=headers, json=ME),
    ]
    failures: list[str] = []
    sent = [0] * CLIENTS
    is_over = asyncio.Event()

    async def keep_asking(number: int) -> None:
        request = requests[number % 2]
        while not is_over.is_set():
            try:
                # Each request needs a new handshake with Traefik.
                async with httpx.AsyncClient(verify=client_context(folder.files("operator")), timeout=60) as client:
                    response = await client.request(
                        request.method, request.url, headers=request.headers, content=request.content
                    )
                if response.status_code != 200:
                    failures.append(f"{response.status_code} {response.text}")
            except httpx.HTTPError as error:
                failures.append(repr(error))
            sent[number] += 1

    async def others_follow() -> None:
        await asyncio.to_thread(front.traefik.read_again)
        before = list(sent)
        async with asyncio.timeout(120):
            while not all(now >= then + 3 for now, then in zip(sent, before, strict=True)):
                await asyncio.sleep(0.05)

    async with asyncio.TaskGroup() as tasks:
        for number in range(CLIENTS):
            tasks.create_task(keep_asking(number))
        try:
            folder.begin_rotation()
            await others_follow()
            folder.switch_authority()
            await others_follow()
            folder.finish_rotation()
            await others_follow()
        finally:
            is_over.set()
    assert failures == []
    for name in TOPOLOGY.servers():
        async with httpx.AsyncClient(verify=client_context(folder.files("operator")), timeout=30) as client:
            assert (await client.get(f"{front.cluster.url(name)}/health/ready")).status_code == 200
        async with httpx.AsyncClient(verify=old, timeout=30) as client:
            with pytest.raises(httpx.TransportError):
                await client.get(f"{front.cluster.url(name)}/health/ready")
    assert (await front.client.get("/openapi.json")).status_code == 200
