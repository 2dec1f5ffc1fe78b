"""The commands that check manifests. `make tools` puts them into the cache; `install.sh` has the same versions."""

from __future__ import annotations

import subprocess
from pathlib import Path
from typing import Final

import pytest

from mosafe.local_servers.tool_cache import TOOL_CACHE

KUBECONFORM: Final = TOOL_CACHE / "kubeconform-v0.8.0"
KUSTOMIZE: Final = TOOL_CACHE / "kustomize-v5.7.1"
HELM: Final = TOOL_CACHE / "helm-v3.22.0"
COMPOSE: Final = TOOL_CACHE / "compose-v2.40.3"
CRANE: Final = TOOL_CACHE / "crane-v0.22.1"
PEBBLE: Final = TOOL_CACHE / "pebble-v2.10.3"
TRAEFIK: Final = TOOL_CACHE / "traefik-v3.7.13"
FALCO: Final = TOOL_CACHE / "falco-v1.11.0"
PROMTOOL: Final = TOOL_CACHE / "promtool"
REDIS_EXPORTER: Final = TOOL_CACHE / "prometheus-redis-exporter"


def run_tool(tool: Path | str, *arguments: object, folder: Path | None = None, text: str | None = None) -> str:
    """Run a command, and return its output. If it fails, the test fails with what it printed."""
    command = [str(tool), *map(str, arguments)]
    done = subprocess.run(command, cwd=folder, input=text, capture_output=True, text=True, check=False)
    assert done.returncode == 0, f"{Path(str(tool)).name}: {done.stdout[-3000:]}{done.stderr[-3000:]}"
    return done.stdout


def lint_command(name: str) -> Path:
    """Return the path of a command of the environment with the linters."""
    found = sorted(TOOL_CACHE.glob(f"lint-*/bin/{name}"), key=lambda path: path.stat().st_mtime)
    assert found, f"{name} is missing: make tools"
    return found[-1]


def coraza() -> Path:
    """Return the path of the command that decides on requests as the firewall does."""
    found = sorted(TOOL_CACHE.glob("coraza-*"), key=lambda path: path.stat().st_mtime)
    assert found, "coraza is missing: make tools"
    return found[-1]


def resource_schemas() -> Path:
    """Return the folder with the schemas of Kubernetes and of custom resources."""
    found = sorted(TOOL_CACHE.glob("resource-schemas-*"), key=lambda path: path.stat().st_mtime)
    assert found, "the schemas of resources are missing: make tools"
    return found[-1]


def require_deploy_tools(request: pytest.FixtureRequest) -> None:
    """Skip the test, unless `make test-deploy` runs it."""
    if not request.config.getoption("--deploy-tools"):
        pytest.skip("needs the tools of `make test-deploy`")
