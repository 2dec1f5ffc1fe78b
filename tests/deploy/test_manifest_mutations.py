"""Each mistake in a manifest is found by a check: copies of the files with one mistake each."""

from __future__ import annotations

import shutil
from dataclasses import dataclass
from pathlib import Path
from typing import Final

import pytest

from tests.deploy.test_manifests import CHECKS

ROOT: Final = Path(__file__).parents[2]
FOLDERS: Final = ("deploy", "traefik", ".github", ".ci")
FILES: Final = (
    "docker-compose.yml",
    "docker-compose.infra.yml",
    "Dockerfile",
    ".dockerignore",
    ".env.example",
    ".gitlab-ci.yml",
    "Makefile",
)
BASE: Final = "deploy/kubernetes/base"
BACKUPS: Final = "deploy/kubernetes/components/backups/backups.yaml"
COMPONENTS: Final = "deploy/kubernetes/components"
OWN_AUTHORITY: Final = f"{COMPONENTS}/own-authority/certificates.yaml"
MONITORING: Final = f"{COMPONENTS}/monitoring"
SYSTEMD: Final = "deploy/systemd"
PROMETHEUS: Final = "deploy/observability/prometheus.yml"


@dataclass(frozen=True, slots=True)
class Mutation:
    """A mistake: in `file`, the text `old` becomes `new`. `problem` is a part of what a check must say."""

    file: str
    old: str
    new: str
    problem: str


MUTATIONS: Final = (
    # Ports and names
    Mutation("docker-compose.yml", 'expose: ["3002"]', 'expose: ["3020"]', "the port is not 3002"),
    Mutation("docker-compose.yml", "container_name: auth-service", "container_name: auth", "no service and container"),
    Mutation(
        "docker-compose.yml", "https://router:4000/graphql", "https://router:4001/graphql", "not the address of router"
    ),
    Mutation("docker-compose.infra.yml", "aliases: [cache]", "aliases: [redis-cache]", "no server redis"),
    Mutation("docker-compose.infra.yml", "      - --public-dns=", "      - --dns=", "and asks for no other"),
    Mutation("docker-compose.infra.yml", '"127.0.0.1:8080:8080"', '"8080:8080"', "the ports are"),
    Mutation("Dockerfile", "EXPOSE 3003", "EXPOSE 3004", "EXPOSE 3003 is missing"),
    Mutation("Dockerfile", "MOSAFE_HEALTH_PORT=4010", "MOSAFE_HEALTH_PORT=4000", "MOSAFE_HEALTH_PORT=4010 is missing"),
    Mutation("traefik/config/routes.yml", "https://rest:8000", "https://rest:8080", "not the address of rest"),
    Mutation(f"{BASE}/account.yaml", "containerPort: 3002", "containerPort: 3022", "the ports are"),
    Mutation(f"{BASE}/router.yaml", "name: router\n  labels", "name: gateway\n  labels", "the names are"),
    Mutation("deploy/helm/mosafe/values.yaml", "healthPort: 3013", "healthPort: 3003", "values.yaml, transaction"),
    Mutation(
        "deploy/helm/mosafe/values.yaml", "hosts: [rest-service]", "hosts: []", "the hosts of the certificate are"
    ),
    Mutation("Dockerfile", "FROM base AS wheel\n", "FROM base AS wheel\nARG PROCESS\n", "not built once"),
    # Probes and health
    Mutation(f"{BASE}/auth.yaml", "path: /health/ready", "path: /ready", "the readinessProbe does not ask"),
    Mutation(
        "docker-compose.infra.yml", "test: [CMD, pg_isready", "tests: [CMD, pg_isready", "there is no health check"
    ),
    Mutation(
        "docker-compose.yml", "router: {condition: service_healthy}", "router: {condition: service_started}", "wait"
    ),
    # Who may call whom
    Mutation(f"{BASE}/network.yaml", "name: default-deny", "name: default", "no policy that denies everything"),
    Mutation(
        f"{BASE}/account.yaml", "app.kubernetes.io/name: transaction}}", "app.kubernetes.io/name: rest}}", "may connect"
    ),
    Mutation("deploy/istio/access.yaml", "mode: STRICT", "mode: PERMISSIVE", "mutual TLS is not required"),
    Mutation("deploy/istio/access.yaml", "sa/transaction]", "sa/rest]", "who may call auth"),
    Mutation("deploy/istio/traffic.yaml", "weight: 0", "weight: 10", "the weights are not 100"),
    Mutation("traefik/config/routes.yml", " && !PathPrefix(`/health`)", "", "/health is public"),
    # Mutual TLS
    Mutation("docker-compose.yml", "https://router:4000", "http://router:4000", "ROUTER_URL is plain HTTP"),
    Mutation("docker-compose.yml", "/run/certs/ca.pem", "/run/certs/other.pem", "without the variables of mutual TLS"),
    Mutation("docker-compose.yml", "secrets/certs/account,", "secrets/certs/auth,", "account is not mounted"),
    Mutation("docker-compose.infra.yml", "      - --touch=/traefik/tls.yml\n", "", "does not learn of new"),
    Mutation(
        "docker-compose.infra.yml", "      - ./secrets/certs/traefik:/etc/traefik/certs:ro\n", "", "is not mounted"
    ),
    Mutation("traefik/config/routes.yml", "https://rest:8000", "http://rest:8000", "rest: plain HTTP"),
    Mutation("traefik/config/routes.yml", "        serversTransport: router\n", "", "that it speaks to router"),
    Mutation(
        "traefik/config/routes.yml", "peerCertURI: spiffe://mosafe/auth", "peerCertURI: spiffe://mosafe/rest", "auth"
    ),
    Mutation("traefik/config/routes.yml", "      rootCAs: [/etc/traefik/certs/ca.pem]\n", "", "is not verified"),
    Mutation(
        "traefik/config/routes.yml", "[limits, headers, unavailable-graphql, ", "[limits, headers, ", "the form of"
    ),
    Mutation(
        "traefik/config/limits.yml", "        service: auth\n", "        service: rest\n", "is asked for the text"
    ),
    Mutation("traefik/config/limits.yml", "errors/api/{status}", "error/api/{status}", "is not a text"),
    Mutation("traefik/config/limits.yml", "responseCode: 502", "responseCode: 503", "a status of the services"),
    Mutation(f"{BASE}/router.yaml", "https://account-service", "http://account-service", "ACCOUNT_URL is plain HTTP"),
    Mutation(
        f"{BASE}/rest.yaml",
        "            - {name: certificates, mountPath: /run/certs, readOnly: true}\n",
        "",
        "the certificate is not mounted",
    ),
    Mutation(f"{BASE}/account.yaml", "secretName: account-tls", "secretName: auth-tls", "the certificate of account"),
    Mutation(f"{COMPONENTS}/traefik/routes.yaml", "scheme: https", "scheme: http", "not called by mutual TLS"),
    Mutation(f"{COMPONENTS}/traefik/routes.yaml", "  certificatesSecrets: [traefik-tls]\n", "", "by mutual TLS"),
    Mutation(f"{COMPONENTS}/cert-manager/certificates.yaml", "mosafe/router]", "mosafe/rest]", "identity of router"),
    Mutation(f"{COMPONENTS}/gateway/routes.yaml", "mosafe/transaction", "mosafe/rest", "whom it speaks to"),
    Mutation(f"{COMPONENTS}/mesh/kustomization.yaml", 'value: "http://auth', 'value: "https://auth', "is missing"),
    Mutation("deploy/kubernetes/overlays/dev/kustomization.yaml", "certs/rest/ca", "certs/auth/ca", "rest is missing"),
    # Certificates without cert-manager
    Mutation(OWN_AUTHORITY, "operator-tls, auth-tls", "auth-tls", "the Secrets are"),
    Mutation(OWN_AUTHORITY, "    verbs: [create]", "    verbs: [create, get]", "may create, get every Secret"),
    Mutation(OWN_AUTHORITY, "    resources: [secrets]", "    resources: [secrets, pods]", "may use"),
    Mutation(OWN_AUTHORITY, "{medium: Memory, sizeLimit: 16Mi}", "{sizeLimit: 16Mi}", "to the disk of the node"),
    Mutation(OWN_AUTHORITY, "certs, keep-secrets]", "certs, list]", "the pods run"),
    Mutation(OWN_AUTHORITY, '"7 * * * *"', '"7 3 * * *"', "not renewed once an hour"),
    Mutation(OWN_AUTHORITY, "kind: ServiceAccount, name: certificates", "kind: ServiceAccount, name: auth", "rights"),
    Mutation(OWN_AUTHORITY, "automountServiceAccountToken: false\n      e", "e", "it has a token of the API"),
    # Secrets
    Mutation("docker-compose.infra.yml", "POSTGRES_USER: auth", "POSTGRES_PASSWORD: Tr0ub4dor&3", "a secret in clear"),
    Mutation(
        "docker-compose.yml",
        "      MOSAFE_SERVICE_SECRET_FILE: /run/secrets/mosafe_service_secret\n      REDIS_URL_FILE",
        "      REDIS_URL_FILE",
        "without MOSAFE_SERVICE_SECRET",
    ),
    Mutation("docker-compose.yml", "${AUTH_ISSUER:-}", "redis://:swordfish@cache", "a secret in clear"),
    Mutation("docker-compose.yml", "{file: ./secrets/auth_audit_key}", "{file: ./secrets/audit}", "is not one of"),
    Mutation("Dockerfile", "PYTHONUNBUFFERED=1", "AUTH_JWT_SECRET=x", "would be readable in the image"),
    Mutation(f"{BASE}/rest.yaml", "kind: ServiceAccount", "kind: Secret", "it has a Secret"),
    # Rights
    Mutation("docker-compose.yml", "cap_drop: [ALL]", "cap_drop: []", "it keeps capabilities"),
    Mutation("docker-compose.yml", 'user: "10001:10001"', 'user: "0:0"', "it runs as the user 0:0"),
    Mutation(
        f"{BASE}/auth.yaml", "readOnlyRootFilesystem: true", "readOnlyRootFilesystem: false", "its root is writable"
    ),
    # Backups
    Mutation("docker-compose.yml", "command: [backup, schedule", "command: [backup, list", "no service backup"),
    Mutation(
        "docker-compose.yml", "backup-data:/var/lib/mosafe", "backup-data:/var/lib/other", "lost with the container"
    ),
    Mutation("docker-compose.yml", "BACKUP_RECIPIENTS: /backup", "BACKUP_IDENTITY_FILE: /backup", "the private key"),
    Mutation("Dockerfile", "then echo backup", "then echo up", "cannot make backups"),
    Mutation(BACKUPS, "concurrencyPolicy: Forbid", "concurrencyPolicy: Allow", "at the same time"),
    Mutation(BACKUPS, "[mosafe, backup, create", "[mosafe, backup, list", "no backup is made"),
    Mutation(BACKUPS, "{port: 27017, protocol: TCP}, ", "", "does not open the ports"),
    Mutation(BACKUPS, "value: /run/secrets/account_db_url", "value: /run/secrets/auth_db_url", "ACCOUNT_DB_URL_FILE"),
    Mutation(BACKUPS, "allowPrivilegeEscalation: false", "allowPrivilegeEscalation: true", "it keeps rights"),
    Mutation("deploy/helm/mosafe/values.yaml", 'schedule: "0 3 * * *"', 'schedule: "0 3 1 * *"', "backups: "),
    # Metrics and alerts
    Mutation(PROMETHEUS, "router:4010", "router:4000", "the processes are"),
    Mutation(PROMETHEUS, "/health/ready", "/health/live", "not asked whether they are ready"),
    Mutation(PROMETHEUS, "kafka:9092", "broker:9092", "there is no service broker"),
    Mutation(PROMETHEUS, "mongodb-exporter:9216", "mongodb-exporter:9187", "the exporter of mongodb is not read"),
    Mutation("docker-compose.infra.yml", "MONGODB_USER: exporter", "MONGODB_PASSWORD: exporter", "shows the password"),
    Mutation(
        "docker-compose.infra.yml",
        "REDIS_ADDR: redis://redis:6379",
        "REDIS_ADDR: redis://cache:6379",
        "no password for",
    ),
    Mutation("docker-compose.infra.yml", "exporter.json", "password", "redis-exporter: it does not read its password"),
    Mutation("deploy/observability/alerts.yml", "redis_memory_used_bytes", "redis_used_bytes", "no source has"),
    Mutation("deploy/observability/alerts.test.yml", "alertname: FewConnectionsLeft", "alertname: Few", "has no test"),
    Mutation("deploy/observability/alerts.yml", "pg_up", "pg_alive", "no source has the metric pg_alive"),
    Mutation("docker-compose.infra.yml", '"127.0.0.1:9090:9090"', '"9090:9090"', "open to other machines"),
    Mutation("docker-compose.infra.yml", "PASSWORD__FILE: /run/secrets/grafana_password", "USER: root", "default one"),
    Mutation("traefik/traefik.yml", "metrics:\n  prometheus", "metrics:\n  statsD", "there are no metrics"),
    Mutation(
        "docker-compose.yml", "MOSAFE_HEALTH_HOST: 0.0.0.0", "MOSAFE_HEALTH_HOST:", "where Prometheus cannot reach"
    ),
    Mutation(f"{MONITORING}/alerts.yaml", "- alert: NoPrimary", "- alert: NoMain", "NoPrimary is missing"),
    Mutation(f"{MONITORING}/alerts.yaml", "< 0.1", "< 0.01", "FewConnectionsLeft is not the alert that is tested"),
    Mutation("deploy/helm/mosafe/files/alerts.yaml", "for: 1m", "for: 9m", "not the alerts of"),
    Mutation(f"{MONITORING}/alerts.yaml", "auth|account|", "auth|", "does not watch every process"),
    Mutation(f"{MONITORING}/exporters.yaml", "replacement: redis", "replacement: cache", "do not know the name of the"),
    Mutation(f"{MONITORING}/exporters.yaml", "port: 27017", "port: 27018", "the policy opens"),
    Mutation("deploy/helm/mosafe/values.yaml", "serverPort: 6379", "serverPort: 6380", "the exporter of redis is not"),
    # Migrations
    Mutation(f"{BASE}/migrations.yaml", "[mosafe, auth, migrate]", "[mosafe, auth, users]", "it does not run"),
    Mutation(f"{BASE}/migrations.yaml", "name: transaction-migrate", "name: transaction-job", "no Job migrates"),
    Mutation(f"{BASE}/migrations.yaml", "port: 5432", "port: 27017", "it can reach"),
    Mutation(f"{BASE}/migrations.yaml", "value: /run/secrets/account_db_url", "value: /run/secrets/x", "the variables"),
    Mutation(
        f"{COMPONENTS}/mesh/kustomization.yaml", "{name: transaction-migrate}", "{name: x}", "transaction-migrate is"
    ),
    # systemd
    Mutation(f"{SYSTEMD}/mosafe-platform.target", "mosafe@account.service ", "", "the target starts"),
    Mutation(f"{SYSTEMD}/mosafe@.service", "User=mosafe", "User=root", "it is root"),
    Mutation(
        f"{SYSTEMD}/mosafe-backup.service", "NoNewPrivileges=yes", "NoNewPrivileges=no", "without NoNewPrivileges"
    ),
    Mutation(f"{SYSTEMD}/mosafe-router.service", "router serve", "router compose", "it does not run router serve"),
    Mutation(f"{SYSTEMD}/mosafe-certificates.service", "keep --once", "list", "before the certificates exist"),
    Mutation(f"{SYSTEMD}/mosafe@.service", " mosafe-certificates.service", "", "before its certificate exists"),
    # Limits and pins
    Mutation("docker-compose.infra.yml", "image: redis:7.4.6-bookworm", "image: redis:latest", "not pinned by version"),
    Mutation(
        "traefik/traefik.yml", "trustedIPs: []", "trustedIPs: [0.0.0.0/0]", "X-Forwarded-For of clients is believed"
    ),
    Mutation(
        "traefik/config/tls.yml", "  options:\n    default:\n", "  options:\n    modern:\n", "not `default` alone"
    ),
    Mutation(
        "traefik/config/routes.yml",
        "[limits, body, headers, unavailable, breaker, compress]",
        "[limits, retry, headers, breaker]",
        "repeats",
    ),
    Mutation("traefik/waf/traefik.yml", "middlewares: [waf@file]", "middlewares: []", "in more than the firewall"),
    Mutation("traefik/waf/traefik.yml", "readTimeout: 30s", "readTimeout: 90s", "in more than the firewall"),
    Mutation("traefik/waf/traefik.yml", "  abortOnPluginFailure: true\n", "", "without the firewall"),
    Mutation(
        "traefik/config/waf.yml", "SecRuleEngine On", "SecRuleEngine DetectionOnly", "SecRuleEngine On is missing"
    ),
    Mutation("docker-compose.infra.yml", "mongo:7.0.24-jammy", "mongo:7.0.25-jammy", "mongo:7.0.25-jammy is not in"),
    Mutation("deploy/images.yaml", "version: 18.0-bookworm", "version: 18.1-bookworm", "no file uses postgres:18.1"),
    Mutation("Dockerfile", "slim-bookworm AS base", f"slim-bookworm@sha256:{'a' * 64} AS base", "as in deploy/images"),
    Mutation("deploy/images.yaml", "digest: null", "digest: sha256:1", "which is not a digest"),
    Mutation("deploy/images.yaml", "digest: null", f"digest: sha256:{'a' * 64}", "without a digest: "),
    # Pipelines
    Mutation("deploy/gitlab/deploy.yml", "  needs: [build-image, canary]", "  needs: [canary]", "without the digests"),
    Mutation("deploy/gitlab/images.yml", '$IMAGE@$(cat "image-$PROCESS.digest")', "$IMAGE", "by its tag"),
    Mutation("deploy/gitlab/deploy.yml", "alpine/k8s:1.34.1", "alpine/helm:3.19.0", "alpine/helm:3.19.0 is not in"),
    Mutation("deploy/gitlab/checks.yml", "script: make lint", "script: make lints", "has no target lints"),
    Mutation(
        "deploy/gitlab/deploy.yml", "      when: manual\n\nproduction:", "\nproduction:", "does not wait for a person"
    ),
)


@pytest.fixture(scope="module")
def copy(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A copy of the files that the checks read."""
    folder = tmp_path_factory.mktemp("manifests")
    for name in FOLDERS:
        shutil.copytree(ROOT / name, folder / name)
    for name in FILES:
        shutil.copy(ROOT / name, folder / name)
    return folder


def test_the_copy_has_no_problem(copy: Path) -> None:
    assert [problem for check in CHECKS for problem in check(copy)] == []


@pytest.mark.parametrize("mutation", MUTATIONS, ids=lambda mutation: f"{mutation.file}: {mutation.new[:40]}")
def test_a_mistake_is_found(mutation: Mutation, copy: Path) -> None:
    path = copy / mutation.file
    original = path.read_text(encoding="utf-8")
    assert mutation.old in original
    path.write_text(original.replace(mutation.old, mutation.new, 1), encoding="utf-8")
    try:
        found: list[str] = []
        for check in CHECKS:
            try:
                found += check(copy)
            except (KeyError, TypeError, ValueError) as error:  # a check that cannot go on has found the mistake, too
                found.append(f"{check.__name__}: {error!r}")
        assert [problem for problem in found if mutation.problem in problem], found
    finally:
        path.write_text(original, encoding="utf-8")
