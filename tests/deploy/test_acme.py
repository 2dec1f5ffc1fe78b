"""Traefik asks a public authority for a certificate by HTTP-01, and keeps it. Run by `make test-deploy`."""

from __future__ import annotations

import asyncio
import json
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
from click.testing import CliRunner
from cryptography import x509

from mosafe.certificates.commands import command
from mosafe.certificates.folder import CertificateFolder
from tests.tools.deploy_tools import COMPOSE, require_deploy_tools, run_tool
from tests.tools.name_server import name_server
from tests.tools.pebble_server import Pebble
from tests.tools.traefik_server import Traefik, without_verification

if TYPE_CHECKING:
    import ssl

ROOT = Path(__file__).parents[2]
HOST = "bank.example"
ISSUE_SECONDS = 120
pytestmark = pytest.mark.timeout(300)


async def served(traefik: Traefik) -> x509.Certificate:
    """The certificate that a client of the public name gets."""
    _, writer = await asyncio.open_connection(
        "127.0.0.1", traefik.port, ssl=without_verification(), server_hostname=HOST
    )
    connection: ssl.SSLObject = writer.get_extra_info("ssl_object")
    found = connection.getpeercert(binary_form=True)
    writer.close()
    await writer.wait_closed()
    assert found is not None
    return x509.load_der_x509_certificate(found)


def names_of(certificate: x509.Certificate) -> list[str]:
    names = certificate.extensions.get_extension_for_class(x509.SubjectAlternativeName).value
    return names.get_values_for_type(x509.DNSName)


def keep_certificates(folder: Path) -> CertificateFolder:
    """Run the command of the service `certificates`, as Docker Compose gives it, on `folder`. Return that folder."""
    resolved = json.loads(run_tool(COMPOSE, "-f", ROOT / "docker-compose.infra.yml", "config", "--format", "json"))
    options = [
        f"--dir={folder}" if option.startswith("--dir=") else option
        for option in resolved["services"]["certificates"]["command"]
        if not option.startswith(("--owner=", "--touch="))
    ]
    assert options[:2] == ["certs", "keep"]
    result = CliRunner().invoke(command, [*options[1:], "--once"], catch_exceptions=False)
    assert result.exit_code == 0, result.output
    return CertificateFolder(folder)


async def test_a_public_authority_issues_the_certificate_once(
    request: pytest.FixtureRequest, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    require_deploy_tools(request)
    # Pebble would wait before it asks, and refuse some requests, so that clients are tested.
    monkeypatch.setenv("PEBBLE_VA_NOSLEEP", "1")
    # An installation without a public certificate gets one later, by the two variables of docker-compose.infra.yml.
    monkeypatch.setenv("TRAEFIK_HOST", HOST)
    monkeypatch.setenv("TRAEFIK_CERT_RESOLVER", "")
    own = await asyncio.to_thread(keep_certificates, tmp_path / "certs")
    monkeypatch.setenv("TRAEFIK_CERT_RESOLVER", "acme")
    folder = await asyncio.to_thread(keep_certificates, own.path)
    traefik = Traefik(tmp_path / "traefik", {}, folder.path / "traefik")
    async with name_server() as names:
        with Pebble(tmp_path / "pebble", folder.files("operator"), traefik.http_port, names) as pebble:
            traefik.acme = (pebble.directory_url, folder.path / "ca.pem")
            with traefik:
                async with asyncio.timeout(ISSUE_SECONDS):
                    while "Pebble" not in (first := await served(traefik)).issuer.rfc4514_string():
                        await asyncio.sleep(0.2)
    assert names_of(first) == [HOST]
    # Without the authority: the certificate is in the volume.
    assert (traefik.folder / "acme.json").stat().st_mode & 0o077 == 0
    with traefik:
        async with asyncio.timeout(ISSUE_SECONDS):
            while (await served(traefik)).serial_number != first.serial_number:
                await asyncio.sleep(0.2)
