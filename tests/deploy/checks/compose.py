"""The compose files agree with the topology, the table of variables and the files of `mosafe secrets init`."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any, Final

from bank.topology import load_topology
from bank.variables import VARIABLES
from mosafe.process_variables import variables_for
from mosafe.processes import PROCESSES
from mosafe.secret_files import FILES, SERVERS
from tests.deploy.checks.documents import CONTAINERS, USER, read, texts

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

SERVICES_FILE: Final = "docker-compose.yml"
SERVERS_FILE: Final = "docker-compose.infra.yml"
NETWORK: Final = "mosafe_network"
# The names that the commands and variables of the first README use.
_ALIASES: Final = {
    "postgres": {"auth-db"},
    "mongodb": {"account-db", "transaction-db"},
    "redis": {"cache"},
    "kafka": set(),
}
# What no operator changes: the container has one address, and the others follow from the topology or `mosafe up`.
_FIXED: Final = {"MOSAFE_HOST", "MOSAFE_DATA_DIR", "MOSAFE_PARENT_PIPE", "REST_SUPERGRAPH"}
_SHARED_SECRET: Final = "MOSAFE_SERVICE_SECRET"
_HOME: Final = frozenset({"MOSAFE_HEALTH_PORT", "MOSAFE_HEALTH_HOST", _SHARED_SECRET})
# The addresses under which clients reach a process. They follow from the public URL, not from the topology.
PUBLIC: Final = frozenset({"AUTH_ISSUER", "REST_PUBLIC_URL", "ROUTER_PUBLIC_URL"})
# They give files to the users who read them.
_FILE_MAKERS: Final = {"secrets", "certificates"}
# The port of operators is on loopback, where nobody outside the container reaches it.
_ADMIN: Final = {"ROUTER_ADMIN", "ROUTER_ADMIN_PORT", "ROUTER_ADMIN_TOKEN"}


def check_names(root: Path) -> Iterator[str]:
    """The names of services, containers, hosts and ports are those of the topology and of the README."""
    services, servers = read(root / SERVICES_FILE)["services"], read(root / SERVERS_FILE)["services"]
    topology = load_topology()
    for process, name in CONTAINERS.items():
        service, place = services.get(name), topology.process(process)
        if service is None or service.get("container_name") != name:
            yield f"{SERVICES_FILE}: there is no service and container {name}"
            continue
        hosts = {name, *(service["networks"][NETWORK].get("aliases") or [])}
        yield from (f"{SERVICES_FILE}, {name}: the host {host} is missing" for host in {process, *place.hosts} - hosts)
        if service.get("expose") != [str(place.port)]:
            yield f"{SERVICES_FILE}, {name}: the port is not {place.port}"
        if service["build"]["args"]["PROCESS"] != process or f"/{process}:" not in service["image"]:
            yield f"{SERVICES_FILE}, {name}: not the image of {process}"
        if "ports" in service:
            yield f"{SERVICES_FILE}, {name}: only Traefik publishes ports"
    for name, aliases in _ALIASES.items():
        server = servers.get(name, {})
        if server.get("container_name") != name or not aliases <= set(server["networks"][NETWORK].get("aliases", [])):
            yield f"{SERVERS_FILE}: there is no server {name} with the aliases {sorted(aliases)}"
        if "ports" in server:
            yield f"{SERVERS_FILE}, {name}: only Traefik publishes ports"
    yield from _ports_of_traefik(servers["traefik"])


def _ports_of_traefik(traefik: dict[str, Any]) -> Iterator[str]:
    place = load_topology().process("traefik")
    http, dashboard = place.other_ports["http"], place.other_ports["dashboard"]
    expected = [f"{http}:{http}", f"{place.port}:{place.port}", f"127.0.0.1:{dashboard}:{dashboard}"]
    if traefik["ports"] != expected:
        yield f"{SERVERS_FILE}, traefik: the ports are {traefik['ports']}, not {expected}"


def check_network(root: Path) -> Iterator[str]:
    """Both files share one network. Its gateway, through which this machine calls, is not a trusted proxy."""
    own, shared = read(root / SERVERS_FILE)["networks"][NETWORK], read(root / SERVICES_FILE)
    if own.get("name") != NETWORK or shared["networks"] != {NETWORK: {"external": True}}:
        yield f"the two files do not share the network {NETWORK}"
    (addresses,) = own["ipam"]["config"]
    trusted = shared["x-variables"]["MOSAFE_TRUSTED_PROXIES"]
    if trusted != f"${{MOSAFE_TRUSTED_PROXIES:-{addresses['ip_range']}}}":
        yield f"{SERVICES_FILE}: the trusted proxies are not the containers ({addresses['ip_range']})"
    for name, service in shared["services"].items():
        if list(service["networks"]) != [NETWORK]:
            yield f"{SERVICES_FILE}, {name}: not in the network {NETWORK} alone"


def check_variables(root: Path) -> Iterator[str]:
    """Each process gets the variables that it reads, and no others."""
    services = read(root / SERVICES_FILE)["services"]
    everything = {name + suffix: "1" for name in VARIABLES.names for suffix in ("", "_FILE")}
    for process in PROCESSES:
        name = CONTAINERS[process.name]
        given = {variable.removesuffix("_FILE") for variable in services[name]["environment"]}
        known = {variable.removesuffix("_FILE") for variable in variables_for(process, everything)}
        yield from (f"{SERVICES_FILE}, {name}: {variable} is not read" for variable in sorted(given - known))
        if _SHARED_SECRET in known - given:
            yield f"{SERVICES_FILE}, {name}: without {_SHARED_SECRET}, the calls between services are refused"
        optional = known - _FIXED - _HOME - _ADMIN - VARIABLES.secrets - {process.port_variable}
        optional -= {variable for variable in optional if variable.startswith("MOSAFE_TLS_")}
        yield from (
            f"{SERVICES_FILE}, {name}: {variable} cannot be set"
            for variable in sorted(optional - given - {"AUTH_JWKS_URL"})
        )


def check_addresses(root: Path) -> Iterator[str]:
    """The processes find each other by the hosts and ports of the topology, and only those that may call."""
    services, topology = read(root / SERVICES_FILE)["services"], load_topology()
    owners = {variable: process.name for process in PROCESSES for variable, _ in process.found_by}
    paths = {variable: path for process in PROCESSES for variable, path in process.found_by}
    for caller, name in CONTAINERS.items():
        for variable, value in services[name]["environment"].items():
            if variable not in owners or variable in PUBLIC:
                continue
            process = owners[variable]
            place = topology.process(process)
            url = re.fullmatch(r"(https)://([a-z-]+):(\d+)(/.*)?", value or "")
            if (
                url is None
                or url[2] not in {process, *place.hosts}
                or int(url[3]) != place.port
                or (url[4] or "") != paths[variable]
            ):
                yield f"{SERVICES_FILE}, {name}: {variable} is {value}, which is not the address of {process}"
            elif (caller, process) not in topology.calls():
                yield f"{SERVICES_FILE}, {name}: {variable} names {process}, which {caller} may not call"


def check_secrets(root: Path) -> Iterator[str]:
    """Each secret comes from a file that `mosafe secrets init` makes, and goes only where it is read."""
    document = read(root / SERVICES_FILE)
    made = {file.name for file in FILES if not file.name.startswith(f"{SERVERS}/")}
    for name, secret in document["secrets"].items():
        if name not in made or secret != {"file": f"./secrets/{name}"}:
            yield f"{SERVICES_FILE}: the secret {name} is not one of `mosafe secrets init`"
    for unused in sorted(made - document["secrets"].keys()):
        yield f"{SERVICES_FILE}: the secret {unused} has no use"
    for name, service in document["services"].items():
        mounted = {f"{secret.upper()}_FILE": f"/run/secrets/{secret}" for secret in service.get("secrets", [])}
        files = {
            key: value
            for key, value in service["environment"].items()
            if key.endswith("_FILE") and "TLS" not in key and not key.startswith("AWS_")
        }
        if mounted != files:
            yield f"{SERVICES_FILE}, {name}: the secrets that are mounted are not those that are read"
    for_servers = {file.name.removeprefix(f"{SERVERS}/") for file in FILES if file.name.startswith(f"{SERVERS}/")}
    for file in (SERVERS_FILE, "deploy/compose/mongodb-users.js", "deploy/compose/mongodb-replica-set.js"):
        for used in re.findall(r"/run/secrets/([\w.]+)", (root / file).read_text(encoding="utf-8")):
            if used not in for_servers:
                yield f"{file}: {used} is not made by `mosafe secrets init`"


def check_hardening(root: Path) -> Iterator[str]:
    """No container has rights, writable files, or unbounded memory, processes or logs that it does not need."""
    for file in (SERVICES_FILE, SERVERS_FILE):
        for name, service in read(root / file)["services"].items():
            yield from (f"{file}, {name}: {problem}" for problem in _loose(name, service))


def _loose(name: str, service: dict[str, Any]) -> Iterator[str]:
    yield from _rights(name, service)
    # The start script of Kafka's image writes its configuration, and its image has a user.
    if service.get("read_only") is not True and name != "kafka":
        yield "its root is writable"
    limits = service["deploy"]["resources"]["limits"]
    if not {"cpus", "memory", "pids"} <= limits.keys():
        yield "its resources are not limited"
    if not {"max-size", "max-file"} <= service["logging"]["options"].keys():
        yield "its logs are not rotated"
    if "restart" not in service:
        yield "it has no restart policy"


def _rights(name: str, service: dict[str, Any]) -> Iterator[str]:
    if service.get("cap_drop") != ["ALL"]:
        yield "it keeps capabilities"
    if service.get("cap_add") and name not in _FILE_MAKERS:
        yield "it gets capabilities"
    if service.get("security_opt") != ["no-new-privileges:true"]:
        yield "it may get new privileges"
    user = service.get("user")
    # The images of Prometheus own their folders as nobody.
    is_nobodys = service["image"].startswith("prom/")
    is_ours = service["image"].startswith("${IMAGE_REGISTRY")
    if name not in {*_FILE_MAKERS, "kafka"} and user != (
        "65534:65534" if is_nobodys else f"{USER}:{USER}" if is_ours or name == "traefik" else "999:999"
    ):
        yield f"it runs as the user {user}"
    if any("docker.sock" in text for _, text in texts(service)):
        yield "it can control the container engine"


def check_health(root: Path) -> Iterator[str]:
    """Every server has a health check, and every process waits for those that it calls."""
    servers, services = read(root / SERVERS_FILE)["services"], read(root / SERVICES_FILE)["services"]
    for name in (*_ALIASES, "traefik"):
        if "test" not in servers[name].get("healthcheck", {}):
            yield f"{SERVERS_FILE}, {name}: there is no health check"
    calls = load_topology().calls()
    for process, name in CONTAINERS.items():
        needed = {CONTAINERS[callee] for caller, callee in calls if caller == process and callee != process}
        waits = service_waits(services[name])
        # REST asks auth for its keys when the first request arrives, and starts after the router anyway.
        for missing in sorted(needed - waits - ({"auth-service"} if process == "rest" else set())):
            yield f"{SERVICES_FILE}, {name}: it does not wait until {missing} is healthy"


def service_waits(service: dict[str, Any]) -> set[str]:
    """Return the services for whose health a service waits."""
    conditions = service.get("depends_on", {})
    return {name for name, value in conditions.items() if value == {"condition": "service_healthy"}}


def check_versions(root: Path) -> Iterator[str]:
    """Images of others are pinned by a full version."""
    for name, service in read(root / SERVERS_FILE)["services"].items():
        image = service["image"]
        if not image.startswith("${IMAGE_REGISTRY") and not re.search(
            r":v?\d+\.\d+(\.\d+)?(-\w+)?(@sha256:\w{64})?$", image
        ):
            yield f"{SERVERS_FILE}, {name}: {image} is not pinned by version"
