"""`router serve` with mutual TLS: who may call it, its port for probes, and mistakes in its settings."""

from __future__ import annotations

import ssl
from typing import TYPE_CHECKING

import httpx
import pytest

from servicekit.tls.contexts import client_context
from servicekit.tls.process_files import VARIABLES
from tests.certificates import TestAuthority
from tests.router.cli.test_cli import SECONDS, outcome, router, serving
from tests.router.shop import SDL

if TYPE_CHECKING:
    from pathlib import Path

    from servicekit.tls.files import TlsFiles

TYPENAME = {"query": "{ __typename }"}
CALLERS = "callers: [{path: /, identities: [spiffe://test/ann]}, {path: /health, identities: [spiffe://test/bob]}]"


@pytest.fixture
def authority(tmp_path: Path) -> TestAuthority:
    (tmp_path / "supergraph.graphql").write_text(SDL)
    return TestAuthority(tmp_path / "certs")


def variables(files: TlsFiles) -> dict[str, str]:
    return {name: str(path) for name, path in zip(VARIABLES.values(), files, strict=True)}


@pytest.mark.parametrize("workers", ["1", "2"])
def test_the_router_serves_the_callers_of_its_settings(authority: TestAuthority, tmp_path: Path, workers: str) -> None:
    tls = f"tls: {{identity: spiffe://test/router, health_port: 0, {CALLERS}}}"
    (tmp_path / "router.yaml").write_text(f"server: {{port: 0}}\n{tls}\n")
    options = ("--config", "router.yaml", "--workers", workers)
    with serving(tmp_path, *options, **variables(authority.files("router"))) as running:
        main, probes = running.events("listening", "listening for probes")
        url = f"https://127.0.0.1:{main['port']}"
        for name, path, expected in (
            ("ann", "/graphql", 200),
            ("bob", "/graphql", 403),
            ("ann", "/health/live", 403),
            ("bob", "/health/live", 200),
        ):
            context = client_context(authority.files(name), server_identity="spiffe://test/router")
            with httpx.Client(verify=context, timeout=30) as client:
                response = client.post(url + path, json=TYPENAME) if path == "/graphql" else client.get(url + path)
                assert response.status_code == expected
                if expected == 403:
                    assert response.json()["errors"][0]["extensions"] == {"code": "FORBIDDEN"}
        without = ssl.create_default_context(cafile=authority.files("ann").authorities)
        with pytest.raises(httpx.TransportError):
            httpx.post(url + "/graphql", json=TYPENAME, verify=without, timeout=30)
        plain = f"http://127.0.0.1:{probes['port']}"
        assert httpx.get(f"{plain}/health/ready", timeout=30).json()["status"] == "ready"
        assert httpx.post(f"{plain}/graphql", json=TYPENAME, timeout=30).status_code == 404
        running.process.terminate()
        assert running.process.wait(SECONDS) == 0


def test_without_mutual_tls_the_port_for_probes_is_open_only_on_demand(
    authority: TestAuthority, tmp_path: Path
) -> None:
    del authority  # it has written the supergraph
    (tmp_path / "router.yaml").write_text(f"server: {{port: 0}}\ntls: {{health_port: 0, {CALLERS}}}\n")
    with serving(tmp_path, MOSAFE_HEALTH_PORT="0") as running:
        main, probes = running.events("listening", "listening for probes")
        assert httpx.get(f"http://127.0.0.1:{probes['port']}/health/live", timeout=30).status_code == 200
        assert httpx.post(f"http://127.0.0.1:{main['port']}/graphql", json=TYPENAME, timeout=30).status_code == 200


@pytest.mark.parametrize(
    ("settings", "message"),
    [
        ("", "MOSAFE_TLS_CERT_FILE: mutual TLS is on, but tls.callers in router.yaml is empty"),
        (f"tls: {{identity: spiffe://test/ann, {CALLERS}}}", "is for spiffe://test/router, but this process is"),
    ],
)
@pytest.mark.parametrize("workers", ["1", "2"])
def test_a_router_that_nobody_could_call_does_not_start(
    authority: TestAuthority, tmp_path: Path, settings: str, message: str, workers: str
) -> None:
    (tmp_path / "router.yaml").write_text(f"server: {{port: 0}}\n{settings}\n")
    options = ("serve", "--supergraph", "supergraph.graphql", "--workers", workers)
    code, _, errors = outcome(router(tmp_path, *options, **variables(authority.files("router"))))
    assert code == 2
    assert message in errors
    assert "Traceback" not in errors
