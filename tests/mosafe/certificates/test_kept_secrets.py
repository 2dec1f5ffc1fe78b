"""Certificates in Secrets of Kubernetes, with an API server that behaves as the real one for the three requests.

Covers `mosafe/certificates/kept_secrets.py` and `mosafe/certificates/kubernetes_secrets.py`.
"""

from __future__ import annotations

import json
import ssl
import threading
from base64 import b64decode
from dataclasses import dataclass, field
from datetime import timedelta
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import TYPE_CHECKING, Any, ClassVar

import pytest
from click.testing import CliRunner
from cryptography import x509

from bank.topology import load_topology
from mosafe.certificates.commands import command
from mosafe.certificates.folder import AUTHORITY_LIFETIME, CERTIFICATE_LIFETIME
from mosafe.certificates.issuing import now
from mosafe.certificates.kept_secrets import keep_in_secrets
from mosafe.certificates.kubernetes_secrets import SecretsApi
from servicekit.errors import StartupError
from servicekit.tls.files import TlsFiles, check_files
from tests.certificates import TestAuthority

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from datetime import datetime
    from pathlib import Path

TOKEN = "token-of-the-service-account"
PATH = "/api/v1/namespaces/mosafe/secrets"


@dataclass
class ApiServer:
    """What the API server has, and which writes it refuses."""

    secrets: dict[str, dict[str, Any]] = field(default_factory=dict)
    version: int = 0
    # Each write counts one down; at zero, writes are refused.
    writes_left: int = 1_000

    def data(self, name: str) -> dict[str, str]:
        return {key: b64decode(value).decode() for key, value in self.secrets[name]["data"].items()}

    def handle(self, method: str, path: str, token: str | None, document: dict[str, Any]) -> tuple[int, dict[str, Any]]:
        if token != f"Bearer {TOKEN}":
            return 401, {"message": "Unauthorized"}
        if not path.startswith(PATH):
            return 403, {"message": f"cannot use {path}"}
        name = path.removeprefix(PATH).lstrip("/")
        if method == "GET":
            found = self.secrets.get(name)
            return (200, found) if found else (404, {"message": f'secrets "{name}" not found'})
        return self._write(method, name or document["metadata"]["name"], document)

    def _write(self, method: str, name: str, document: dict[str, Any]) -> tuple[int, dict[str, Any]]:
        self.writes_left -= 1
        if self.writes_left < 0:
            return 500, {"message": "stopped"}
        old = self.secrets.get(name)
        if method == "POST" and old is not None:
            return 409, {"message": f'secrets "{name}" already exists'}
        if method == "PUT":
            if old is None:
                return 404, {"message": f'secrets "{name}" not found'}
            if document["metadata"].get("resourceVersion") != old["metadata"]["resourceVersion"]:
                return 409, {"message": "the object has been modified"}
            if document["type"] != old["type"]:
                return 422, {"message": "type: field is immutable"}
        self.version += 1
        document["metadata"]["resourceVersion"] = str(self.version)
        self.secrets[name] = document
        return 201 if method == "POST" else 200, document


class Handler(BaseHTTPRequestHandler):
    server_state: ClassVar[ApiServer]

    def _respond(self) -> None:
        body = self.rfile.read(int(self.headers.get("content-length") or 0))
        document = json.loads(body) if body else {}
        status, answer = self.server_state.handle(self.command, self.path, self.headers["authorization"], document)
        content = json.dumps(answer).encode()
        self.send_response(status)
        self.send_header("content-length", str(len(content)))
        self.end_headers()
        self.wfile.write(content)

    do_GET = do_POST = do_PUT = _respond  # noqa: N815 - the names of http.server

    def log_message(self, format: str, *args: object) -> None:  # noqa: A002 - the name of http.server
        """Log nothing."""


@pytest.fixture
def server(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[ApiServer]:
    """An API server over TLS. The folder `account` is the service account of a pod."""
    state = ApiServer()
    files = TestAuthority(tmp_path / "server").files("api")
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(files.certificate, files.key)
    handler = type("HandlerOfTest", (Handler,), {"server_state": state})
    with ThreadingHTTPServer(("127.0.0.1", 0), handler) as listener:
        listener.socket = context.wrap_socket(listener.socket, server_side=True)
        thread = threading.Thread(target=listener.serve_forever, args=(0.01,))
        thread.start()
        account = tmp_path / "account"
        account.mkdir()
        (account / "token").write_text(f"{TOKEN}\n")
        (account / "namespace").write_text("mosafe")
        (account / "ca.crt").write_text(files.authorities.read_text())
        monkeypatch.setenv("KUBERNETES_SERVICE_HOST", "127.0.0.1")
        monkeypatch.setenv("KUBERNETES_SERVICE_PORT_HTTPS", str(listener.server_port))
        yield state
        listener.shutdown()
        thread.join()


@pytest.fixture
def api(server: ApiServer, tmp_path: Path) -> SecretsApi:
    assert server.version == 0
    return SecretsApi.of_pod(tmp_path / "account")


def secret_names() -> list[str]:
    return [*(f"{process}-tls" for process in load_topology().processes), "authority-tls"]


def certificate(server: ApiServer, name: str = "auth-tls") -> x509.Certificate:
    return x509.load_pem_x509_certificate(server.data(name)["tls.crt"].encode())


def authorities(server: ApiServer, name: str = "auth-tls") -> list[x509.Certificate]:
    return x509.load_pem_x509_certificates(server.data(name)["ca.crt"].encode())


def later(days: float) -> Callable[[], datetime]:
    """A clock that is so many days ahead."""
    return lambda: now() + timedelta(days=days)


def assert_consistent(server: ApiServer, folder: Path, clock: Callable[[], datetime] = now) -> None:
    """Every certificate comes from an authority that every process trusts, and belongs to its key and its process."""
    trusted = {name: {each.subject for each in authorities(server, name)} for name in secret_names()[:-1]}
    for process in load_topology().processes:
        name = f"{process}-tls"
        assert all(certificate(server, name).issuer in each for each in trusted.values()), name
        paths = [folder / f"{process}-{key}" for key in ("tls.crt", "tls.key", "ca.crt")]
        for path in paths:
            path.write_text(server.data(name)[path.name.removeprefix(f"{process}-")])
            path.chmod(0o600)
        assert check_files(TlsFiles(*paths), now=clock()) is not None


def test_the_first_run_makes_a_secret_for_each_process(server: ApiServer, api: SecretsApi, tmp_path: Path) -> None:
    assert list(keep_in_secrets(api)) == secret_names()
    assert_consistent(server, tmp_path)
    assert {server.secrets[name]["type"] for name in secret_names()[:-1]} == {"kubernetes.io/tls"}
    assert set(server.data("authority-tls")) == {"current.crt", "current.key"}
    assert all("authority" not in name or "PRIVATE" not in str(server.data(name)) for name in secret_names()[:-1])


def test_a_run_without_anything_due_writes_nothing(server: ApiServer, api: SecretsApi) -> None:
    keep_in_secrets(api)
    before = server.version
    assert keep_in_secrets(api) == ()
    assert server.version == before


def test_a_deleted_secret_is_made_again_by_the_same_authority(server: ApiServer, api: SecretsApi) -> None:
    keep_in_secrets(api)
    authority = authorities(server)
    del server.secrets["rest-tls"]
    assert keep_in_secrets(api) == ("rest-tls",)
    assert authorities(server, "rest-tls") == authority


def test_certificates_are_renewed_when_they_are_due(server: ApiServer, api: SecretsApi) -> None:
    keep_in_secrets(api)
    old = certificate(server)
    assert list(keep_in_secrets(api, clock=later(CERTIFICATE_LIFETIME.days * 0.7))) == secret_names()[:-1]
    assert certificate(server).serial_number != old.serial_number
    assert certificate(server).issuer == old.issuer


def test_the_authority_is_replaced_in_three_runs(server: ApiServer, api: SecretsApi, tmp_path: Path) -> None:
    keep_in_secrets(api)
    (old,) = authorities(server)
    clock = later(AUTHORITY_LIFETIME.days * 0.7)
    trusted = []
    for _ in range(3):
        keep_in_secrets(api, clock=clock)
        assert_consistent(server, tmp_path, clock)
        trusted.append(len(authorities(server)))
    assert trusted == [2, 2, 1]
    assert authorities(server) != [old]


@pytest.mark.parametrize("writes", range(8))
def test_a_run_that_was_stopped_is_repeated(server: ApiServer, api: SecretsApi, tmp_path: Path, writes: int) -> None:
    server.writes_left = writes
    with pytest.raises(StartupError, match="stopped"):
        keep_in_secrets(api)
    server.writes_left = 100
    keep_in_secrets(api)
    assert_consistent(server, tmp_path)
    assert keep_in_secrets(api) == ()


@pytest.mark.parametrize("step", [0, 1, 2])
def test_a_replacement_of_the_authority_that_was_stopped_is_repeated(
    server: ApiServer, api: SecretsApi, tmp_path: Path, step: int
) -> None:
    keep_in_secrets(api)
    keep_in_secrets(api, clock=later(AUTHORITY_LIFETIME.days * 0.66))
    clock = later(AUTHORITY_LIFETIME.days * 0.67)
    for _ in range(step):
        keep_in_secrets(api, clock=clock)
    server.writes_left = 3
    with pytest.raises(StartupError, match="stopped"):
        keep_in_secrets(api, clock=clock)
    assert_consistent(server, tmp_path, clock)
    server.writes_left = 100
    for _ in range(3):
        keep_in_secrets(api, clock=clock)
        assert_consistent(server, tmp_path, clock)
    assert len(authorities(server)) == 1


def test_a_secret_that_somebody_else_changed_is_not_overwritten(server: ApiServer, api: SecretsApi) -> None:
    keep_in_secrets(api)
    before = server.version
    read = api.read("auth-tls")
    assert read is not None
    api.write(read)
    with pytest.raises(StartupError, match="409 the object has been modified"):
        api.write(read)
    assert server.version == before + 1


def test_the_command_runs_as_a_pod(server: ApiServer, tmp_path: Path) -> None:
    options = ["keep-secrets", "--prefix", "bank-", "--dns", "bank.example", "--account", str(tmp_path / "account")]
    done = CliRunner().invoke(command, options, catch_exceptions=False)
    assert done.output == f"wrote the Secrets {', '.join(f'bank-{name}' for name in secret_names())}\n"
    names = certificate(server, "bank-auth-tls").extensions.get_extension_for_class(x509.SubjectAlternativeName)
    assert {"auth-service", "bank.example"} <= set(names.value.get_values_for_type(x509.DNSName))
    assert "nothing to do" in CliRunner().invoke(command, options, catch_exceptions=False).output


def test_what_the_api_server_refuses_is_said(server: ApiServer, tmp_path: Path) -> None:
    (tmp_path / "account" / "token").write_text("another")
    with pytest.raises(StartupError, match=r"refuses GET .*/secrets/traefik-tls: 401 Unauthorized"):
        keep_in_secrets(SecretsApi.of_pod(tmp_path / "account"))
    assert server.secrets == {}


def test_a_server_with_another_certificate_gets_no_token(server: ApiServer, tmp_path: Path) -> None:
    stranger = TestAuthority(tmp_path / "other").files("api")
    (tmp_path / "account" / "ca.crt").write_text(stranger.authorities.read_text())
    with pytest.raises(StartupError, match="cannot reach the API server"):
        keep_in_secrets(SecretsApi.of_pod(tmp_path / "account"))
    assert server.secrets == {}


def test_outside_a_pod_the_command_says_so(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    with pytest.raises(StartupError, match="not a pod with a service account"):
        SecretsApi.of_pod(tmp_path)
    monkeypatch.delenv("KUBERNETES_SERVICE_HOST", raising=False)
    (tmp_path / "namespace").write_text("mosafe")
    with pytest.raises(StartupError, match="KUBERNETES_SERVICE_HOST is not set"):
        SecretsApi.of_pod(tmp_path)
