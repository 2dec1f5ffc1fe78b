"""The table of processes: ports, addresses, and errors about ports that are taken."""

from __future__ import annotations

import re
import socket
from contextlib import closing

import pytest

from bank.variables import VARIABLES
from mosafe.demo import DemoPerson
from mosafe.processes import PROCESSES, addresses, port_of
from mosafe.up import banner, refuse_taken_ports
from servicekit.errors import ConfigurationError, StartupError
from subgraphs.auth.domain import Role
from tests.e2e.platform import PORT_VARIABLES
from tests.ports import free_ports


def free_environment() -> dict[str, str]:
    ports = free_ports(len(PORT_VARIABLES))
    return {name: str(port) for name, port in zip(PORT_VARIABLES, ports, strict=True)}


def test_every_variable_of_the_table_is_documented() -> None:
    used = {process.port_variable for process in PROCESSES}
    used |= {variable for process in PROCESSES for variable, _ in process.found_by}
    assert used <= VARIABLES.names


def test_processes_find_each_other_at_the_ports_they_were_given() -> None:
    environ = {"AUTH_PORT": "41", "ACCOUNT_PORT": "42", "TRANSACTION_PORT": "43", "ROUTER_PORT": "44"}
    assert addresses(environ) == {
        "AUTH_URL": "http://127.0.0.1:41/graphql",
        "AUTH_ISSUER": "http://127.0.0.1:41",
        "AUTH_JWKS_URL": "http://127.0.0.1:41/.well-known/jwks.json",
        "AUTH_API_KEYS_URL": "http://127.0.0.1:41/api-keys/token",
        "ACCOUNT_URL": "http://127.0.0.1:42/graphql",
        "ACCOUNT_INTERNAL_URL": "http://127.0.0.1:42",
        "TRANSACTION_URL": "http://127.0.0.1:43/graphql",
        "ROUTER_URL": "http://127.0.0.1:44/graphql",
        "AUTH_WEBAUTHN_ORIGINS": "http://localhost:41,http://localhost:44,http://localhost:8000",
        "ROUTER_PUBLIC_URL": "http://127.0.0.1:44/graphql",
        "REST_PUBLIC_URL": "http://127.0.0.1:8000",
    }


@pytest.mark.parametrize(
    "environ",
    [
        {"AUTH_WEBAUTHN_ORIGINS": "http://localhost:9"},
        {"AUTH_PUBLIC_URL": "https://bank.example"},
        {"AUTH_ISSUER": "https://bank.example"},
        {"MOSAFE_HOST": "10.0.0.7"},
    ],
)
def test_pages_of_passkeys_follow_the_ports_on_one_machine_only(environ: dict[str, str]) -> None:
    assert "AUTH_WEBAUTHN_ORIGINS" not in addresses(environ)


def test_an_address_that_the_user_set_is_kept() -> None:
    assert "ROUTER_URL" not in addresses({"ROUTER_URL": "http://elsewhere/graphql"})


@pytest.mark.parametrize(
    ("host", "expected"), [("0.0.0.0", "127.0.0.1"), ("::", "[::1]"), ("::1", "[::1]"), ("10.0.0.7", "10.0.0.7")]
)
def test_addresses_follow_the_host_they_listen_on(host: str, expected: str) -> None:
    assert addresses({"MOSAFE_HOST": host})["ROUTER_URL"] == f"http://{expected}:4000/graphql"


@pytest.mark.parametrize("text", ["0", "65536", "-1", "http", "٣", "80 "])
def test_a_malformed_port_names_its_variable(text: str) -> None:
    with pytest.raises(ConfigurationError, match=r"^AUTH_PORT: "):
        port_of(PROCESSES[0], {"AUTH_PORT": text})


def test_free_ports_are_accepted() -> None:
    refuse_taken_ports(free_environment())


def test_a_taken_port_names_port_holder_and_variable(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("MAKELEVEL", raising=False)
    environ = free_environment()
    listener = socket.create_server(("127.0.0.1", int(environ["ROUTER_PORT"])))
    with closing(listener), pytest.raises(StartupError) as caught:
        refuse_taken_ports(environ)
    message = str(caught.value)
    assert f"port {environ['ROUTER_PORT']} (router) is taken by" in message
    assert "(process " in message
    assert "ROUTER_PORT=" in message
    assert message.endswith(" mosafe up")


def test_a_taken_port_repeats_the_command_that_the_user_typed(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("MAKELEVEL", "1")
    environ = free_environment()
    listener = socket.create_server(("127.0.0.1", int(environ["ROUTER_PORT"])))
    with closing(listener), pytest.raises(StartupError, match=r"ROUTER_PORT=\d+ make run$"):
        refuse_taken_ports(environ)


def test_a_port_shared_by_two_processes_names_both_variables() -> None:
    environ = free_environment()
    environ["REST_PORT"] = environ["AUTH_PORT"]
    with pytest.raises(StartupError, match="AUTH_PORT and by REST_PORT"):
        refuse_taken_ports(environ)


def test_the_banner_shows_every_address() -> None:
    text = banner(free_environment())
    assert all(f" {process.name} " in text for process in PROCESSES)


def test_the_banner_names_the_pages_for_browsers_where_they_are_served() -> None:
    environ = free_environment()
    bank = f"http://127.0.0.1:{environ['REST_PORT']}/ "
    assert bank in banner({**environ, "MOSAFE_ENV": "development"})
    assert bank not in banner({**environ, "MOSAFE_ENV": "production"})


def test_the_banner_of_the_demo_shows_how_to_log_in() -> None:
    people = [DemoPerson("Ada", "ada@demo.example", "s3cret-word", (Role.CUSTOMER,))]
    text = banner(free_environment(), people)
    assert "ada@demo.example" in text.partition("A first token")[0]
    assert "/api/auth/login" in text
    assert '{"email": "ada@demo.example", "password": "s3cret-word"}' in text


def test_the_first_command_works_at_each_start() -> None:
    """An e-mail address can be registered once, so each banner shows another one."""
    addresses = {re.findall(r'"email": "([^"]+)"', banner(free_environment()))[0] for _ in range(5)}
    assert len(addresses) > 1
