"""Every hop of every deployment is mutual TLS: addresses, certificates, what Traefik presents and whom it accepts."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any, Final

from bank.gateway_errors import PATHS
from bank.topology import load_topology
from servicekit.tls.process_files import VARIABLES as FILE_VARIABLES
from tests.deploy.checks.compose import SERVERS_FILE, SERVICES_FILE
from tests.deploy.checks.documents import CONTAINERS, USER, read, read_all
from tests.deploy.checks.kubernetes import BASE, resources
from tests.deploy.checks.traefik import FOLDER, dynamic, public_routes

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping
    from pathlib import Path

COMPONENTS: Final = "deploy/kubernetes/components"
OVERLAYS: Final = "deploy/kubernetes/overlays"
MESH: Final = f"{COMPONENTS}/mesh/kustomization.yaml"
_COMPOSE_FILES: Final = {"certificate": "cert.pem", "key": "key.pem", "authorities": "ca.pem"}
_SECRET_KEYS: Final = {"certificate": "tls.crt", "key": "tls.key", "authorities": "ca.crt"}
_MOUNT: Final = "/run/certs"
_BEHIND_TRAEFIK: Final = ("rest", "router", "auth", "transaction")


def _variables(names: Mapping[str, str]) -> dict[str, str]:
    """Return the variables of the TLS files of a process, whose names by role are `names`."""
    return {variable: f"{_MOUNT}/{names[role]}" for role, variable in FILE_VARIABLES.items()}


def _plain_addresses(environment: Mapping[str, Any]) -> list[str]:
    """Return the variables with an address of a process that is plain HTTP."""
    hosts = {host for name in CONTAINERS for host in (name, *load_topology().process(name).hosts)}
    return [
        name
        for name, value in environment.items()
        if (found := re.match(r"http://([a-z-]+)[:/]", str(value))) and found[1] in hosts
    ]


def check_compose(root: Path) -> Iterator[str]:
    """Each container has its own certificate, read-only, and no other one; and calls others by https."""
    services = read(root / SERVICES_FILE)["services"]
    for process, name in {**CONTAINERS, "operator": "operator"}.items():
        service = services[name]
        wanted = _variables(_COMPOSE_FILES)
        if {key: service["environment"].get(key) for key in wanted} != wanted:
            yield f"{SERVICES_FILE}, {name}: without the variables of mutual TLS"
        mounts = [mount for mount in service["volumes"] if "certs" in str(mount)]
        expected = {"type": "bind", "source": f"./secrets/certs/{process}", "target": _MOUNT, "read_only": True}
        if mounts != [{**expected, "bind": {"create_host_path": False}}]:
            yield f"{SERVICES_FILE}, {name}: the certificate of {process} is not mounted, or another one is"
        for variable in _plain_addresses(service["environment"]):
            yield f"{SERVICES_FILE}, {name}: {variable} is plain HTTP"


def check_certificates_of_compose(root: Path) -> Iterator[str]:
    """A service makes and renews the certificates, and Traefik starts after it."""
    servers = read(root / SERVERS_FILE)["services"]
    maker, traefik = servers["certificates"], servers["traefik"]
    command = maker["command"]
    if command[:2] != ["certs", "keep"] or f"--owner={USER}:{USER}" not in command:
        yield f"{SERVERS_FILE}, certificates: the certificates are not made for the user {USER}"
    if maker["volumes"] != ["./secrets/certs:/certs", "./traefik/config:/traefik"]:
        yield f"{SERVERS_FILE}, certificates: the folders are {maker['volumes']}"
    if "--touch=/traefik/tls.yml" not in command:
        yield f"{SERVERS_FILE}, certificates: Traefik does not learn of new certificates"
    if "--public-dns=${TRAEFIK_CERT_RESOLVER:+${TRAEFIK_HOST:-}}" not in command:
        yield f"{SERVERS_FILE}, certificates: Traefik gets our certificate for the public name, and asks for no other"
    if maker["healthcheck"]["test"][1:5] != ["mosafe", "certs", "list", "--check"] or maker["network_mode"] != "none":
        yield f"{SERVERS_FILE}, certificates: its health does not say whether every process has a certificate"
    if traefik["depends_on"] != {"certificates": {"condition": "service_healthy"}}:
        yield f"{SERVERS_FILE}, traefik: it does not wait for its certificate"
    if "./secrets/certs/traefik:/etc/traefik/certs:ro" not in traefik["volumes"]:
        yield f"{SERVERS_FILE}, traefik: its certificate is not mounted"


def check_traefik(root: Path) -> Iterator[str]:
    """Traefik presents its certificate, and accepts only the process that it means."""
    http, topology = dynamic(root), load_topology()
    folder = "/etc/traefik/certs"
    own = [{"certFile": f"{folder}/cert.pem", "keyFile": f"{folder}/key.pem"}]
    for name, service in http["services"].items():
        balancer = service["loadBalancer"]
        if any(not server["url"].startswith("https://") for server in balancer["servers"]):
            yield f"{FOLDER}, {name}: plain HTTP"
        transport = http.get("serversTransports", {}).get(balancer.get("serversTransport"), {})
        if transport.get("peerCertURI") != topology.identity(name):
            yield f"{FOLDER}, {name}: Traefik does not check that it speaks to {name}"
        if transport.get("rootCAs") != [f"{folder}/ca.pem"]:
            yield f"{FOLDER}, {name}: the certificate of {name} is not verified with our authority"
        if transport.get("certificates") != own:
            yield f"{FOLDER}, {name}: Traefik presents no certificate"
        if "minVersion" in transport and "maxVersion" not in transport:  # Traefik then takes none of the settings
            yield f"{FOLDER}, {name}: a lowest version of TLS needs a highest one, too"
    default = [read(path).get("tls", {}).get("stores") for path in sorted((root / FOLDER).glob("*.yml"))]
    if {"default": {"defaultCertificate": own[0]}} not in default:
        yield f"{FOLDER}: clients do not get the certificate of our authority"


def check_gateway_errors(root: Path) -> Iterator[str]:
    """A process that is away is reported in the form of the API, with a text of another process."""
    middlewares = dynamic(root)["middlewares"]
    if middlewares["breaker"]["circuitBreaker"]["responseCode"] != 502:
        yield f"{FOLDER}: the circuit breaker has a status of the services, whose texts must not be replaced"
    for name, route in public_routes(root).items():
        used = route["middlewares"]
        place = next((index for index, each in enumerate(used) if each.startswith("unavailable")), None)
        if place is None or "breaker" not in used[place:]:
            yield f"{FOLDER}, {name}: errors of Traefik are not in the form of the API"
            continue
        errors = middlewares[used[place]]["errors"]
        if errors["status"] != ["502", "504"] or errors["statusRewrites"] != {"502": 503}:
            yield f"{FOLDER}, {used[place]}: not the errors of Traefik alone"
        if errors["service"] == route["service"]:
            yield f"{FOLDER}, {name}: the process that is away is asked for the text"
        form = "graphql" if route["service"] == "router" else "api"
        path = errors["query"].replace("{status}", "503")
        if (
            path not in PATHS
            or f"/{form}/" not in path
            or not load_topology().may_call("traefik", errors["service"], path)
        ):
            yield f"{FOLDER}, {used[place]}: {errors['query']} is not a text for {name}"
        if errors.get("errorRequestHeaders") != ["X-Request-Id"]:
            yield f"{FOLDER}, {used[place]}: headers of clients are sent to {errors['service']}"


def check_pods(root: Path) -> Iterator[str]:
    """Each pod has its certificate, and calls others by https."""
    for process, host in CONTAINERS.items():
        where, found = f"{BASE}/{process}.yaml", resources(root, process)
        pod = found["Deployment"]["spec"]["template"]["spec"]
        (container,) = pod["containers"]
        given = {item["name"]: item.get("value") for item in container["env"]}
        wanted = _variables(_SECRET_KEYS)
        if {key: given.get(key) for key in wanted} != wanted:
            yield f"{where}: without the variables of mutual TLS"
        if {"name": "certificates", "mountPath": _MOUNT, "readOnly": True} not in container["volumeMounts"]:
            yield f"{where}: the certificate is not mounted"
        secret = {"secretName": f"{process}-tls", "defaultMode": 0o440}
        if {"name": "certificates", "secret": secret} not in pod["volumes"]:
            yield f"{where}: the volume is not the certificate of {process}"
        yield from (f"{where}: {variable} is plain HTTP" for variable in _plain_addresses(given))
        (port,) = found["Service"]["spec"]["ports"]
        if port.get("appProtocol") != "https" or found["Service"]["metadata"]["name"] != host:
            yield f"{where}: the Service {host} is not https"


def check_cert_manager(root: Path) -> Iterator[str]:
    """cert-manager makes a certificate with the identity and the hosts of each process, and Traefik."""
    file = f"{COMPONENTS}/cert-manager/certificates.yaml"
    specs = {each["metadata"]["name"]: each["spec"] for each in read_all(root / file) if each["kind"] == "Certificate"}
    topology = load_topology()
    for process in (*CONTAINERS, "traefik"):
        spec = specs.get(process, {})
        if spec.get("secretName") != f"{process}-tls" or spec.get("uris") != [topology.identity(process)]:
            yield f"{file}: no certificate with the identity of {process}"
        elif set(spec["dnsNames"]) != {process, *topology.process(process).hosts}:
            yield f"{file}, {process}: the hosts are {spec['dnsNames']}"
        elif not {"server auth", "client auth"} <= set(spec["usages"]) or spec["issuerRef"]["name"] != "platform":
            yield f"{file}, {process}: not a certificate of the platform for servers and clients"
    if "../../components/cert-manager" not in read(root / OVERLAYS / "production/kustomization.yaml")["components"]:
        yield f"{OVERLAYS}/production: nobody makes the certificates"
    generated = read(root / OVERLAYS / "dev/kustomization.yaml")["secretGenerator"]
    files = {each["name"]: each["files"] for each in generated if each["name"].endswith("-tls")}
    for process in (*CONTAINERS, "traefik"):
        pairs = zip(_SECRET_KEYS.values(), _COMPOSE_FILES.values(), strict=True)
        if files.get(f"{process}-tls") != [f"{key}=secrets/certs/{process}/{name}" for key, name in pairs]:
            yield f"{OVERLAYS}/dev: the Secret of the certificate of {process} is missing"


def check_traefik_in_kubernetes(root: Path) -> Iterator[str]:
    """The resources of Traefik and of the Gateway API check whom they speak to, and present a certificate."""
    file, topology = f"{COMPONENTS}/traefik/routes.yaml", load_topology()
    documents = read_all(root / file)
    transports = {each["metadata"]["name"]: each["spec"] for each in documents if each["kind"] == "ServersTransport"}
    (route,) = (each["spec"] for each in documents if each["kind"] == "IngressRoute")
    errors = [each["spec"]["errors"]["service"] for each in documents if "errors" in each["spec"]]
    for service in [*(service for rule in route["routes"] for service in rule["services"]), *errors]:
        process = next((name for name, host in CONTAINERS.items() if host == service["name"]), "")
        spec = transports.get(service.get("serversTransport"), {})
        wanted = {"serverName": service["name"], "peerCertURI": f"spiffe://{topology.trust_domain}/{process}"}
        wanted |= {"rootCAs": [{"secret": "traefik-tls"}], "certificatesSecrets": ["traefik-tls"]}
        if service.get("scheme") != "https" or {key: spec.get(key) for key in wanted} != wanted:
            yield f"{file}: {service['name']} is not called by mutual TLS"
    file = f"{COMPONENTS}/gateway/routes.yaml"
    documents = read_all(root / file)
    checked = {
        (policy["spec"]["targetRefs"][0]["name"], policy["spec"]["validation"]["subjectAltNames"][0]["uri"])
        for policy in documents
        if policy["kind"] == "BackendTLSPolicy"
    }
    if checked != {(CONTAINERS[name], topology.identity(name)) for name in _BEHIND_TRAEFIK}:
        yield f"{file}: the gateway does not check whom it speaks to"
    (gateway,) = (each["spec"] for each in documents if each["kind"] == "Gateway")
    if "clientCertificateRef" not in gateway.get("tls", {}).get("backend", {}):
        yield f"{file}: the gateway presents no certificate"


def check_mesh(root: Path) -> Iterator[str]:
    """In a mesh, processes speak plain HTTP to their sidecars, and no part of our own TLS is left."""
    patches = "\n".join(patch["patch"] for patch in read(root / MESH)["patches"])
    for process, host in CONTAINERS.items():
        part = re.search(
            rf"kind: Deployment\nmetadata: \{{name: {process}\}}\n.*?(?=\napiVersion|\Z)", patches, re.DOTALL
        )
        text = "" if part is None else part[0]
        (container,) = resources(root, process)["Deployment"]["spec"]["template"]["spec"]["containers"]
        addresses = [item for item in container["env"] if str(item.get("value")).startswith("https://")]
        lines = [f"{{name: {variable}, $patch: delete}}" for variable in FILE_VARIABLES.values()]
        lines += [
            f'{{name: {item["name"]}, value: "http://{item["value"].removeprefix("https://")}"}}' for item in addresses
        ]
        lines += ["{mountPath: /run/certs, $patch: delete}", "{name: certificates, $patch: delete}"]
        yield from (f"{MESH}, {process}: {line} is missing" for line in lines if line not in text)
        if not re.search(rf"metadata: \{{name: {host}\}}\nspec:\n  ports:\n    - \{{.*appProtocol: http\}}", patches):
            yield f"{MESH}: the Service {host} is not http"
