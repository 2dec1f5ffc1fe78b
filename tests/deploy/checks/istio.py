"""The resources of Istio agree with the topology."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

from bank.topology import load_topology
from tests.deploy.checks.documents import CONTAINERS, read_all

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

ACCESS: Final = "deploy/istio/access.yaml"
TRAFFIC: Final = "deploy/istio/traffic.yaml"
Rule = tuple[frozenset[str], frozenset[str], frozenset[str]]


def _by_name(root: Path, file: str, kind: str) -> dict[str, Any]:
    documents = [document for document in read_all(root / file) if document["kind"] == kind]
    return {document["metadata"]["name"]: document["spec"] for document in documents}


def check_access(root: Path) -> Iterator[str]:
    """Mutual TLS is required, nobody may call by default, and the rules are those of the topology."""
    if _by_name(root, ACCESS, "PeerAuthentication").get("default") != {"mtls": {"mode": "STRICT"}}:
        yield f"{ACCESS}: mutual TLS is not required"
    policies = _by_name(root, ACCESS, "AuthorizationPolicy")
    if policies.get("deny-all") != {}:
        yield f"{ACCESS}: there is no policy that denies everything"
    for process in CONTAINERS:
        spec = policies.get(process, {})
        if (
            spec.get("selector") != {"matchLabels": {"app.kubernetes.io/name": process}}
            or spec.get("action") != "ALLOW"
        ):
            yield f"{ACCESS}: the policy of {process} does not select it"
        elif _rules(spec) != _wanted(process):
            yield f"{ACCESS}: who may call {process} is not what the topology says"


def _rules(spec: dict[str, Any]) -> set[Rule]:
    return {
        (
            frozenset(source["source"]["principals"]),
            frozenset(operation["operation"]["paths"]),
            frozenset(operation["operation"]["ports"]),
        )
        for rule in spec["rules"]
        for source in rule["from"]
        for operation in rule["to"]
    }


def _wanted(process: str) -> set[Rule]:
    place = load_topology().process(process)
    found = set()
    for api in place.apis.values():
        callers = set(api.callers) - {"operator"}  # a person, who is not in the mesh
        namespaces = {caller: "traefik" if caller == "traefik" else "mosafe" for caller in callers}
        principals = {f"cluster.local/ns/{namespaces[caller]}/sa/{caller}" for caller in callers}
        paths = {pattern for path in api.paths for pattern in (("/*",) if path == "/" else (path, f"{path}/*"))}
        if principals:
            found.add((frozenset(principals), frozenset(paths), frozenset({str(place.port)})))
    return found


def check_traffic(root: Path) -> Iterator[str]:
    """Each process has a rule for connections and one for requests. The mesh repeats nothing."""
    destinations, services = _by_name(root, TRAFFIC, "DestinationRule"), _by_name(root, TRAFFIC, "VirtualService")
    for process, host in CONTAINERS.items():
        destination, service = destinations.get(process), services.get(process)
        if destination is None or destination["host"] != host or service is None or service["hosts"] != [host]:
            yield f"{TRAFFIC}: there are no rules for {host}"
            continue
        policy = destination["trafficPolicy"]
        if policy["tls"] != {"mode": "ISTIO_MUTUAL"}:
            yield f"{TRAFFIC}, {process}: without mutual TLS"
        if not {"connectionPool", "outlierDetection"} <= policy.keys():
            yield f"{TRAFFIC}, {process}: connections and failures are not limited"
        subsets = {subset["name"] for subset in destination["subsets"]}
        for route in service["http"]:
            if route["retries"] != {"attempts": 0}:
                yield f"{TRAFFIC}, {process}: the mesh repeats requests"
            if "timeout" not in route:
                yield f"{TRAFFIC}, {process}: there is no time limit"
            targets = [target["destination"] for target in route["route"]]
            if any(target["host"] != host or target["subset"] not in subsets for target in targets):
                yield f"{TRAFFIC}, {process}: a route leads elsewhere"
            if sum(target.get("weight", 100) for target in route["route"]) != 100:
                yield f"{TRAFFIC}, {process}: the weights are not 100 together"
