"""Each deployment makes backups of all stores, encrypted for a public key, and deletes old ones."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

from mosafe.backup.settings import BackupSettings
from tests.deploy.checks.compose import SERVICES_FILE
from tests.deploy.checks.documents import read, read_all
from tests.deploy.checks.kubernetes import VALUES

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping
    from pathlib import Path

COMPONENT: Final = "deploy/kubernetes/components/backups/backups.yaml"
OVERLAY: Final = "deploy/kubernetes/overlays/production/kustomization.yaml"
_STORES: Final = frozenset({"auth_db_url", "account_db_url", "transaction_db_url"})
# PostgreSQL, MongoDB and Kafka.
_PORTS: Final = [5432, 27017, 9092]
_WITHOUT_SECRETS: Final = "--without-secrets"


def check_backups_of_compose(root: Path) -> Iterator[str]:
    """The service runs the schedule, for all stores, with a volume that outlives it."""
    document = read(root / SERVICES_FILE)
    service = document["services"].get("backup", {})
    if service.get("command") != ["backup", "schedule", _WITHOUT_SECRETS] or service.get("profiles") != ["backup"]:
        yield f"{SERVICES_FILE}: there is no service backup with the schedule of backups"
        return
    if service["build"]["args"]["PROCESS"] != "operator" or "/operator:" not in service["image"]:
        yield f"{SERVICES_FILE}, backup: not the image of operators"
    if set(service["secrets"]) != _STORES:
        yield f"{SERVICES_FILE}, backup: it does not read all stores"
    environment = service["environment"]
    yield from (f"{SERVICES_FILE}, backup: {problem}" for problem in _variables(environment))
    folder = environment["BACKUP_TO"].partition(":-")[2].rstrip("}")
    if not any(folder.startswith(volume.partition(":")[2]) for volume in service["volumes"]):
        yield f"{SERVICES_FILE}, backup: the folder {folder} is lost with the container"
    if f"/{service['configs'][0]}" != environment["BACKUP_RECIPIENTS"]:
        yield f"{SERVICES_FILE}, backup: the public keys are not mounted"


def check_backups_of_kubernetes(root: Path) -> Iterator[str]:
    """The CronJob makes a backup, and then prunes; nothing but the servers and the object store can be reached."""
    found = {document["kind"]: document for document in read_all(root / COMPONENT)}
    spec = found["CronJob"]["spec"]
    if spec["concurrencyPolicy"] != "Forbid":
        yield f"{COMPONENT}: two backups may run at the same time"
    pod = spec["jobTemplate"]["spec"]["template"]["spec"]
    (create,), (prune,) = pod["initContainers"], pod["containers"]
    if create["command"] != ["mosafe", "backup", "create", _WITHOUT_SECRETS]:
        yield f"{COMPONENT}: no backup is made"
    if prune["command"] != ["mosafe", "backup", "prune"]:
        yield f"{COMPONENT}: old backups are not deleted"
    for container in (create, prune):
        variables = {item["name"]: item["value"] for item in container["env"]}
        yield from (f"{COMPONENT}, {container['name']}: {problem}" for problem in _variables(variables))
    if create["env"] != prune["env"] or create["envFrom"] != prune["envFrom"]:
        yield f"{COMPONENT}: the two containers have other variables"
    servers = found["NetworkPolicy"]["spec"]["egress"][0]
    if [port["port"] for port in servers["ports"]] != _PORTS or "ingress" in found["NetworkPolicy"]["spec"]:
        yield f"{COMPONENT}: the policy does not open the ports {_PORTS} of the servers alone"
    if "../../components/backups" not in read(root / OVERLAY)["components"]:
        yield f"{OVERLAY}: there are no backups"


def check_backups_of_helm(root: Path) -> Iterator[str]:
    """The values of the chart are those of the component and of the settings."""
    own = read(root / VALUES)["backups"]
    found = {document["kind"]: document for document in read_all(root / COMPONENT)}
    spec = found["CronJob"]["spec"]
    (container,) = spec["jobTemplate"]["spec"]["template"]["spec"]["containers"]
    expected: dict[str, Any] = {
        "schedule": spec["schedule"],
        "resources": container["resources"],
        "serverPorts": _PORTS,
        "secrets": sorted(_STORES),
        "keep": BackupSettings.model_fields["keep"].default,
    }
    given = {name: sorted(own[name]) if name == "secrets" else own[name] for name in expected}
    if given != expected:
        yield f"{VALUES}, backups: {given} instead of {expected}"
    if spec["schedule"] != BackupSettings.model_fields["schedule"].default:
        yield f"{COMPONENT}: the schedule is not the default one of `mosafe backup schedule`"


def _variables(environment: Mapping[str, Any]) -> Iterator[str]:
    for name in sorted(_STORES):
        if environment.get(f"{name.upper()}_FILE") != f"/run/secrets/{name}":
            yield f"{name.upper()}_FILE is not /run/secrets/{name}"
    if any(name.startswith("BACKUP_IDENTITY") for name in environment):
        yield "it has the private key, which would open all backups"
    if not environment.get("BACKUP_RECIPIENTS"):
        yield "backups would not be encrypted: there is no BACKUP_RECIPIENTS"
