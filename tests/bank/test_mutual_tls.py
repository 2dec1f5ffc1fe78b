"""How a process serves and calls others with mutual TLS, from its settings and the topology."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from bank.mutual_tls import client_tls, probe_endpoint, server_tls
from mosafe.certificates.folder import CertificateFolder
from servicekit.errors import ConfigurationError
from servicekit.settings import ProcessSettings, load
from servicekit.tls.process_files import VARIABLES

if TYPE_CHECKING:
    from pathlib import Path


@pytest.fixture
def folder(tmp_path: Path) -> CertificateFolder:
    folder = CertificateFolder(tmp_path)
    folder.init()
    folder.issue("account")
    return folder


def settings_of(folder: CertificateFolder, process: str, **variables: str) -> ProcessSettings:
    files = dict(zip(VARIABLES.values(), map(str, folder.files(process)), strict=True))
    return load(ProcessSettings, {**files, **variables})


def test_without_the_variables_everything_stays_as_it_was() -> None:
    settings = load(ProcessSettings, {})
    assert server_tls("account", settings) is None
    assert probe_endpoint("account", settings) is None
    assert client_tls(settings, "auth", "http://auth:3001", "AUTH_URL") is None


def test_the_rules_are_those_of_the_topology(folder: CertificateFolder) -> None:
    served = server_tls("account", settings_of(folder, "account"))
    assert served is not None
    assert served.rules.allows("spiffe://mosafe/transaction", "/internal/postings")
    assert not served.rules.allows("spiffe://mosafe/router", "/internal/postings")


def test_a_process_needs_its_own_certificate(folder: CertificateFolder) -> None:
    with pytest.raises(ConfigurationError, match=r"is for spiffe://mosafe/account, but this process is .*/auth$"):
        server_tls("auth", settings_of(folder, "account"))


@pytest.mark.parametrize(
    ("variables", "host", "port"),
    [({}, "127.0.0.1", 3012), ({"MOSAFE_HEALTH_PORT": "9", "MOSAFE_HEALTH_HOST": "0.0.0.0"}, "0.0.0.0", 9)],
)
def test_the_port_for_probes(folder: CertificateFolder, variables: dict[str, str], host: str, port: int) -> None:
    endpoint = probe_endpoint("account", settings_of(folder, "account", **variables))
    assert endpoint is not None
    assert (endpoint.host, endpoint.port, endpoint.variable) == (host, port, "MOSAFE_HEALTH_PORT")


def test_a_port_for_probes_without_mutual_tls() -> None:
    endpoint = probe_endpoint("account", load(ProcessSettings, {"MOSAFE_HEALTH_PORT": "9"}))
    assert endpoint is not None
    assert endpoint.port == 9


def test_a_url_without_tls_is_refused(folder: CertificateFolder) -> None:
    settings = settings_of(folder, "account")
    assert client_tls(settings, "auth", "https://auth:3001", "AUTH_JWKS_URL") is not None
    with pytest.raises(ConfigurationError, match=r"^AUTH_JWKS_URL: not an https URL"):
        client_tls(settings, "auth", "http://auth:3001", "AUTH_JWKS_URL")
