"""The manifests of Kubernetes agree with the topology, and every pod runs without rights."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

from bank.topology import load_topology
from mosafe.processes import PROCESSES
from mosafe.secret_files import FILES, SERVERS
from tests.deploy.checks.compose import PUBLIC, SERVICES_FILE
from tests.deploy.checks.documents import CONTAINERS, USER, read, read_all

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

BASE: Final = "deploy/kubernetes/base"
VALUES: Final = "deploy/helm/mosafe/values.yaml"
_PROBES: Final = {"startupProbe": "/health/live", "livenessProbe": "/health/live", "readinessProbe": "/health/ready"}


def resources(root: Path, process: str) -> dict[str, Any]:
    """Return the resources in the file of a process, by kind."""
    return {document["kind"]: document for document in read_all(root / BASE / f"{process}.yaml")}


def check_kustomization(root: Path) -> Iterator[str]:
    """Every file of the base is a part of it, and the processes have all kinds of resources."""
    listed = set(read(root / BASE / "kustomization.yaml")["resources"])
    files = {path.name for path in (root / BASE).glob("*.yaml")} - {"kustomization.yaml"}
    yield from (f"{BASE}: {name} is not listed, or does not exist" for name in sorted(listed ^ files))
    kinds = {
        "ServiceAccount",
        "Service",
        "Deployment",
        "HorizontalPodAutoscaler",
        "PodDisruptionBudget",
        "NetworkPolicy",
    }
    for process in CONTAINERS:
        found = resources(root, process)
        yield from (f"{BASE}/{process}.yaml: there is no {kind}" for kind in sorted(kinds - found.keys()))
        names = {kind: document["metadata"]["name"] for kind, document in found.items()}
        if names != {kind: CONTAINERS[process] if kind == "Service" else process for kind in names}:
            yield f"{BASE}/{process}.yaml: the names are {names}"


def check_processes(root: Path) -> Iterator[str]:
    """Ports, probes and addresses are those of the topology."""
    for process in CONTAINERS:
        found, place = resources(root, process), load_topology().process(process)
        where = f"{BASE}/{process}.yaml"
        (container,) = found["Deployment"]["spec"]["template"]["spec"]["containers"]
        ports = {port["name"]: port["containerPort"] for port in container["ports"]}
        if ports != {"http": place.port, "health": place.health_port}:
            yield f"{where}: the ports are {ports}"
        if [(port["port"], port["targetPort"]) for port in found["Service"]["spec"]["ports"]] != [(place.port, "http")]:
            yield f"{where}: the port of the Service is not {place.port}"
        for name, path in _PROBES.items():
            if container.get(name, {}).get("httpGet") != {"path": path, "port": "health"}:
                yield f"{where}: the {name} does not ask {path}"
        labels = {"app.kubernetes.io/name": process}
        spec = found["Deployment"]["spec"]
        selectors = [spec["selector"]["matchLabels"], found["Service"]["spec"]["selector"]]
        selectors += [found[kind]["spec"]["selector"]["matchLabels"] for kind in ("PodDisruptionBudget",)]
        if any(selector != labels for selector in [*selectors, spec["template"]["metadata"]["labels"]]):
            yield f"{where}: a selector does not select the pods of {process}"
        if found["HorizontalPodAutoscaler"]["spec"]["scaleTargetRef"]["name"] != process:
            yield f"{where}: the autoscaler does not scale {process}"
        yield from (f"{where}: {problem}" for problem in _variables(root, process, container))


def _variables(root: Path, process: str, container: dict[str, Any]) -> Iterator[str]:
    given = {item["name"]: item.get("value") for item in container["env"]}
    if given.pop("MOSAFE_HEALTH_PORT") != str(load_topology().process(process).health_port):
        yield "MOSAFE_HEALTH_PORT is not the health port"
    compose = read(root / SERVICES_FILE)["services"][CONTAINERS[process]]["environment"]
    owners = {variable for other in PROCESSES for variable, _ in other.found_by} - PUBLIC
    for variable in sorted(owners & compose.keys()):
        if given.get(variable) != compose[variable]:
            yield f"{variable} is {given.get(variable)}, and {compose[variable]} in {SERVICES_FILE}"
    secrets = {
        variable: path for variable, path in given.items() if variable.endswith("_FILE") and "_TLS_" not in variable
    }
    if secrets != {key: value for key, value in compose.items() if key.endswith("_FILE") and "_TLS_" not in key}:
        yield f"the secrets are not those of {SERVICES_FILE}"
    made = {f"/run/secrets/{file.name}" for file in FILES if not file.name.startswith(SERVERS)}
    yield from (f"{path} is not made by `mosafe secrets init`" for path in sorted(set(secrets.values()) - made))


def pods(root: Path) -> Iterator[tuple[str, dict[str, Any]]]:
    """Yield the place and the pod of every Deployment, Job and CronJob."""
    for path in sorted([*(root / BASE).glob("*.yaml"), *(root / BASE).parent.glob("components/*/*.yaml")]):
        for document in read_all(path):
            if document["kind"] in {"Deployment", "Job", "CronJob"}:
                spec = document["spec"]
                template = (
                    spec["jobTemplate"]["spec"]["template"] if document["kind"] == "CronJob" else spec["template"]
                )
                yield f"{path.relative_to(root)}, {document['kind']}", template["spec"]


def check_pods(root: Path) -> Iterator[str]:
    """Pods run as `restricted` wants it, without a token of the API of Kubernetes."""
    labels = read(root / BASE / "namespace.yaml")["metadata"]["labels"]
    if labels.get("pod-security.kubernetes.io/enforce") != "restricted":
        yield f"{BASE}/namespace.yaml: pods with rights are not refused"
    for where, pod in pods(root):
        if pod.get("automountServiceAccountToken") is not False:
            yield f"{where}: it has a token of the API"
        if pod.get("enableServiceLinks") is not False:
            yield f"{where}: it gets the variables of other services"
        security = pod.get("securityContext", {})
        if security.get("runAsNonRoot") is not True or security.get("runAsUser") != USER:
            yield f"{where}: it does not run as {USER}"
        if security.get("seccompProfile") != {"type": "RuntimeDefault"}:
            yield f"{where}: it has no seccomp profile"
        if any("hostPath" in volume for volume in pod["volumes"]) or pod.get("hostNetwork"):
            yield f"{where}: it uses the host"
        for container in (*pod.get("initContainers", ()), *pod["containers"]):
            yield from (f"{where}: {problem}" for problem in _container(container))


def _container(container: dict[str, Any]) -> Iterator[str]:
    security = container.get("securityContext", {})
    if security.get("allowPrivilegeEscalation") is not False or security.get("capabilities") != {"drop": ["ALL"]}:
        yield "it keeps rights"
    if security.get("readOnlyRootFilesystem") is not True:
        yield "its root is writable"
    for kind in ("requests", "limits"):
        if container.get("resources", {}).get(kind, {}).keys() != {"cpu", "memory"}:
            yield f"there are no {kind} of cpu and memory"
    if container["image"].partition(":")[2] in {"", "latest"}:
        yield f"{container['image']} is not pinned"


def check_network_policies(root: Path) -> Iterator[str]:
    """Nothing is allowed by default. Who may connect to whom is who may call whom."""
    policies = {policy["metadata"]["name"]: policy["spec"] for policy in read_all(root / BASE / "network.yaml")}
    if policies.get("default-deny") != {"podSelector": {}, "policyTypes": ["Ingress", "Egress"]}:
        yield f"{BASE}/network.yaml: there is no policy that denies everything"
    topology = load_topology()
    for process in CONTAINERS:
        spec, where = resources(root, process)["NetworkPolicy"]["spec"], f"{BASE}/{process}.yaml"
        if spec["podSelector"] != {"matchLabels": {"app.kubernetes.io/name": process}}:
            yield f"{where}: the policy does not select {process}"
        expected = {caller for caller, callee in topology.calls() if callee == process} - {"operator"}
        callers = {_name(peer) for rule in spec["ingress"] for peer in rule["from"]}
        if callers != expected:
            yield f"{where}: {sorted(callers)} may connect, and {sorted(expected)} may call"
        if [rule["ports"] for rule in spec["ingress"]] != [
            [{"port": topology.process(process).port, "protocol": "TCP"}]
        ]:
            yield f"{where}: the policy opens other ports than that for requests"
        opened = {
            (_name(peer), port["port"]) for rule in spec["egress"] for peer in rule["to"] for port in rule["ports"]
        }
        wanted = {(callee, topology.process(callee).port) for caller, callee in topology.calls() if caller == process}
        if {(name, port) for name, port in opened if name} != wanted:
            yield f"{where}: it cannot connect to those that it calls, or to others"


def _name(peer: dict[str, Any]) -> str:
    """Return the process that a peer of a policy selects; empty for other peers."""
    found: str = peer.get("podSelector", {}).get("matchLabels", {}).get("app.kubernetes.io/name", "")
    return found


def check_helm_values(root: Path) -> Iterator[str]:
    """The chart has the processes of the topology, and the secrets and resources of the base."""
    topology, values = load_topology(), read(root / VALUES)["processes"]
    for process, container in CONTAINERS.items():
        own, place = values[process], topology.process(process)
        callers = sorted({caller for caller, callee in topology.calls() if callee == process} - {"operator"})
        expected = {"service": container, "port": place.port, "healthPort": place.health_port, "callers": callers}
        found = {key: sorted(own[key]) if key == "callers" else own[key] for key in expected}
        if found != expected:
            yield f"{VALUES}, {process}: {found} instead of {expected}"
        hosts = {process, own["service"], *own.get("hosts", ())}
        if hosts != {process, *place.hosts}:
            yield f"{VALUES}, {process}: the hosts of the certificate are {sorted(hosts)}"
        (deployed,) = resources(root, process)["Deployment"]["spec"]["template"]["spec"]["containers"]
        given = {item["name"] for item in deployed["env"]}
        if {f"{name.upper()}_FILE" for name in own["secrets"]} != {
            name for name in given if name.endswith("_FILE") and "_TLS_" not in name
        }:
            yield f"{VALUES}, {process}: the secrets are not those of {BASE}"
        if own["resources"] != deployed["resources"]:
            yield f"{VALUES}, {process}: the resources are not those of {BASE}"
        if not set(own["calls"]) <= given:
            yield f"{VALUES}, {process}: the variables are not those of {BASE}"
