"""The processes of the platform, who may call whom, and the places in the code that say the same."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from bank.platform_files import ROUTER_CONFIG, SUPERGRAPH, platform_file
from bank.service_credential import CALLERS
from bank.topology import TOPOLOGY_FILE, InvalidTopology, load_topology, read_topology
from bank.variables import VARIABLES
from mosafe.processes import PROCESSES
from rest_compat.settings import RestSettings
from router.settings.load import load
from servicekit.errors import StartupError
from subgraphs.account.settings import AccountSettings
from subgraphs.auth.settings import AuthSettings
from subgraphs.transaction.settings import TransactionSettings

if TYPE_CHECKING:
    from pathlib import Path

    from servicekit.settings import ProcessSettings

SETTINGS: dict[str, type[ProcessSettings]] = {
    "auth": AuthSettings,
    "account": AccountSettings,
    "transaction": TransactionSettings,
    "rest": RestSettings,
}
VALID = """
trust_domain: bank
processes:
  caller: {}
  server:
    port: 1
    health_port: 2
    apis:
      all: {paths: [/], callers: []}
      internal: {paths: [/internal], callers: [caller]}
"""


def test_who_may_call_whom() -> None:
    services = {("router", name) for name in ("auth", "account", "transaction")}
    gateway = {("traefik", name) for name in ("router", "rest", "auth", "transaction")}
    keys = {(name, "auth") for name in ("router", "account", "transaction", "rest")}
    operator = {("operator", name) for name in load_topology().servers()}
    others = {("rest", "router"), ("transaction", "account")}
    assert load_topology().calls() == services | gateway | keys | operator | others


def test_a_path_belongs_to_the_api_with_the_longest_path_that_contains_it(tmp_path: Path) -> None:
    topology = read_topology(_written(tmp_path, VALID))
    assert topology.may_call("caller", "server", "/internal")
    assert topology.may_call("caller", "server", "/internal/postings")
    for path in ("/", "/internals", "/other", "//internal", "internal"):
        assert not topology.may_call("caller", "server", path), path


def test_a_path_without_an_api_is_refused_for_everybody() -> None:
    topology = load_topology()
    assert topology.process("account").api_of("/openapi.json") is None
    assert not any(topology.may_call(caller, "account", "/openapi.json") for caller in topology.processes)


def test_an_identity_is_a_uri_of_the_trust_domain() -> None:
    assert load_topology().identity("account") == "spiffe://mosafe/account"
    with pytest.raises(StartupError, match="there is no process 'accuont'; there are traefik, operator, auth, account"):
        load_topology().identity("accuont")


def test_the_processes_of_the_platform_have_their_ports_from_the_topology() -> None:
    topology = load_topology()
    assert {process.name for process in PROCESSES} == set(topology.servers())
    for process in PROCESSES:
        place = topology.process(process.name)
        assert (place.port_variable, place.port) == (process.port_variable, process.default_port)
        assert process.port_variable in VARIABLES.names


@pytest.mark.parametrize("name", SETTINGS)
def test_a_process_that_starts_alone_has_the_same_port(name: str) -> None:
    field = SETTINGS[name].model_fields["port"]
    assert (field.alias, field.default) == (
        load_topology().process(name).port_variable,
        load_topology().process(name).port,
    )


@pytest.mark.parametrize("file", [ROUTER_CONFIG, SUPERGRAPH])
def test_the_router_finds_the_services_at_these_ports(file: str) -> None:
    text = platform_file(file).read_text(encoding="utf-8")
    for name in ("auth", "account", "transaction"):
        assert f"http://127.0.0.1:{load_topology().process(name).port}/graphql" in text


def test_the_router_has_the_same_rules() -> None:
    """The router may not import `bank`, so `router.yaml` repeats its part of the topology."""
    topology, settings = load_topology(), load(platform_file(ROUTER_CONFIG), {})
    assert {rule.path: set(rule.identities) for rule in settings.tls.callers} == topology.caller_rules("router")
    assert settings.tls.health_port == topology.process("router").health_port
    assert settings.tls.identity == topology.identity("router")
    for name in ("auth", "account", "transaction"):
        assert settings.traffic.of(name).server_identity == topology.identity(name)
    assert settings.authentication.jwt is not None
    assert {each.keys.server_identity for each in settings.authentication.jwt.issuers} == {topology.identity("auth")}


def test_tokens_between_services_are_for_the_callers_of_the_internal_apis() -> None:
    topology = load_topology()
    for audience, callers in CALLERS.items():
        process, _, api = audience.rpartition("-")
        assert set(topology.process(process).apis[api].callers) == callers


@pytest.mark.parametrize(
    ("old", "new", "message"),
    [
        ("port: 1", "port: '1'", r"processes\.server\.port: Input should be a valid integer"),
        ("port: 1", "port: 70000", r"processes\.server\.port: Input should be less than or equal to 65535"),
        ("port: 1", "port: 2", "port 2 is given 2 times"),
        ("health_port: 2", "other_ports: {}", r"processes\.server: a process with apis needs port and health_port"),
        ("caller: {}", "caller: {color: red}", r"processes\.caller\.color: Unexpected keyword argument"),
        ("caller: {}", "Caller: {}", r"processes\.Caller\.\[key\]: String should match pattern"),
        ("callers: [caller]", "callers: [other]", r"apis\.internal\.callers: there is no process 'other'"),
        ("paths: [/internal]", "paths: [/]", r"processes\.server\.apis: / is given 2 times"),
        ("paths: [/internal]", "paths: [/internal/]", r"internal\.paths\.0: String should match pattern"),
        ("paths: [/internal]", "paths: []", r"internal\.paths: Tuple should have at least 1 item"),
        ("trust_domain: bank", "trust_domain: Bank/", r"trust_domain: String should match pattern"),
        ("trust_domain: bank", "trust_domain: 2026-01-01", "not YAML"),
        ("caller: {}", "server: {}", "not YAML: .*duplicate key"),
        ("caller: {}", "caller: {", "not YAML"),
        (VALID, "", "Input should be"),
    ],
)
def test_a_mistake_in_the_file_names_the_key(tmp_path: Path, old: str, new: str, message: str) -> None:
    assert old in VALID
    path = _written(tmp_path, VALID.replace(old, new, 1))
    with pytest.raises(InvalidTopology, match=message) as caught:
        read_topology(path)
    assert str(caught.value).startswith(f"{path}: ")


def test_a_missing_file_is_reported(tmp_path: Path) -> None:
    with pytest.raises(InvalidTopology, match="cannot be read: No such file"):
        read_topology(tmp_path / "topology.yaml")


def test_the_file_is_part_of_the_package() -> None:
    assert read_topology(TOPOLOGY_FILE) == load_topology()


def _written(folder: Path, text: str) -> Path:
    path = folder / "topology.yaml"
    path.write_text(text, encoding="utf-8")
    return path
