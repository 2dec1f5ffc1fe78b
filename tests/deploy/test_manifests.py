"""The files with which the platform is deployed agree with each other, and with the topology of the platform.

Covers `tests/deploy/checks`.
"""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Final

import pytest

from tests.deploy.checks import (
    backups,
    compose,
    image_pins,
    images,
    istio,
    kubernetes,
    migrations,
    monitoring,
    mutual_tls,
    observability,
    own_authority,
    pipelines,
    secrets_in_clear,
    systemd,
    traefik,
)

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

ROOT: Final = Path(__file__).parents[2]
CHECKS: Final[tuple[Callable[[Path], Iterator[str]], ...]] = (
    images.check_dockerfile,
    images.check_dockerignore,
    image_pins.check_pins,
    compose.check_names,
    compose.check_network,
    compose.check_variables,
    compose.check_addresses,
    compose.check_secrets,
    compose.check_hardening,
    compose.check_health,
    compose.check_versions,
    traefik.check_entry_points,
    traefik.check_firewall,
    traefik.check_access_log,
    traefik.check_services,
    traefik.check_routes,
    traefik.check_limits,
    traefik.check_tls,
    kubernetes.check_kustomization,
    kubernetes.check_processes,
    kubernetes.check_pods,
    kubernetes.check_network_policies,
    kubernetes.check_helm_values,
    migrations.check_migrations,
    mutual_tls.check_compose,
    mutual_tls.check_certificates_of_compose,
    mutual_tls.check_traefik,
    mutual_tls.check_gateway_errors,
    mutual_tls.check_pods,
    mutual_tls.check_cert_manager,
    own_authority.check_own_authority,
    mutual_tls.check_traefik_in_kubernetes,
    mutual_tls.check_mesh,
    istio.check_access,
    istio.check_traffic,
    pipelines.check_targets,
    pipelines.check_scripts,
    pipelines.check_stages,
    pipelines.check_digests,
    pipelines.check_policy,
    backups.check_backups_of_compose,
    backups.check_backups_of_kubernetes,
    backups.check_backups_of_helm,
    observability.check_targets,
    observability.check_metrics,
    observability.check_observability_services,
    monitoring.check_alerts_of_kubernetes,
    monitoring.check_exporters_of_kubernetes,
    systemd.check_units,
    secrets_in_clear.check_secrets_in_clear,
)
# Pairs of a schema that check-jsonschema carries and the files that it describes.
SCHEMAS: Final = (
    ("vendor.compose-spec", ("docker-compose.yml", "docker-compose.infra.yml")),
    (
        "vendor.gitlab-ci",
        (".gitlab-ci.yml", "deploy/gitlab/checks.yml", "deploy/gitlab/images.yml", "deploy/gitlab/deploy.yml"),
    ),
    (
        "vendor.github-workflows",
        (".github/workflows/ci.yml", ".github/workflows/images.yml", ".github/workflows/nightly.yml"),
    ),
)


@pytest.mark.parametrize("check", CHECKS, ids=lambda check: f"{check.__module__.rpartition('.')[2]}.{check.__name__}")
def test_the_manifests_pass(check: Callable[[Path], Iterator[str]]) -> None:
    assert list(check(ROOT)) == []


@pytest.mark.parametrize(("schema", "files"), SCHEMAS, ids=lambda value: value if isinstance(value, str) else "")
def test_the_files_have_the_form_of_their_schema(schema: str, files: tuple[str, ...]) -> None:
    command = [sys.executable, "-m", "check_jsonschema", "--builtin-schema", schema, *files]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout + done.stderr
