"""The whole platform over mutual TLS: every pair of processes, and a replaced authority while requests run.

The table of who may call whom is `bank/topology.yaml`.
"""

from __future__ import annotations

import json
import re
import ssl
import threading
from datetime import timedelta
from typing import TYPE_CHECKING

import httpx
import pytest
from click.testing import CliRunner

from bank.topology import load_topology
from mosafe.certificates.folder import CertificateFolder
from mosafe.certificates.issuing import Authority, Issued, Subject, now
from mosafe.cli import command
from servicekit.private_files import read_private_file
from servicekit.tls.contexts import client_context
from tests.certificates import HOUR, TestAuthority, long_ago
from tests.e2e.platform import PORT_VARIABLES, Platform, start_platform

if TYPE_CHECKING:
    from collections.abc import Iterator

    from servicekit.tls.files import TlsFiles

pytestmark = pytest.mark.xdist_group("mtls")

TOPOLOGY = load_topology()
SERVERS = TOPOLOGY.servers()
# A path of each API, below the path of the topology, and one that belongs to no API.
PATHS = {
    name: [*(f"{path.rstrip('/')}/x" for api in TOPOLOGY.process(name).apis.values() for path in api.paths), "/nowhere"]
    for name in SERVERS
}
FORBIDDEN = 403
# How many requests each thread sends in the test of rotation, at least.
REQUESTS = 15
THREADS = 4


@pytest.fixture(scope="module")
def bank(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Platform]:
    """A platform of `mosafe up --mtls`. Its client has the certificate of the operator."""
    platform = start_platform(tmp_path_factory.mktemp("mtls"), "--mtls")
    platform.client.close()
    platform.scheme = "https"
    platform.client = httpx.Client(verify=client_context(certificates(platform).files("operator")), timeout=30)
    yield platform
    assert platform.stop() == 0, "\n".join(platform.lines[-20:])


def certificates(platform: Platform) -> CertificateFolder:
    return CertificateFolder(platform.data_dir / "certs")


def authority_of(platform: Platform) -> Authority:
    folder = platform.data_dir / "certs" / "authorities"
    return Authority(Issued.from_pem(*(read_private_file(folder / f"current.{suffix}") for suffix in ("crt", "key"))))


def test_a_customer_uses_the_bank(bank: Platform) -> None:
    """A request passes REST, the router and all three services, and a posting passes from transaction to account."""
    person = bank.register()
    account = bank.open_account(person, deposit="12.50")
    found = bank.graphql("{ me { name accounts { nodes { balance } } } transactions { nodes { amount } } }", person)
    assert found["data"]["me"]["accounts"]["nodes"] == [{"balance": "12.50"}]
    assert bank.call("GET", f"/api/accounts/{account['id']}", person)["balance"] == "12.50"


def test_the_doctor_finds_every_process_ready_with_the_certificate_of_the_operator(bank: Platform) -> None:
    ports = {
        variable: bank.base_url(name).rpartition(":")[2] for variable, name in zip(PORT_VARIABLES, SERVERS, strict=True)
    }
    environ = {"MOSAFE_DATA_DIR": str(bank.data_dir), **ports}
    result = CliRunner(env=environ).invoke(command, ["doctor", "--json"])
    found = {each["check"]: each for each in json.loads(result.output)}
    assert found["tls"]["text"].startswith("the certificate of spiffe://mosafe/operator is valid until ")
    for server in SERVERS:
        assert (found[f"port {server}"]["status"], found[f"port {server}"]["fix"]) == ("ok", None)
        assert "is ready; its certificate is valid until " in found[f"port {server}"]["text"]
    assert found["supergraph"]["text"] == "is composed from the schemas of the running subgraphs"


@pytest.mark.parametrize("server", SERVERS)
def test_each_process_answers_only_those_who_may_call_it(bank: Platform, server: str) -> None:
    for caller in TOPOLOGY.processes:
        context = client_context(
            certificates(bank).files(caller), server_identity=TOPOLOGY.identity(server), server_name=server
        )
        with httpx.Client(verify=context, timeout=30) as client:
            for path in PATHS[server]:
                is_refused = client.get(bank.base_url(server) + path).status_code == FORBIDDEN
                assert is_refused is not TOPOLOGY.may_call(caller, server, path), f"{caller} {server}{path}"


@pytest.mark.parametrize("server", SERVERS)
def test_each_process_refuses_every_other_certificate(
    bank: Platform, tmp_path_factory: pytest.TempPathFactory, server: str
) -> None:
    files = wrong_certificates(bank, server, TestAuthority(tmp_path_factory.mktemp("certs")))
    for case, (own, expected) in files.items():
        context = ssl.create_default_context(cafile=certificates(bank).files(server).authorities)
        if own is not None:
            context.load_cert_chain(own.certificate, own.key)
        for path in PATHS[server]:
            with httpx.Client(verify=context, timeout=30) as client:
                if expected is None:
                    with pytest.raises(httpx.TransportError):
                        client.get(bank.base_url(server) + path)
                else:
                    assert client.get(bank.base_url(server) + path).status_code == expected, f"{case} {path}"


def wrong_certificates(
    bank: Platform, server: str, other: TestAuthority
) -> dict[str, tuple[TlsFiles | None, int | None]]:
    """By case: the files of a client (None: no certificate), and the status (None: the handshake fails)."""
    own = authority_of(bank)
    past = Authority(own.issued, long_ago)
    cases: dict[str, tuple[TlsFiles | None, int | None]] = {"no certificate": (None, None)}
    for caller in (caller for caller, called in sorted(TOPOLOGY.calls()) if called == server):
        subject = Subject(TOPOLOGY.identity(caller))
        cases[f"expired {caller}"] = other.write(f"{caller}-old", past.issue(subject, HOUR)), None
        cases[f"{caller} of another authority"] = other.write(f"{caller}-foreign", other.issue(subject.identity)), None
        elsewhere = own.issue(Subject(subject.identity.replace("//mosafe/", "//elsewhere/")), HOUR)
        cases[f"{caller} of another domain"] = other.write(f"{caller}-elsewhere", elsewhere), FORBIDDEN
    nobody = own.issue(Subject("https://mosafe/operator"), HOUR)
    return {**cases, "no identity": (other.write("nobody", nobody), FORBIDDEN)}


def test_the_ports_for_probes_need_no_certificate_and_serve_nothing_else(bank: Platform) -> None:
    lines = bank.wait_for_lines("listening for probes", len(SERVERS))
    ports = [int(found[1]) for line in lines if (found := re.search(r'"port": ?([0-9]+)', line))]
    assert len(ports) == len(SERVERS)
    for port in ports:
        assert httpx.get(f"http://127.0.0.1:{port}/health/ready", timeout=30).status_code == httpx.codes.OK
        assert httpx.post(f"http://127.0.0.1:{port}/graphql", json={}, timeout=30).status_code == httpx.codes.NOT_FOUND


@pytest.mark.parametrize("server", SERVERS)
def test_each_process_counts_failed_handshakes(bank: Platform, server: str) -> None:
    context = ssl.create_default_context(cafile=certificates(bank).files(server).authorities)
    with httpx.Client(verify=context, timeout=30) as client, pytest.raises(httpx.TransportError):
        client.get(f"{bank.base_url(server)}/health/ready")
    body = bank.client.get(f"{bank.base_url(server)}/health/ready").json()
    assert body["tlsFailures"]["asServer"]["PEER_DID_NOT_RETURN_A_CERTIFICATE"] >= 1


@pytest.mark.parametrize("server", SERVERS)
def test_no_port_speaks_plain_http(bank: Platform, server: str) -> None:
    with pytest.raises(httpx.TransportError):
        httpx.get(bank.base_url(server).replace("https", "http") + "/health/live", timeout=30)


def test_the_authority_is_replaced_while_requests_run(bank: Platform) -> None:
    """No request fails, new connections use the new certificates, and the old ones are refused afterwards.

    The last test of this file, because the certificates of the platform are new afterwards.
    """
    person, folder = bank.register(), certificates(bank)
    old = client_context(folder.files("operator")).newest()
    failures: list[str] = []
    sent, is_over, progress = [0] * THREADS, threading.Event(), threading.Condition()

    def keep_asking(number: int) -> None:
        context = client_context(folder.files("operator"))
        while not is_over.is_set() or sent[number] < REQUESTS:
            try:
                with httpx.Client(verify=context, timeout=30) as client:  # each request needs a new handshake
                    response = client.get(f"{bank.rest_url}/api/accounts", headers=person.headers)
                if response.status_code != httpx.codes.OK:
                    failures.append(response.text)
            except httpx.HTTPError as error:
                failures.append(repr(error))
            with progress:
                sent[number] += 1
                progress.notify_all()

    def others_follow() -> None:
        """Wait until each thread has begun and ended a request, so that no handshake of before is left."""
        with progress:
            before = list(sent)
            assert progress.wait_for(lambda: all(now >= then + 2 for now, then in zip(sent, before, strict=True)), 60)

    threads = [threading.Thread(target=keep_asking, args=(number,)) for number in range(THREADS)]
    for thread in threads:
        thread.start()
    try:
        folder.begin_rotation(timedelta(days=30))
        others_follow()
        folder.switch_authority()
        others_follow()
        folder.finish_rotation()
    finally:
        is_over.set()
        for thread in threads:
            thread.join()
    assert failures == []
    for server in SERVERS:
        with httpx.Client(verify=client_context(folder.files("operator")), timeout=30) as client:
            assert client.get(f"{bank.base_url(server)}/health/ready").status_code == httpx.codes.OK
        with httpx.Client(verify=old, timeout=30) as client, pytest.raises(httpx.TransportError):
            client.get(f"{bank.base_url(server)}/health/ready")
    assert now() < folder.authorities()[0].certificate.not_valid_after_utc
