"""The Job and the CronJob that keep certificates in Secrets may do this, and nothing else."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

from bank.topology import load_topology
from tests.deploy.checks.documents import read_all

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

FILE: Final = "deploy/kubernetes/components/own-authority/certificates.yaml"
_ACCOUNT: Final = "/var/run/secrets/kubernetes.io/serviceaccount"


def check_own_authority(root: Path) -> Iterator[str]:
    """The Job makes the first certificates, the CronJob renews them hourly, and both have the rights that they need."""
    found = {document["kind"]: document for document in read_all(root / FILE)}
    first, cron = found["Job"]["spec"]["template"]["spec"], found["CronJob"]["spec"]
    if first != cron["jobTemplate"]["spec"]["template"]["spec"]:
        yield f"{FILE}: the Job and the CronJob run different pods"
    if not cron["schedule"].endswith(" * * * *") or cron["concurrencyPolicy"] != "Forbid":
        yield f"{FILE}: the certificates are not renewed once an hour, by one pod at a time"
    yield from (f"{FILE}: {problem}" for problem in _pod(first))
    yield from (f"{FILE}: {problem}" for problem in _rights(found["Role"]["rules"]))
    account = found["ServiceAccount"]["metadata"]["name"]
    binding = found["RoleBinding"]
    if binding["roleRef"]["name"] != found["Role"]["metadata"]["name"] or binding["subjects"] != [
        {"kind": "ServiceAccount", "name": account}
    ]:
        yield f"{FILE}: the rights are not those of the service account {account}"
    if first["serviceAccountName"] != account:
        yield f"{FILE}: the pods do not run as {account}"
    if "ingress" in found["NetworkPolicy"]["spec"]:
        yield f"{FILE}: somebody may connect to the pods"


def _pod(pod: dict[str, Any]) -> Iterator[str]:
    (container,) = pod["containers"]
    if container["command"] != ["mosafe", "certs", "keep-secrets"]:
        yield f"the pods run {container['command']}"
    if {"name": "account", "mountPath": _ACCOUNT, "readOnly": True} not in container["volumeMounts"]:
        yield "the pods have no token of the API"
    if any(volume.get("emptyDir", {"medium": "Memory"}).get("medium") != "Memory" for volume in pod["volumes"]):
        yield "private keys are written to the disk of the node"


def _rights(rules: list[dict[str, Any]]) -> Iterator[str]:
    secrets = {"authority-tls", *(f"{process}-tls" for process in load_topology().processes)}
    for rule in rules:
        if rule["apiGroups"] != [""] or rule["resources"] != ["secrets"]:
            yield f"the pods may use {rule['resources']}"
        names = set(rule.get("resourceNames", ()))
        if names and names != secrets:
            yield f"the Secrets are {sorted(names)}, not {sorted(secrets)}"
        if not names and rule["verbs"] != ["create"]:
            yield f"the pods may {', '.join(rule['verbs'])} every Secret of the namespace"
