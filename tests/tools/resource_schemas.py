"""Writes the JSON schemas with which kubeconform checks manifests, into one folder; nothing is fetched from a web site.

The schemas of Kubernetes come from the Python package kubernetes-validate. Those of custom resources are converted from
the definitions (CRDs) in the Go modules of cert-manager, Istio, Traefik, the Gateway API and the operator of
Prometheus. All are strict: an unknown field is an error, as it is for the API server with `fieldValidation: Strict`.

Usage: `resource_schemas.py FOLDER`. The layout is `kubernetes/<kind>-<group>-<version>.json` and
`<group>/<kind>_<version>.json`; `tests/tools/deploy_tools.py` has the templates of these paths.
"""

from __future__ import annotations

import json
import subprocess
import sys
from importlib.util import find_spec
from pathlib import Path
from typing import Any, Final

import yaml  # type: ignore[import-untyped] # it carries no types, and runs in the environment of the linters

KUBERNETES: Final = "v1.37.0-local-strict"
# Pairs of a Go module and the files in it that define custom resources.
MODULES: Final = (
    ("github.com/cert-manager/cert-manager@v1.19.1", "deploy/crds/cert-manager.io_*.yaml"),
    ("istio.io/api@v1.32.0", "kubernetes/customresourcedefinitions.gen.yaml"),
    ("sigs.k8s.io/gateway-api@v1.6.1", "config/crd/standard/gateway.networking.k8s.io_*.yaml"),
    (
        "github.com/prometheus-operator/prometheus-operator@v0.85.0",
        "example/prometheus-operator-crd/monitoring.coreos.com_podmonitors.yaml",
    ),
    (
        "github.com/prometheus-operator/prometheus-operator@v0.85.0",
        "example/prometheus-operator-crd/monitoring.coreos.com_prometheusrules.yaml",
    ),
    (
        "github.com/traefik/traefik/v3@v3.7.13",
        "docs/content/reference/dynamic-configuration/kubernetes-crd-definition-v1.yml",
    ),
)


def main(folder: Path) -> None:
    core_schemas(folder / "kubernetes")
    for module, pattern in MODULES:
        for path in sorted(_download(module).glob(pattern)):
            for document in yaml.safe_load_all(path.read_text(encoding="utf-8")):
                if document and document["kind"] == "CustomResourceDefinition":
                    custom_schemas(folder, document["spec"])


def core_schemas(folder: Path) -> None:
    """Copy the schemas of Kubernetes. Their references become relative, so that they work as files."""
    spec = find_spec("kubernetes_validate")
    if spec is None or spec.origin is None:
        raise SystemExit("kubernetes-validate is not installed; it is in tests/tools/lint/requirements.txt")
    folder.mkdir(parents=True)
    for path in (Path(spec.origin).parent / "kubernetes-json-schema" / KUBERNETES).glob("*.json"):
        text = path.read_text(encoding="utf-8").replace('"/api/_definitions.json#', '"_definitions.json#')
        schema = json.loads(text)
        schema.pop("$id", None)
        (folder / path.name).write_text(json.dumps(schema), encoding="utf-8")


def custom_schemas(folder: Path, spec: dict[str, Any]) -> None:
    group = folder / spec["group"]
    group.mkdir(parents=True, exist_ok=True)
    for version in spec["versions"]:
        schema = strict(version["schema"]["openAPIV3Schema"])
        properties = schema["properties"]
        for name in ("apiVersion", "kind", "metadata"):  # a definition may leave out what every resource has
            properties.setdefault(name, {"type": "object" if name == "metadata" else "string"})
        path = group / f"{spec['names']['kind'].lower()}_{version['name']}.json"
        path.write_text(json.dumps(schema), encoding="utf-8")


def strict(schema: Any) -> Any:
    """Return an OpenAPI 3 schema of a CRD as JSON schema that refuses unknown fields."""
    if isinstance(schema, list):
        return [strict(item) for item in schema]
    if not isinstance(schema, dict):
        return schema
    converted = {key: strict(value) for key, value in schema.items() if key != "format"}
    keeps_unknown = schema.get("x-kubernetes-preserve-unknown-fields") or "additionalProperties" in schema
    if isinstance(schema.get("properties"), dict) and schema.get("type") == "object" and not keeps_unknown:
        converted["additionalProperties"] = False
    if schema.get("x-kubernetes-int-or-string"):
        converted.pop("type", None)
        converted["anyOf"] = [{"type": "integer"}, {"type": "string"}]
    if schema.get("nullable") and isinstance(converted.get("type"), str):
        converted["type"] = [converted["type"], "null"]
    return converted


def _download(module: str) -> Path:
    output = subprocess.run(["go", "mod", "download", "-json", module], check=True, capture_output=True, text=True)  # noqa: S607 - the Go of PATH, as in install.sh
    return Path(json.loads(output.stdout)["Dir"])


if __name__ == "__main__":
    main(Path(sys.argv[1]))
