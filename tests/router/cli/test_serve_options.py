"""`router serve` by its command line alone: `--dev`, `--host`, `--port`, and router.yaml of the current folder."""

from __future__ import annotations

import socket
from typing import TYPE_CHECKING, Any

import httpx
import pytest

from tests.router.cli.test_cli import router, running_process
from tests.router.shop import SDL

if TYPE_CHECKING:
    from pathlib import Path

INTROSPECTION = {"query": "{ __schema { queryType { name } } }"}


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    (tmp_path / "supergraph.graphql").write_text(SDL)
    return tmp_path


def first_responses(folder: Path, *arguments: str, **variables: str) -> tuple[Any, Any, str]:
    """The responses to an introspection and to a query whose subgraph is away, and standard error."""
    process = router(folder, "serve", "--supergraph", "supergraph.graphql", *arguments, **variables)
    with running_process(process) as running:
        port = running.event("listening")["port"]
        url = f"http://127.0.0.1:{port}/graphql"
        introspected = httpx.post(url, json=INTROSPECTION, timeout=30).json()
        page = {"origin": "http://localhost:5173", "query-plan": "include"}
        failed = httpx.post(url, json={"query": "{ me { id } }"}, headers=page, timeout=30)
        process.kill()
        assert process.stderr is not None
        return introspected, failed, process.stderr.read()


def test_for_development_everything_is_shown(folder: Path) -> None:
    introspected, failed, errors = first_responses(folder, "--dev", "--port", "0", MOSAFE_ENV="production")
    assert introspected == {"data": {"__schema": {"queryType": {"name": "Query"}}}}
    assert failed.json()["errors"][0]["extensions"]["service"] == "people"
    assert failed.json()["extensions"]["queryPlan"]["plan"]["kind"] == "QueryPlan"
    assert failed.headers["access-control-allow-origin"] == "http://localhost:5173"
    assert "--dev is for development only" in errors


def test_without_dev_nothing_is_shown(folder: Path) -> None:
    introspected, failed, errors = first_responses(folder, "--port", "0")
    assert introspected["errors"][0]["extensions"]["code"] == "GRAPHQL_VALIDATION_FAILED"
    assert "service" not in failed.json()["errors"][0]["extensions"]
    assert "extensions" not in failed.json()
    assert "access-control-allow-origin" not in failed.headers
    assert "router:" not in errors


def test_a_key_of_the_file_holds_in_development_too(folder: Path) -> None:
    (folder / "own.yaml").write_text("introspection: false\n")
    introspected, _, _ = first_responses(folder, "--dev", "--port", "0", "--config", "own.yaml")
    assert "errors" in introspected


def test_the_configuration_of_the_current_folder_is_used_and_named(folder: Path) -> None:
    (folder / "router.yaml").write_text("introspection: true\nserver: {port: 1}\n")
    introspected, _, errors = first_responses(folder, "--port", "0", "--host", "127.0.0.1")
    assert "data" in introspected
    assert f"router: using {folder}/router.yaml" in errors


def test_a_taken_port_of_the_command_line_is_named(folder: Path) -> None:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen(1)
        port = str(taken.getsockname()[1])
        process = router(folder, "serve", "--supergraph", "supergraph.graphql", "--port", port)
        _, errors = process.communicate(timeout=60)
    assert process.returncode == 2
    assert f"port {port} on 127.0.0.1 is taken" in errors
