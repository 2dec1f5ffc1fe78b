"""The exporters and alerts in Kubernetes are those of Docker Compose, as far as a cluster has what they need."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

from tests.deploy.checks.compose import SERVERS_FILE
from tests.deploy.checks.documents import CONTAINERS, read, read_all
from tests.deploy.checks.kubernetes import VALUES
from tests.deploy.checks.observability import EXPORTERS, FOLDER

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

COMPONENT: Final = "deploy/kubernetes/components/monitoring"
CHART_ALERTS: Final = "deploy/helm/mosafe/files/alerts.yaml"
# Operators of PostgreSQL have an exporter.
_SERVERS: Final = {"mongodb": 27017, "redis": 6379}
# In a cluster, the state of Deployments says whether a process is ready, and the operator watches its own targets.
_OTHER_SOURCE: Final = "ProcessNotReady"
_ONLY_COMPOSE: Final = "MetricsMissing"


def _rules(document: dict[str, Any]) -> dict[str, dict[str, Any]]:
    return {rule["alert"]: rule for group in document["groups"] for rule in group["rules"]}


def _one_line(expression: str) -> str:
    return " ".join(expression.split())


def check_alerts_of_kubernetes(root: Path) -> Iterator[str]:
    """Component and chart have the alerts that promtool tests, with steps that fit a cluster."""
    (resource,) = read_all(root / COMPONENT / "alerts.yaml")
    if read(root / CHART_ALERTS) != resource["spec"]:
        yield f"{CHART_ALERTS}: not the alerts of {COMPONENT}"
    tested, own = _rules(read(root / FOLDER / "alerts.yml")), _rules(resource["spec"])
    for name in sorted(tested.keys() - own.keys() - {_ONLY_COMPOSE}):
        yield f"{COMPONENT}: {name} is missing"
    for name, rule in own.items():
        model = tested.get(name, {})
        same = ("for", "labels") if name == _OTHER_SOURCE else ("for", "labels", "expr")
        if any(_one_line(str(rule[key])) != _one_line(str(model.get(key))) for key in same):
            yield f"{COMPONENT}: {name} is not the alert that is tested"
        if any("docker" in text for text in rule["annotations"].values()):
            yield f"{COMPONENT}: {name} names a command of Docker"
    if f'deployment=~"{"|".join(CONTAINERS)}"' not in own[_OTHER_SOURCE]["expr"]:
        yield f"{COMPONENT}: {_OTHER_SOURCE} does not watch every process"


def check_exporters_of_kubernetes(root: Path) -> Iterator[str]:
    """Each exporter runs the version of Docker Compose, may reach its server alone, and is read by Prometheus alone."""
    found = {(each["kind"], each["metadata"]["name"]): each for each in read_all(root / COMPONENT / "exporters.yaml")}
    services, values = read(root / SERVERS_FILE)["services"], read(root / VALUES)["monitoring"]["exporters"]
    for server, server_port in _SERVERS.items():
        name, port = f"{server}-exporter", EXPORTERS[server]
        (container,) = found["Deployment", name]["spec"]["template"]["spec"]["containers"]
        expected = {"image": container["image"], "port": port, "serverPort": server_port}
        if {key: values[server][key] for key in expected} != expected or (
            values[server].get("args") != container.get("args")
        ):
            yield f"{VALUES}, monitoring: the exporter of {server} is not that of {COMPONENT}"
        service = services[name]
        if container["image"] not in str(service.get("build", service["image"])):
            yield f"{COMPONENT}, {name}: {container['image']} is not the image of {SERVERS_FILE}"
        if container.get("args") != service.get("command"):
            yield f"{COMPONENT}, {name}: the options are not those of {SERVERS_FILE}"
        if container["ports"] != [{"name": "metrics", "containerPort": port}]:
            yield f"{COMPONENT}, {name}: the port is not {port}"
        (endpoint,) = found["PodMonitor", name]["spec"]["podMetricsEndpoints"]
        if endpoint["relabelings"] != [{"targetLabel": "job", "replacement": server}]:
            yield f"{COMPONENT}, {name}: the alerts do not know the name of the job"
        policy = found["NetworkPolicy", name]["spec"]
        opened = [rule["ports"] for direction in ("ingress", "egress") for rule in policy[direction]]
        if opened != [[{"port": number, "protocol": "TCP"}] for number in (port, server_port)]:
            yield f"{COMPONENT}, {name}: the policy opens {opened}"
