"""Prometheus reads what exists: the ports of the topology, and metrics that a source really has."""

from __future__ import annotations

import json
import re
from typing import TYPE_CHECKING, Any, Final

from bank.topology import load_topology
from mosafe.secret_files import FILES, SERVERS
from tests.deploy.checks.compose import SERVERS_FILE, SERVICES_FILE
from tests.deploy.checks.documents import CONTAINERS, read, texts

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

FOLDER: Final = "deploy/observability"
PROFILE: Final = "observability"
# The metrics that alerts and dashboard may use, by the job whose source documents them.
METRICS: Final = {
    "traefik_entrypoint_requests_total": "traefik",
    "traefik_entrypoint_request_duration_seconds_bucket": "traefik",
    "traefik_service_requests_total": "traefik",
    "traefik_open_connections": "traefik",
    "traefik_tls_certs_not_after": "traefik",
    "pg_up": "postgres",
    "pg_stat_activity_count": "postgres",
    "mongodb_up": "mongodb",
    "mongodb_rs_members_state": "mongodb",
    "mongodb_ss_connections": "mongodb",
    "redis_up": "redis",
    "redis_memory_used_bytes": "redis",
    "redis_memory_max_bytes": "redis",
    "redis_aof_last_write_status": "redis",
    "probe_success": "processes",
    "up": "prometheus",
}
# The servers with an exporter, and its port.
EXPORTERS: Final = {"postgres": 9187, "mongodb": 9216, "redis": 9121}
_METRIC: Final = re.compile(
    r"\b(?:(?:traefik|pg|probe|go|process|redis|mongodb|kafka)_\w+|up)\b(?=\s*(?:\{|\[|==|-|\)))"
)


def check_targets(root: Path) -> Iterator[str]:
    """Every process is probed at its health port, and every server is watched."""
    jobs = {job["job_name"]: job for job in read(root / FOLDER / "prometheus.yml")["scrape_configs"]}
    topology = load_topology()
    expected = {name: f"{CONTAINERS[name]}:{topology.process(name).health_port}" for name in CONTAINERS}
    found = {each["labels"]["process"]: each["targets"][0] for each in jobs["processes"]["static_configs"]}
    if found != expected:
        yield f"{FOLDER}/prometheus.yml: the processes are {found}, not {expected}"
    if jobs["processes"]["relabel_configs"][0]["replacement"] != "http://$1/health/ready":
        yield f"{FOLDER}/prometheus.yml: the processes are not asked whether they are ready"
    traefik = f"traefik:{topology.process('traefik').health_port}"
    if jobs["traefik"]["static_configs"] != [{"targets": [traefik]}]:
        yield f"{FOLDER}/prometheus.yml: Traefik is not read at {traefik}"
    if read(root / "traefik/traefik.yml").get("metrics", {}).get("prometheus", {}).get("entryPoint") != "health":
        yield "traefik/traefik.yml: there are no metrics at the entry point health"
    services = read(root / SERVERS_FILE)["services"]
    probed = {each["labels"]["server"] for each in jobs["servers"]["static_configs"]}
    for server, port in EXPORTERS.items():
        if jobs.get(server, {}).get("static_configs") != [{"targets": [f"{server}-exporter:{port}"]}]:
            yield f"{FOLDER}/prometheus.yml: the exporter of {server} is not read at {server}-exporter:{port}"
    if probed | EXPORTERS.keys() != {"mongodb", "redis", "kafka", "postgres"}:
        yield f"{FOLDER}/prometheus.yml: the servers are {sorted(probed | EXPORTERS.keys())}"
    hosts = {
        target.partition(":")[0]
        for job in jobs.values()
        for each in job["static_configs"]
        for target in each["targets"]
    }
    for host in sorted(hosts - services.keys() - set(CONTAINERS.values()) - {"localhost"}):
        yield f"{FOLDER}/prometheus.yml: there is no service {host}"
    if read(root / SERVICES_FILE)["x-variables"].get("MOSAFE_HEALTH_HOST") != "0.0.0.0":
        yield f"{SERVICES_FILE}: the ports for probes are on loopback, where Prometheus cannot reach them"


def check_metrics(root: Path) -> Iterator[str]:
    """Alerts and dashboard use metrics that a source has, and each alert says what to do."""
    jobs = {job["job_name"] for job in read(root / FOLDER / "prometheus.yml")["scrape_configs"]}
    rules = [rule for group in read(root / FOLDER / "alerts.yml")["groups"] for rule in group["rules"]]
    dashboard = json.loads((root / FOLDER / "grafana/dashboards/mosafe.json").read_text(encoding="utf-8"))
    expressions = [(rule["alert"], rule["expr"]) for rule in rules]
    expressions += [(panel["title"], target["expr"]) for panel in dashboard["panels"] for target in panel["targets"]]
    for name, expression in expressions:
        used = set(_METRIC.findall(expression))
        if not used:
            yield f"{FOLDER}, {name}: it uses no metric"
        for metric in sorted(used):
            if METRICS.get(metric) not in jobs:
                yield f"{FOLDER}, {name}: no source has the metric {metric}"
    pages = (root / "docs/deploy/observability.md").read_text(encoding="utf-8") if (root / "docs").exists() else None
    for rule in rules:
        if not rule["annotations"].get("fix") or rule["labels"].get("severity") not in {"page", "ticket"}:
            yield f"{FOLDER}, {rule['alert']}: it does not say how serious it is, or what to do"
        if pages is not None and f"`{rule['alert']}`" not in pages:
            yield f"docs/deploy/observability.md: {rule['alert']} is missing"
    tested = (root / FOLDER / "alerts.test.yml").read_text(encoding="utf-8")
    yield from (
        f"{FOLDER}: {rule['alert']} has no test" for rule in rules if f"alertname: {rule['alert']}\n" not in tested
    )


def check_observability_services(root: Path) -> Iterator[str]:
    """The services start with their profile only, are reached from this machine only, and have no default password."""
    services = read(root / SERVERS_FILE)["services"]
    for name in ("prometheus", "blackbox-exporter", *(f"{server}-exporter" for server in EXPORTERS), "grafana"):
        service: dict[str, Any] = services.get(name, {})
        if service.get("profiles") != [PROFILE]:
            yield f"{SERVERS_FILE}, {name}: not in the profile {PROFILE}"
        for port in service.get("ports", ()):
            if not port.startswith("127.0.0.1:"):
                yield f"{SERVERS_FILE}, {name}: {port} is open to other machines"
        for _, text in texts(service.get("volumes", [])):
            source = text.partition(":")[0]
            if source.startswith("./deploy") and not (root / source).exists():
                yield f"{SERVERS_FILE}, {name}: {source} does not exist"
    yield from _passwords(services)
    if services["grafana"]["environment"].get("GF_SECURITY_ADMIN_PASSWORD__FILE") != "/run/secrets/grafana_password":
        yield f"{SERVERS_FILE}, grafana: its password is the default one"


def _passwords(services: dict[str, Any]) -> Iterator[str]:
    """Yield the exporters that do not read their password from a file."""
    mongodb, redis = services["mongodb-exporter"], services["redis-exporter"]
    variables = (mongodb["environment"].keys() | redis["environment"].keys()) & {"MONGODB_PASSWORD", "REDIS_PASSWORD"}
    if variables or "@" in mongodb["environment"]["MONGODB_URI"]:
        yield f"{SERVERS_FILE}: `docker inspect` shows the password of an exporter"
    if not any("$$(cat /run/secrets/mongodb_exporter_password)" in part for part in mongodb["entrypoint"]):
        yield f"{SERVERS_FILE}, mongodb-exporter: it does not read its password"
    if redis["environment"].get("REDIS_PASSWORD_FILE") != "/run/secrets/redis_exporter.json":
        yield f"{SERVERS_FILE}, redis-exporter: it does not read its password"
    address = redis["environment"].get("REDIS_ADDR")
    (made,) = (file for file in FILES if file.name == f"{SERVERS}/redis_exporter.json")
    if address not in json.loads(made.content({f"{SERVERS}/redis_password": ""})):
        yield f"{SERVERS_FILE}, redis-exporter: its file has no password for {address}"
