"""The tools that read manifests accept them: docker compose, kubeconform, helm, checkov. Run by `make test-deploy`."""

from __future__ import annotations

import json
import re
import shutil
from operator import itemgetter
from pathlib import Path
from typing import Any, Final

import pytest
from ruamel.yaml import YAML

from mosafe.certificates.folder import CertificateFolder
from mosafe.certificates.keeping import complete
from mosafe.secret_files import create_missing
from tests.deploy.checks.documents import CONTAINERS
from tests.tools.deploy_tools import (
    COMPOSE,
    FALCO,
    HELM,
    KUBECONFORM,
    KUSTOMIZE,
    PROMTOOL,
    lint_command,
    resource_schemas,
    run_tool,
)

ROOT: Final = Path(__file__).parents[2]

DIGEST: Final = "0" * 64

pytestmark = pytest.mark.usefixtures("deploy_tools")


@pytest.fixture
def checkout(tmp_path: Path) -> Path:
    """A folder with the files that the first two commands of the README need, after `cp .env.example .env`."""
    for name in ("docker-compose.yml", "docker-compose.infra.yml", "Dockerfile", "deploy", "traefik"):
        (tmp_path / name).symlink_to(ROOT / name)
    (tmp_path / ".env").write_text((ROOT / ".env.example").read_text(encoding="utf-8"), encoding="utf-8")
    create_missing(tmp_path / "secrets")
    return tmp_path


def test_docker_compose_accepts_both_files(checkout: Path) -> None:
    servers = json.loads(
        run_tool(COMPOSE, "-f", "docker-compose.infra.yml", "config", "--format", "json", folder=checkout)
    )
    services = json.loads(run_tool(COMPOSE, "config", "--format", "json", folder=checkout))
    assert set(services["services"]) == set(CONTAINERS.values())
    assert {"postgres", "mongodb", "redis", "kafka", "traefik"} <= set(servers["services"])
    # Variables that nobody has set do not reach a container as empty texts.
    unset = {
        name
        for service in services["services"].values()
        for name, value in service["environment"].items()
        if value is None
    }
    assert "AUTH_SESSION_HOURS" in unset


def test_no_secret_is_in_the_resolved_files(checkout: Path) -> None:
    secrets = [path.read_text().strip() for path in (checkout / "secrets").rglob("*") if path.is_file()]
    for arguments in (["-f", "docker-compose.infra.yml"], ["--profile", "*"]):
        resolved = run_tool(COMPOSE, *arguments, "config", folder=checkout)
        assert [secret for secret in secrets if secret in resolved] == []


def test_a_variable_of_the_env_file_reaches_its_process_alone(checkout: Path) -> None:
    with (checkout / ".env").open("a", encoding="utf-8") as file:
        file.write("AUTH_SESSION_HOURS=24\n")
    services = json.loads(run_tool(COMPOSE, "config", "--format", "json", folder=checkout))["services"]
    found = {name for name, service in services.items() if service["environment"].get("AUTH_SESSION_HOURS") == "24"}
    assert found == {"auth-service"}


def test_promtool_accepts_targets_and_alerts(tmp_path: Path) -> None:
    promtool = PROMTOOL if PROMTOOL.exists() else shutil.which("promtool")
    if promtool is None:
        pytest.skip("needs promtool: make tools")
    folder = ROOT / "deploy" / "observability"
    run_tool(promtool, "check", "config", "--lint=all", folder / "prometheus.yml", folder=tmp_path)
    run_tool(promtool, "test", "rules", folder / "alerts.test.yml", folder=tmp_path)


def test_promtool_accepts_the_expressions_of_dashboards(tmp_path: Path) -> None:
    promtool = PROMTOOL if PROMTOOL.exists() else shutil.which("promtool")
    if promtool is None:
        pytest.skip("needs promtool: make tools")
    rules: list[dict[str, str]] = []
    for path in (ROOT / "deploy" / "observability" / "grafana" / "dashboards").glob("*.json"):
        for panel in json.loads(path.read_text(encoding="utf-8"))["panels"]:
            for target in panel["targets"]:
                # Grafana puts a duration in the place of its variable.
                expression = re.sub(r"\$__rate_interval", "5m", target["expr"])
                rules.append({"record": f"panel:{len(rules)}", "expr": expression})
    assert rules
    file = tmp_path / "panels.yml"
    file.write_text(json.dumps({"groups": [{"name": "panels", "rules": rules}]}), encoding="utf-8")
    run_tool(promtool, "check", "rules", "--lint=none", file)


def test_hadolint_accepts_the_dockerfile() -> None:
    run_tool(lint_command("hadolint"), ROOT / "Dockerfile")


def test_cfn_lint_accepts_the_template_of_the_cdn() -> None:
    run_tool(
        lint_command("cfn-lint"), "--region", "us-east-1", "--template", ROOT / "deploy" / "cdn" / "cloudfront.yaml"
    )


def test_falco_accepts_the_vcl_of_the_cdn_and_its_decisions() -> None:
    file = ROOT / "deploy" / "cdn" / "fastly.vcl"
    linted = json.loads(run_tool(FALCO, "lint", "-json", file))
    assert (linted["Errors"], linted["Warnings"]) == (0, 0)
    tested = json.loads(run_tool(FALCO, "test", "-json", "-I", ROOT / "tests" / "deploy" / "vcl", file))
    assert tested["summary"]["fails"] == 0
    assert tested["summary"]["passes"] > 0


def test_shellcheck_accepts_the_scripts_of_pipelines() -> None:
    run_tool(
        lint_command("shellcheck"),
        *sorted((ROOT / "deploy" / "pipeline").glob("*.sh")),
        ROOT / "tests/tools/install.sh",
    )


def kubeconform(manifests: str) -> None:
    """Check manifests against the strict schemas. A kind without a schema is an error."""
    schemas = resource_schemas()
    locations = [
        f"{schemas}/kubernetes/{{{{.ResourceKind}}}}{{{{.KindSuffix}}}}.json",
        f"{schemas}/{{{{.Group}}}}/{{{{.ResourceKind}}}}_{{{{.ResourceAPIVersion}}}}.json",
    ]
    arguments = [argument for location in locations for argument in ("-schema-location", location)]
    run_tool(KUBECONFORM, "-strict", "-summary", *arguments, text=manifests)


def helm(*arguments: str) -> str:
    """Render the chart. The version is that of Kubernetes, which is asked for it in an installation."""
    chart = ROOT / "deploy" / "helm" / "mosafe"
    return run_tool(HELM, "template", "mosafe", chart, "--namespace", "mosafe", "--kube-version", "1.34.0", *arguments)


@pytest.fixture
def kubernetes(tmp_path: Path) -> Path:
    """A copy of the folder `deploy`, with the secrets of the overlay `dev`."""
    folder = tmp_path / "deploy"
    shutil.copytree(ROOT / "deploy", folder)
    secrets = folder / "kubernetes/overlays/dev/secrets"
    create_missing(secrets)
    complete(CertificateFolder(secrets / "certs"))
    return folder


@pytest.mark.parametrize("path", ["kubernetes/overlays/dev", "kubernetes/overlays/production", "istio"])
def test_the_manifests_fit_the_schemas_of_kubernetes_and_its_extensions(kubernetes: Path, path: str) -> None:
    kubeconform(run_tool(KUSTOMIZE, "build", kubernetes / path))


def test_the_variant_for_the_gateway_api_fits_its_schema(kubernetes: Path) -> None:
    overlay = kubernetes / "kubernetes/overlays/production/kustomization.yaml"
    overlay.write_text(overlay.read_text().replace("components/traefik", "components/gateway"))
    manifests = run_tool(KUSTOMIZE, "build", overlay.parent)
    assert "kind: HTTPRoute" in manifests
    assert "IngressRoute" not in manifests
    kubeconform(manifests)


def test_in_a_mesh_no_part_of_our_own_tls_is_left(kubernetes: Path) -> None:
    overlay = kubernetes / "kubernetes/overlays/production/kustomization.yaml"
    overlay.write_text(overlay.read_text().replace("components/cert-manager", "components/mesh"))
    for manifests in (run_tool(KUSTOMIZE, "build", overlay.parent), helm("--set", "certificates.mode=mesh")):
        kubeconform(manifests)
        assert "http://account-service:3002/graphql" in manifests
        assert [line for line in manifests.splitlines() if "MOSAFE_TLS" in line or "https://account" in line] == []
        assert "ServersTransport" not in manifests
        assert "scheme: https" not in manifests
        assert "-tls" not in manifests


def test_the_chart_and_the_component_have_the_same_resources_of_traefik(kubernetes: Path) -> None:
    def specs(text: str) -> dict[tuple[str, str], Any]:
        documents = [document for document in YAML(typ="safe").load_all(text) if document]
        kinds = {"Middleware", "ServersTransport", "Certificate"}
        found = {(d["kind"], d["metadata"]["name"]): d["spec"] for d in documents if d["kind"] in kinds}
        for spec in found.values():  # the names of issuers have the name of the release
            spec.pop("issuerRef", None)
        (route,) = (d["spec"] for d in documents if d["kind"] == "IngressRoute")
        used = {rule["priority"]: (rule["middlewares"], rule["services"]) for rule in route["routes"]}
        return {**found, ("IngressRoute", "platform"): used}

    assert specs(helm()) == specs(run_tool(KUSTOMIZE, "build", kubernetes / "kubernetes/overlays/production"))


@pytest.mark.parametrize(
    "options",
    [
        [],
        ["--set", "traefik.ingressRoute=false", "--set", "migrations=false"],
        ["--set", "backups.enabled=true", "--set", "backups.endpoint=https://s3.example"],
        ["--set", "certificates.mode=secrets", "--set", "certificates.secretPrefix=bank-"],
        ["--set", "monitoring.enabled=true"],
        ["--set", "certificates.mode=own-authority", "--set", "certificates.secretPrefix=bank-"],
        ["--set", f"image.digests.router=sha256:{DIGEST}"],
        ["--set", "certificates.issuer.name=corporate", "--set", "certificates.issuer.kind=ClusterIssuer"],
    ],
)
def test_the_chart_fits_the_schemas(options: list[str]) -> None:
    run_tool(HELM, "lint", "--strict", ROOT / "deploy" / "helm" / "mosafe", *options)
    kubeconform(helm(*options))


@pytest.mark.parametrize(
    "setting",
    [
        "publicUrl=http://bank",
        "image.tag=latest",
        "image.digests.router=latest",
        f"image.digests.other=sha256:{DIGEST}",
        "trustedProxies=0.0.0.0/0",
        "variables.AUTH_JWT_SECRET=x",
        "backups.to=/var/backups",
        "monitoring.redisAddress=redis://:password@redis:6379",
        "x=y",
        "certificates.mode=none",
    ],
)
def test_the_chart_refuses_unsafe_and_unknown_values(setting: str) -> None:
    with pytest.raises(AssertionError, match="values don't meet the specifications"):
        helm("--set", setting)


def test_the_chart_runs_the_image_with_the_digest() -> None:
    manifests = helm("--set", f"image.digests.router=sha256:{DIGEST}")
    images = set(re.findall(r"image: (\S+)", manifests))
    assert f"mosafe/router:0.1.0@sha256:{DIGEST}" in images
    assert "mosafe/rest:0.1.0" in images


def test_the_chart_and_the_base_describe_the_same_pods(kubernetes: Path) -> None:
    def containers(text: str) -> dict[str, Any]:
        documents = [document for document in YAML(typ="safe").load_all(text) if document]
        found = {d["metadata"]["name"]: d["spec"]["template"]["spec"] for d in documents if d["kind"] == "Deployment"}
        for name, pod in found.items():
            (container,) = pod["containers"]
            container["env"] = sorted((item["name"], item.get("value")) for item in container["env"])
            # Set by the installation: the address of Kafka, the image, the name of the settings.
            container["env"] = [item for item in container["env"] if item[0] != "KAFKA_BROKERS"]
            container["image"] = container["image"].rpartition("/")[2]
            # Kustomize merges lists by name, in an order of its own.
            pod["volumes"].sort(key=itemgetter("name"))
            container["volumeMounts"].sort(key=itemgetter("name"))
            del container["envFrom"], found[name]["topologySpreadConstraints"]
        return found

    assert containers(helm()) == containers(run_tool(KUSTOMIZE, "build", kubernetes / "kubernetes/overlays/production"))


def test_the_chart_and_the_component_make_the_same_backups(kubernetes: Path) -> None:
    def job(text: str) -> Any:
        documents = [document for document in YAML(typ="safe").load_all(text) if document]
        (found,) = (document for document in documents if document["kind"] == "CronJob")
        spec = found["spec"]
        pod = spec["jobTemplate"]["spec"]["template"]["spec"]
        for container in (*pod["initContainers"], *pod["containers"]):
            container["image"] = container["image"].rpartition("/")[2]
            # The component has them in a ConfigMap.
            names = {"KAFKA_BROKERS", "BACKUP_TO", "BACKUP_KEEP"}
            container["env"] = [item for item in container["env"] if item["name"] not in names]
            del container["envFrom"]
        del spec["jobTemplate"]["metadata"], spec["jobTemplate"]["spec"]["template"]["metadata"]
        return spec

    overlay = kubernetes / "kubernetes/overlays/production"
    assert job(helm("--set", "backups.enabled=true")) == job(run_tool(KUSTOMIZE, "build", overlay))


def own_authority(kubernetes: Path) -> str:
    """The overlay `production` without cert-manager."""
    overlay = kubernetes / "kubernetes/overlays/production/kustomization.yaml"
    overlay.write_text(overlay.read_text().replace("components/cert-manager", "components/own-authority"))
    return run_tool(KUSTOMIZE, "build", overlay.parent)


def test_the_chart_and_the_component_keep_certificates_in_the_same_way(kubernetes: Path) -> None:
    def parts(text: str) -> dict[str, Any]:
        documents = [document for document in YAML(typ="safe").load_all(text) if document]
        found = {f"{d['kind']} {d['metadata']['name']}": d for d in documents}
        pod = found["Job first-certificates"]["spec"]["template"]["spec"]
        cron = found["CronJob certificates"]["spec"]
        for each in (pod, cron["jobTemplate"]["spec"]["template"]["spec"]):
            each["containers"][0]["image"] = each["containers"][0]["image"].rpartition("/")[2]
        del cron["jobTemplate"]["spec"]["template"]["metadata"]
        rules = found["Role certificates"]["rules"]
        rules[0]["resourceNames"].sort()
        egress = found["NetworkPolicy certificates"]["spec"]["egress"]
        return {"pod": pod, "cron": cron, "rules": rules, "egress": egress}

    manifests = own_authority(kubernetes)
    kubeconform(manifests)
    assert "cert-manager" not in manifests
    assert parts(helm("--set", "certificates.mode=own-authority")) == parts(manifests)


def with_monitoring(kubernetes: Path) -> str:
    """The overlay `production` with exporters and alerts."""
    overlay = kubernetes / "kubernetes/overlays/production/kustomization.yaml"
    text = overlay.read_text()
    overlay.write_text(text.replace("components/backups]", "components/backups, ../../components/monitoring]"))
    try:
        return run_tool(KUSTOMIZE, "build", overlay.parent)
    finally:
        overlay.write_text(text)


def test_the_chart_and_the_component_watch_the_same(kubernetes: Path) -> None:
    def specs(text: str) -> dict[str, Any]:
        documents = [document for document in YAML(typ="safe").load_all(text) if document]
        found = {}
        for document in documents:
            name, spec = document["metadata"]["name"], document.get("spec")
            if document["kind"] == "PrometheusRule":
                found["alerts"] = spec
            elif name.endswith("-exporter"):
                found[f"{document['kind']} {name}"] = spec
                for part in (spec, spec.get("template", {}).get("spec", {})):
                    for key in ("selector", "podSelector"):
                        part.pop(key, None)
                if document["kind"] == "Deployment":
                    del spec["template"]["metadata"]
                    (container,) = spec["template"]["spec"]["containers"]
                    # The component has the address in a ConfigMap.
                    container["env"] = [item for item in container["env"] if item["name"] != "REDIS_ADDR"]
        return found

    manifests = with_monitoring(kubernetes)
    kubeconform(manifests)
    assert specs(helm("--set", "monitoring.enabled=true")) == specs(manifests)


def test_checkov_finds_nothing(kubernetes: Path, tmp_path: Path) -> None:
    rendered = tmp_path / "rendered"
    rendered.mkdir()
    (rendered / "chart.yaml").write_text(helm("--set", "backups.enabled=true"))
    overlay = kubernetes / "kubernetes/overlays/production"
    (rendered / "production.yaml").write_text(run_tool(KUSTOMIZE, "build", overlay))
    (rendered / "monitoring.yaml").write_text(with_monitoring(kubernetes))
    (rendered / "own-authority.yaml").write_text(own_authority(kubernetes))
    shutil.copy(ROOT / "Dockerfile", rendered)
    shutil.copytree(ROOT / ".github", rendered / ".github")
    shutil.copy(ROOT / "deploy" / "cdn" / "cloudfront.yaml", rendered)
    configuration = ("--config-file", ROOT / "deploy" / "pipeline" / "checkov.yaml")
    run_tool(lint_command("checkov"), "--directory", rendered, *configuration, "--compact", "--quiet", folder=rendered)
