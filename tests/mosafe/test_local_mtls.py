"""The certificates of `mosafe up --mtls`: made at the start, renewed in time, and valid for the address in use."""

from __future__ import annotations

import asyncio
from datetime import timedelta
from typing import TYPE_CHECKING

import pytest
import structlog

from bank.topology import load_topology
from mosafe.certificates.folder import CertificateFolder
from mosafe.certificates.issuing import now, subject_of
from mosafe.infrastructure import Infrastructure
from mosafe.local_mtls import LocalMtls, refuse_variables_of_one_process
from mosafe.processes import PROCESSES, SANDBOX_PROVIDER, addresses
from mosafe.up import Extras, banner
from servicekit.errors import StartupError
from servicekit.tls.files import check_files
from servicekit.tls.process_files import VARIABLES

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

AUTH = PROCESSES[0]


def prepared(tmp_path: Path, **environ: str) -> LocalMtls:
    return LocalMtls.prepare({"MOSAFE_DATA_DIR": str(tmp_path), **environ}, PROCESSES)


def issue_due(local: LocalMtls, name: str) -> None:
    """Replace a certificate by one of which six of seven days are over."""
    CertificateFolder(local.folder.path, clock=lambda: now() - timedelta(days=6)).issue(name)


def test_every_process_gets_its_own_files_and_port(tmp_path: Path) -> None:
    local = prepared(tmp_path)
    for process in PROCESSES:
        variables, place = local.variables(process), load_topology().process(process.name)
        assert variables["MOSAFE_TLS_CERT_FILE"] == str(tmp_path / "certs" / process.name / "cert.pem")
        assert variables["MOSAFE_HEALTH_PORT"] == str(place.health_port)
        assert local.ready_url(process) == f"http://127.0.0.1:{place.health_port}/health/ready"
        assert check_files(local.folder.files(process.name)).identity == f"spiffe://mosafe/{process.name}"
    assert {entry.name for entry in local.folder.certificates()} == set(load_topology().processes)


def test_another_start_keeps_the_certificates_and_renews_those_that_are_due(tmp_path: Path) -> None:
    local = prepared(tmp_path)
    issue_due(local, "rest")
    folder = local.folder
    before = {entry.name: entry.certificate.serial_number for entry in folder.certificates()}
    after = {entry.name: entry.certificate.serial_number for entry in prepared(tmp_path).folder.certificates()}
    assert {name for name in before if before[name] != after[name]} == {"rest"}


@pytest.mark.parametrize(("host", "expected"), [("192.0.2.7", "192.0.2.7"), ("bank.example", "bank.example")])
def test_the_certificates_have_the_address_of_the_platform(tmp_path: Path, host: str, expected: str) -> None:
    prepared(tmp_path)
    subjects = [subject_of(each.certificate) for each in prepared(tmp_path, MOSAFE_HOST=host).folder.certificates()]
    assert all(expected in (*subject.dns_names, *subject.addresses) for subject in subjects)


def test_a_process_on_another_port_has_any_free_port_for_probes(tmp_path: Path) -> None:
    assert prepared(tmp_path, AUTH_PORT="4711").health_ports["auth"] not in {3011, 4711}


def test_addresses_are_https(tmp_path: Path) -> None:
    found = addresses({}, tls=True)
    assert all(page.startswith("https://localhost:") for page in found.pop("AUTH_WEBAUTHN_ORIGINS").split(","))
    assert all(url.startswith("https://127.0.0.1:") for url in found.values())
    text = banner({"MOSAFE_ENV": "development"}, (), Extras(Infrastructure(), None, PROCESSES, prepared(tmp_path)))
    assert f"curl -s --cacert {tmp_path}/certs/ca.pem --cert {tmp_path}/certs/operator/cert.pem" in text
    assert "http://" not in text


@pytest.mark.parametrize("name", [*VARIABLES.values(), "MOSAFE_HEALTH_PORT"])
def test_a_variable_of_one_process_is_refused(name: str) -> None:
    with pytest.raises(StartupError, match=f"^{name}: each process needs its own"):
        refuse_variables_of_one_process({name: "x"})


def test_the_sandbox_provider_is_outside_and_calls_with_the_certificate_of_the_gateway(tmp_path: Path) -> None:
    environ = {"MOSAFE_DATA_DIR": str(tmp_path)}
    local = LocalMtls.prepare(environ, (SANDBOX_PROVIDER, *PROCESSES))
    assert local.variables(SANDBOX_PROVIDER).keys() == set(VARIABLES.values())
    assert local.variables(SANDBOX_PROVIDER)["MOSAFE_TLS_CERT_FILE"] == str(tmp_path / "certs/traefik/cert.pem")
    found = addresses(environ, (SANDBOX_PROVIDER, *PROCESSES), tls=True)
    assert found["PAYMENT_PROVIDER_URL"] == "http://127.0.0.1:3100"
    assert load_topology().may_call("traefik", "transaction", "/webhooks/payments")


async def test_certificates_are_renewed_while_the_platform_runs(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    local = prepared(tmp_path)
    issue_due(local, "auth")
    monkeypatch.setattr("mosafe.local_mtls._RENEWAL_SECONDS", 0)
    with structlog.testing.capture_logs() as logs:
        await _until(local, lambda: bool(logs))
    assert logs[0] == {"event": "certificates renewed", "processes": ["auth"], "log_level": "info"}
    assert CertificateFolder(tmp_path / "certs").renew_due() == ()
    issue_due(local, "auth")
    (tmp_path / "certs" / "authorities" / "current.key").unlink()
    with structlog.testing.capture_logs() as logs:
        await _until(local, lambda: len(logs) > 1)  # a failure does not end the renewal
    assert {line["event"] for line in logs} == {"certificates cannot be renewed"}


async def _until(local: LocalMtls, is_done: Callable[[], bool]) -> None:
    task = asyncio.create_task(local.keep_renewing())
    async with asyncio.timeout(30):
        while not is_done():
            await asyncio.sleep(0)
    task.cancel()
    await asyncio.gather(task, return_exceptions=True)
