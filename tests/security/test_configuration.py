"""Attacks through the configuration: guessable secrets, files that others read, names that are silently ignored.

Fails on the code of before: `ROUTER_INTROSPECTON=false` left introspection on, a loose key file was used, the data
directory was open to others when the account service came first, and an example secret started everywhere.
"""

from __future__ import annotations

import os
import stat
import subprocess
import sys
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from bank.service_credential import ServiceCredential
from bank.store_records import StoreRecords, StoreState
from router.settings import InvalidSettings, load
from servicekit.errors import ConfigurationError, StartupError
from servicekit.settings import environment
from servicekit.settings import load as load_process
from subgraphs.account.settings import AccountSettings
from subgraphs.account.store.sqlite import SqliteAccountStore
from subgraphs.auth.settings import AuthSettings

if TYPE_CHECKING:
    from collections.abc import Callable

ROOT = Path(__file__).parents[2]
SERVICE_LINKS = {
    "ROUTER_SERVICE_HOST": "10.0.0.1",
    "ROUTER_PORT": "tcp://10.0.0.1:4000",
    "ROUTER_PORT_4000_TCP": "tcp://10.0.0.1:4000",
    "ROUTER_PORT_4000_TCP_PROTO": "tcp",
    "AUTH_PORT": "tcp://10.0.0.2:3001",
    "AUTH_PORT_3001_TCP_ADDR": "10.0.0.2",
    "AUTH_SERVICE_PORT_HTTP": "3001",
    "MOSAFE_ROUTER_SERVICE_HOST": "10.0.0.1",
    "MOSAFE_ROUTER_PORT": "tcp://10.0.0.1:4000",
}


@pytest.mark.parametrize(
    ("name", "meant"),
    [
        ("ROUTER_INTROSPECTON", "ROUTER_INTROSPECTION"),
        ("AUTH_JWT_SECERT", "AUTH_JWT_SECRET"),
        ("MOSAFE_ENVV", "MOSAFE_ENV"),
    ],
)
def test_a_misspelt_variable_stops_every_service(name: str, meant: str) -> None:
    with pytest.raises(ConfigurationError, match=f"^{name}: unknown variable; did you mean {meant}"):
        load_process(AuthSettings, {name: "false"})


def test_a_misspelt_variable_of_the_router_stops_it() -> None:
    with pytest.raises(InvalidSettings, match="ROUTER_INTROSPECTON is unknown; did you mean ROUTER_INTROSPECTION"):
        load(ROOT / "router.yaml", {"ROUTER_INTROSPECTON": "false"})


def test_variables_of_kubernetes_and_other_programs_are_ignored(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    for name in [name for name in os.environ if name.startswith(("MOSAFE_", "ROUTER_", "AUTH_"))]:
        monkeypatch.delenv(name)
    for name, value in {**SERVICE_LINKS, "ROUTER_HOST": "x", "AUTH_TOKEN": "x"}.items():
        monkeypatch.setenv(name, value)
    environ = environment(tmp_path)
    assert load_process(AuthSettings, environ).port == 3001
    assert load(ROOT / "router.yaml", environ).server.port == 4000


@pytest.mark.parametrize("secret", ["s" * 32, "change-me-change-me-change-me-now", "0123456789abcdef" * 2])
def test_a_secret_of_documentation_starts_nothing_in_production(secret: str) -> None:
    for name in ("AUTH_JWT_SECRET", "MOSAFE_SERVICE_SECRET"):
        with pytest.raises(ConfigurationError, match=f"^{name}: ") as caught:
            load_process(AuthSettings, {name: secret, "MOSAFE_ENV": "production"})
        assert secret not in str(caught.value)
        assert "\n" not in str(caught.value)


def test_a_token_of_documentation_does_not_open_the_admin_port(tmp_path: Path) -> None:
    (tmp_path / "router.yaml").write_text("admin: {enabled: true, token: changeme-changeme}")
    with pytest.raises(InvalidSettings, match=r"router\.yaml:1: admin\.token: this secret"):
        load(tmp_path / "router.yaml", {})
    assert load(tmp_path / "router.yaml", {"MOSAFE_ENV": "development"}).admin.token is not None


@pytest.mark.parametrize("place", ["all: ", "subgraphs: {account: "])
def test_a_secret_of_documentation_signs_no_request(tmp_path: Path, place: str) -> None:
    text = f"signatures: {{{place}{{key: {{secret: {'s' * 32}}}}}{'}' if 'account' in place else ''}}}"
    (tmp_path / "router.yaml").write_text(text)
    with pytest.raises(InvalidSettings, match=r"router\.yaml:1: signatures\.[a-z.]+\.key\.secret: this secret"):
        load(tmp_path / "router.yaml", {})
    assert load(tmp_path / "router.yaml", {"MOSAFE_ENV": "development"}).signatures.of("account").key.is_given


async def _account_store(data: Path) -> None:
    store = await SqliteAccountStore.open_file(data / "account.sqlite3")
    await store.close()


async def _service_key(data: Path) -> None:
    ServiceCredential.load(load_process(AccountSettings, {"MOSAFE_DATA_DIR": str(data)}))


async def _jwt_key(data: Path) -> None:
    load_process(AuthSettings, {"MOSAFE_DATA_DIR": str(data)}).key_encryption_secret()


async def _store_records(data: Path) -> None:
    StoreRecords(data).join("account", StoreState("0" * 24, 1), {}, {})


@pytest.mark.parametrize("first", [_account_store, _service_key, _jwt_key, _store_records])
async def test_the_data_folder_is_private_whoever_comes_first(tmp_path: Path, first: Callable[[Path], object]) -> None:
    before = os.umask(0o000)
    try:
        result = first(tmp_path / "data" / "below")
        assert hasattr(result, "__await__")
        await result
    finally:
        os.umask(before)
    for path in (tmp_path / "data").rglob("*"):
        assert not stat.S_IMODE(path.stat().st_mode) & 0o077, path
    assert stat.S_IMODE((tmp_path / "data").stat().st_mode) == 0o700


def test_a_loose_key_file_stops_the_start(tmp_path: Path) -> None:
    settings = load_process(AuthSettings, {"MOSAFE_DATA_DIR": str(tmp_path)})
    settings.key_encryption_secret()
    key = tmp_path / "secrets" / "jwt.key"
    key.chmod(0o644)
    with pytest.raises(StartupError, match=f"chmod 600 {key}$"):
        settings.key_encryption_secret()


def test_a_loose_file_of_a_variable_stops_the_start(tmp_path: Path) -> None:
    path = tmp_path / "secret"
    path.write_text("ab3" * 20)
    path.chmod(0o640)
    with pytest.raises(ConfigurationError, match=f"^AUTH_JWT_SECRET_FILE: .*chmod 600 {path}$"):
        load_process(AuthSettings, {"AUTH_JWT_SECRET_FILE": str(path)})


def test_a_process_of_the_platform_does_not_read_the_secrets_of_others_from_the_file(tmp_path: Path) -> None:
    (tmp_path / ".env").write_text("AUTH_JWT_SECRET=example-secret-of-auth-and-of-nobody-else\n")
    program = "from servicekit.settings import environment; print(sorted(environment()))"
    for pipe, expected in (("", True), ("7", False)):
        environ = {
            "PATH": os.environ["PATH"],
            "PYTHONPATH": str(ROOT),
            **({"MOSAFE_PARENT_PIPE": pipe} if pipe else {}),
        }
        command = [sys.executable, "-c", program]
        found = subprocess.run(command, cwd=tmp_path, env=environ, capture_output=True, text=True, check=True).stdout
        assert ("AUTH_JWT_SECRET" in found) is expected
