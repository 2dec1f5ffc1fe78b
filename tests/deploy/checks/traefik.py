"""The configuration of Traefik agrees with the topology, and no route lacks a limit or weakens TLS."""

from __future__ import annotations

import re
from copy import deepcopy
from typing import TYPE_CHECKING, Any, Final

from bank.topology import load_topology
from tests.deploy.checks.documents import read, values

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

STATIC: Final = "traefik/traefik.yml"
FIREWALL: Final = "traefik/waf/traefik.yml"
FOLDER: Final = "traefik/config"
_ALWAYS: Final = {"limits", "headers", "breaker"}
# Forward secrecy and authenticated encryption.
_CIPHER: Final = re.compile(r"TLS_ECDHE_(RSA|ECDSA)_WITH_(AES_(128|256)_GCM|CHACHA20_POLY1305)_SHA(256|384)")
# Bodies of streams pass unbuffered: the router limits them itself.
_STREAMS: Final = {"router"}


def dynamic(root: Path) -> dict[str, Any]:
    """Return the section `http` of all files of the folder."""
    merged: dict[str, Any] = {}
    for path in sorted((root / FOLDER).glob("*.yml")):
        for key, section in (read(path).get("http") or {}).items():
            merged.setdefault(key, {}).update(section)
    return merged


def public_routes(root: Path) -> dict[str, Any]:
    return {name: route for name, route in dynamic(root)["routers"].items() if route["entryPoints"] == ["websecure"]}


def check_entry_points(root: Path) -> Iterator[str]:
    points, place = read(root / STATIC)["entryPoints"], load_topology().process("traefik")
    expected = {
        "web": place.other_ports["http"],
        "websecure": place.port,
        "dashboard": place.other_ports["dashboard"],
        "health": place.health_port,
    }
    found = {name: point["address"] for name, point in points.items()}
    if found != {name: f":{port}" for name, port in expected.items()}:
        yield f"{STATIC}: the ports are {found}"
    if points["web"]["http"]["redirections"]["entryPoint"]["to"] != "websecure":
        yield f"{STATIC}: plain HTTP is not redirected"
    secure = points["websecure"]
    if secure["forwardedHeaders"] != {"trustedIPs": []}:
        yield f"{STATIC}: X-Forwarded-For of clients is believed"
    if any(secure["http"]["encodedCharacters"].values()) or len(secure["http"]["encodedCharacters"]) != 7:
        yield f"{STATIC}: paths with ambiguous characters are accepted"
    if True in values(read(root / STATIC), "insecure"):
        yield f"{STATIC}: something is insecure"


def check_firewall(root: Path) -> Iterator[str]:
    """The variant with a firewall differs in nothing else. The firewall has the rules of OWASP before all routes."""
    expected, found = deepcopy(read(root / STATIC)), read(root / FIREWALL)
    expected["entryPoints"]["websecure"]["http"]["middlewares"] = ["waf@file"]
    if {key: value for key, value in found.items() if key != "experimental"} != expected:
        yield f"{FIREWALL}: it differs from {STATIC} in more than the firewall"
    plugin = found["experimental"]["plugins"]["coraza"]
    if re.fullmatch(r"v\d+\.\d+\.\d+", plugin["version"]) is None:
        yield f"{FIREWALL}: the plugin is not pinned"
    if found["experimental"].get("abortOnPluginFailure") is not True:
        yield f"{FIREWALL}: Traefik would start without the firewall"
    directives = dynamic(root)["middlewares"]["waf"]["plugin"]["coraza"]["directives"]
    wanted = {"SecRuleEngine On", "SecRequestBodyAccess On", "SecAuditEngine Off", "Include @owasp_crs/*.conf"}
    yield from (f"{FOLDER}/waf.yml: {directive} is missing" for directive in sorted(wanted - set(directives)))
    numbers = re.findall(r"\bid:(\d+)", "\n".join(directives))
    if len(numbers) != len(set(numbers)):
        yield f"{FOLDER}/waf.yml: two rules have the same number"


def check_access_log(root: Path) -> Iterator[str]:
    fields = read(root / STATIC)["accessLog"]["fields"]
    if fields["queryParameters"] != {"defaultMode": "drop"}:
        yield f"{STATIC}: the access log has query parameters"
    kept = {name.lower() for name, mode in fields["headers"]["names"].items() if mode != "drop"}
    if fields["headers"]["defaultMode"] != "drop" or not kept <= {"user-agent", "x-request-id"}:
        yield f"{STATIC}: the access log has headers that may contain secrets"


def check_services(root: Path) -> Iterator[str]:
    """Each service is a process that Traefik may call, at its address."""
    topology, services = load_topology(), dynamic(root)["services"]
    for name, service in services.items():
        place = topology.processes.get(name)
        if place is None or ("traefik", name) not in topology.calls():
            yield f"{FOLDER}: Traefik may not call {name}"
            continue
        hosts = "|".join((name, *place.hosts))
        for server in service["loadBalancer"]["servers"]:
            if re.fullmatch(rf"https://({hosts}):{place.port}", server["url"]) is None:
                yield f"{FOLDER}: {server['url']} is not the address of {name}"


def check_routes(root: Path) -> Iterator[str]:
    """Traefik routes the paths that it may call, and keeps those of health from the public."""
    topology, routes = load_topology(), public_routes(root)
    wanted = {
        (name, path)
        for name, place in topology.processes.items()
        for key, api in place.apis.items()
        for path in api.paths
        if "traefik" in api.callers and key != "health"
    }
    # The router has a page for browsers at `/` in development; in public there is `/graphql` only.
    wanted = {(name, "/graphql" if name == "router" else path) for name, path in wanted}
    found = {
        (route["service"], path)
        for route in routes.values()
        for path in re.findall(r"(?<!!)Path(?:Prefix)?\(`([^`]*)`\)", route["rule"])
    }
    yield from (f"{FOLDER}: {path} does not reach {name}" for name, path in sorted(wanted - found))
    for name, path in sorted(found - wanted):
        if not topology.may_call("traefik", name, path):
            yield f"{FOLDER}: {path} leads to {name}, which refuses it"
    for name, route in routes.items():
        if "PathPrefix(`/`)" in route["rule"] and "!PathPrefix(`/health`)" not in route["rule"]:
            yield f"{FOLDER}, {name}: /health is public"


def check_limits(root: Path) -> Iterator[str]:
    """Each public route has the limits. Only requests that change nothing are repeated."""
    middlewares = dynamic(root)["middlewares"]
    for name, route in public_routes(root).items():
        used = set(route["middlewares"])
        yield from (f"{FOLDER}, {name}: {missing} is not defined" for missing in sorted(used - middlewares.keys()))
        yield from (f"{FOLDER}, {name}: {missing} is missing" for missing in sorted(_ALWAYS - used))
        reads_only = re.search(r"&& \(Method\(`GET`\) \|\| Method\(`HEAD`\)\)$", route["rule"]) is not None
        if "retry" in used and not reads_only:
            yield f"{FOLDER}, {name}: it repeats requests that may change something"
        if not reads_only and route["service"] not in _STREAMS and "body" not in used:
            yield f"{FOLDER}, {name}: bodies are not limited"
        if re.search("/api/auth|/oauth", route["rule"]) and "auth-rate" not in used:
            yield f"{FOLDER}, {name}: attempts to log in are not limited"
        if "tls" not in route:
            yield f"{FOLDER}, {name}: it is served without TLS"
    if middlewares["limits"]["chain"]["middlewares"] != ["rate", "in-flight"]:
        yield f"{FOLDER}: `limits` does not limit the rate and the requests in flight"
    headers = middlewares["headers"]["headers"]
    for key in ("contentTypeNosniff", "frameDeny", "stsIncludeSubdomains"):
        if headers.get(key) is not True:
            yield f"{FOLDER}: the header of {key} is missing"
    if headers["stsSeconds"] < 31_536_000:  # a year, which browsers ask for
        yield f"{FOLDER}: HSTS ends too early"


def check_tls(root: Path) -> Iterator[str]:
    """Options with another name than `default` are silently not used by a route without `Host`."""
    documents = [read(path) for path in sorted((root / FOLDER).glob("*.yml"))]
    options = {
        name: value for document in documents for name, value in document.get("tls", {}).get("options", {}).items()
    }
    if list(options) != ["default"]:
        yield f"{FOLDER}: the options of TLS are {list(options)}, not `default` alone"
        return
    if options["default"]["minVersion"] not in {"VersionTLS12", "VersionTLS13"}:
        yield f"{FOLDER}: TLS before 1.2 is accepted"
    weak = [suite for suite in options["default"]["cipherSuites"] if _CIPHER.fullmatch(suite) is None]
    yield from (f"{FOLDER}: {suite} is weak" for suite in weak)
    if True in values(documents, "insecureSkipVerify"):
        yield f"{FOLDER}: certificates of services are not verified"
