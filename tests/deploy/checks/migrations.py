"""Each store is migrated by a Job, with the secrets and the rights that this needs, and no others."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from tests.deploy.checks.documents import read, read_all
from tests.deploy.checks.kubernetes import BASE, VALUES, resources
from tests.deploy.checks.mutual_tls import MESH

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

FILE: Final = f"{BASE}/migrations.yaml"
# The services with a store, and the port of its server.
STORES: Final = {"auth": 5432, "account": 27017, "transaction": 27017}


def check_migrations(root: Path) -> Iterator[str]:
    """The Job of a service runs its command, with variables of its Deployment, and reaches its server alone."""
    found = {(each["kind"], each["metadata"]["name"]): each for each in read_all(root / FILE)}
    patches = "\n".join(patch["patch"] for patch in read(root / MESH)["patches"])
    for service, port in STORES.items():
        name, where = f"{service}-migrate", f"{FILE}, {service}"
        if ("Job", name) not in found or ("NetworkPolicy", name) not in found:
            yield f"{where}: no Job migrates the store"
            continue
        pod = found["Job", name]["spec"]["template"]["spec"]
        (container,) = pod["containers"]
        command = ["mosafe", service, "migrate"]
        if container["command"] != command or read(root / VALUES)["processes"][service].get("migrate") != command:
            yield f"{where}: it does not run {' '.join(command)}"
        (deployed,) = resources(root, service)["Deployment"]["spec"]["template"]["spec"]["containers"]
        if container["image"] != deployed["image"] or pod["serviceAccountName"] != service:
            yield f"{where}: it is not the image or the service account of {service}"
        given = {item["name"]: item.get("value") for item in container["env"]}
        others = given.items() - {(item["name"], item.get("value")) for item in deployed["env"]}
        if others or f"{service.upper()}_DB_URL_FILE" not in given:
            yield f"{where}: the variables are not those of {service}"
        policy = found["NetworkPolicy", name]["spec"]
        ports = [rule["ports"] for rule in policy["egress"]]
        if ports != [[{"port": port, "protocol": "TCP"}]] or "ingress" in policy:
            yield f"{where}: it can reach {ports}"
        if (
            any(value.startswith("https://") for value in given.values())
            and f"metadata: {{name: {name}}}" not in patches
        ):
            yield f"{MESH}: {name} is missing"
