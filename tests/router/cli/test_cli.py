"""The `router` command as users run it: processes, files, exit codes.

Covers `router/cli/config.py` and `router/cli/read_supergraph.py`.
"""

from __future__ import annotations

import json
import os
import queue
import signal
import socket
import subprocess
import sys
import threading
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING

import httpx
import pytest
from click.testing import CliRunner

from router.cli import COMMANDS, command
from servicekit.errors import StartupError
from tests.ports import free_port
from tests.router.shop import SDL

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

ROOT = Path(__file__).parents[3]
# An interpreter starts slowly while other tests run.
SECONDS = 60


def environment(**variables: str) -> dict[str, str]:
    kept = {name: value for name, value in os.environ.items() if not name.startswith(("MOSAFE_", "ROUTER_"))}
    return {**kept, "MOSAFE_LOG_FORMAT": "json", "PYTHONPATH": str(ROOT), "PYTHONUNBUFFERED": "1", **variables}


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    (tmp_path / "supergraph.graphql").write_text(SDL)
    return tmp_path


def router(folder: Path, *arguments: str, **variables: str) -> subprocess.Popen[str]:
    return start(folder, [sys.executable, "-m", "router", *arguments], variables)


def start(folder: Path, command_line: Sequence[str], variables: Mapping[str, str]) -> subprocess.Popen[str]:
    return subprocess.Popen(
        command_line,
        cwd=folder,
        env=environment(**variables),
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )


def outcome(process: subprocess.Popen[str]) -> tuple[int, str, str]:
    """Exit code, stdout and stderr."""
    output, errors = process.communicate(timeout=SECONDS)
    return process.returncode, output, errors


@dataclass
class Running:
    """A running router and its log lines."""

    process: subprocess.Popen[str]
    lines: queue.Queue[dict[str, object]] = field(default_factory=queue.Queue)

    def read(self) -> None:
        assert self.process.stdout is not None
        for line in self.process.stdout:
            self.lines.put(json.loads(line))

    def event(self, name: str) -> dict[str, object]:
        """The next log line of this name."""
        while (line := self.lines.get(timeout=SECONDS))["event"] != name:
            pass
        return line

    def events(self, *names: str) -> list[dict[str, object]]:
        """The next log lines of these names, in the order of `names`. Several processes log in any order."""
        found: list[dict[str, object] | None] = [None] * len(names)
        while None in found:
            line = self.lines.get(timeout=SECONDS)
            place = next((at for at, name in enumerate(names) if name == line["event"] and found[at] is None), None)
            if place is not None:
                found[place] = line
        return [line for line in found if line is not None]


@contextmanager
def serving(folder: Path, *arguments: str, **variables: str) -> Iterator[Running]:
    process = router(folder, "serve", "--supergraph", "supergraph.graphql", *arguments, **variables)
    with running_process(process) as running:
        yield running


@contextmanager
def running_process(process: subprocess.Popen[str]) -> Iterator[Running]:
    """Read the log of `process` while the block runs, and kill the process at its end."""
    running = Running(process)
    reader = threading.Thread(target=running.read)
    reader.start()
    try:
        yield running
    finally:
        process.kill()
        process.wait(SECONDS)
        reader.join(SECONDS)
        # To close the output would wait for the reader, without end.
        assert not reader.is_alive(), "a process that outlived the router holds its output open"
        assert process.stdout is not None
        assert process.stderr is not None
        process.stdout.close()
        process.stderr.close()


def test_help_lists_the_commands_without_loading_them() -> None:
    result = CliRunner().invoke(command, ["--help"])
    assert result.exit_code == 0
    assert all(name in result.output for name in COMMANDS)


@pytest.mark.parametrize("name", COMMANDS)
def test_each_command_has_help(name: str) -> None:
    result = CliRunner().invoke(command, [name, "--help"])
    assert result.exit_code == 0
    assert "\\" not in result.output  # a mark of the formatter that was not interpreted
    assert "Usage" in result.output


def test_an_unknown_command_is_refused() -> None:
    assert CliRunner().invoke(command, ["sevre"]).exit_code == 2


def test_serve_runs_until_sigterm(folder: Path) -> None:
    (folder / "router.yaml").write_text("server: {port: 0, path: /api}\n")
    with serving(folder, "--config", "router.yaml") as running:
        port = running.event("listening")["port"]
        base = f"http://127.0.0.1:{port}"
        with httpx.Client(timeout=30) as client:
            assert client.get(f"{base}/health/ready").status_code == 200
            response = client.post(f"{base}/api", json={"query": "query Q { __typename }"})
            assert response.json() == {"data": {"__typename": "Query"}}
            # No server listens at the URLs of the subgraphs.
            failed = client.post(f"{base}/api", json={"query": "{ me { id } }"}, headers={"x-request-id": "req-7"})
            assert failed.json()["data"] == {"me": None}
        line = running.event("request")
        assert (line["operation"], line["status"], line["service"]) == ("Q", 200, "router")
        cause = running.event("subgraph error masked")
        assert cause["error_id"] == failed.json()["errors"][0]["extensions"]["errorId"]
        assert cause["request_id"] == failed.headers["x-request-id"] == "req-7"
        running.process.send_signal(signal.SIGTERM)
        assert running.process.wait(SECONDS) == 0


def test_host_and_port_come_from_the_environment(folder: Path) -> None:
    port = free_port()
    with serving(folder, MOSAFE_HOST="127.0.0.1", ROUTER_PORT=str(port)) as running:
        assert running.event("listening")["port"] == port


def test_a_taken_port_is_named_with_the_variable_that_changes_it(folder: Path) -> None:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        port = str(taken.getsockname()[1])
        code, _, errors = outcome(
            router(folder, "serve", "--supergraph", "supergraph.graphql", MOSAFE_HOST="127.0.0.1", ROUTER_PORT=port)
        )
    assert code == 2
    assert port in errors
    assert "ROUTER_PORT" in errors
    assert "Traceback" not in errors


def refusal(*arguments: str) -> str:
    """The error that stops `router serve`; it runs in this process, because it stops before it listens."""
    result = CliRunner().invoke(command, ["serve", "--supergraph", "supergraph.graphql", *arguments])
    assert isinstance(result.exception, StartupError), result.output
    return str(result.exception)


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("server:\n  prot: 1\n", "router.yaml:2: server.prot: unknown key; did you mean `port`?"),
        ("traffic: {subgraphs: {peeple: {}}}\n", "router.yaml:1: traffic.subgraphs.peeple: the supergraph has no such"),
        (
            "traffic:\n  all: {certificate_authority: none.pem}\n",
            "router.yaml:2: traffic.all.certificate_authority: none.pem: no such file or folder",
        ),
        ("traffic: {all: {certificate_authority: empty.pem}}\n", "empty.pem holds no certificates"),
    ],
)
def test_a_configuration_that_cannot_work_stops_the_start(
    folder: Path, monkeypatch: pytest.MonkeyPatch, text: str, expected: str
) -> None:
    monkeypatch.chdir(folder)
    (folder / "empty.pem").touch()
    (folder / "router.yaml").write_text(text)
    assert expected in refusal("--config", "router.yaml")


@pytest.mark.parametrize(
    ("sdl", "expected"),
    [
        ("type Query { a: Int }", "supergraph.graphql: INVALID_FEDERATION_SUPERGRAPH"),
        ("\ntype {", "Expected Name, found '{'. (line 2, column 6)"),
        (SDL.replace("http://127.0.0.1:9/graphql", ""), "subgraph people: a URL is absolute"),
    ],
)
def test_a_supergraph_that_cannot_work_stops_the_start(
    folder: Path, monkeypatch: pytest.MonkeyPatch, sdl: str, expected: str
) -> None:
    monkeypatch.chdir(folder)
    (folder / "supergraph.graphql").write_text(sdl)
    assert expected in refusal()


def test_a_missing_file_stops_the_start() -> None:
    result = CliRunner().invoke(command, ["serve", "--supergraph", "nothing.graphql"])
    assert result.exit_code == 2
    assert "nothing.graphql" in result.output


def test_a_startup_error_is_one_line_per_mistake_and_exit_code_2(folder: Path) -> None:
    (folder / "router.yaml").write_text("server:\n  prot: 1\nerrors:\n  mask: perhaps\n")
    code, _, errors = outcome(router(folder, "serve", "--supergraph", "supergraph.graphql", "--config", "router.yaml"))
    assert code == 2
    assert errors.startswith("router: router.yaml:2: server.prot: ")
    assert len(errors.splitlines()) == 2


def test_a_configuration_can_be_checked_without_serving_it(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(folder)
    (folder / "router.yaml").write_text("errors: {subgraphs: {peeple: {}}}\n")
    arguments = ["config", "check", "--config", "router.yaml"]
    assert CliRunner().invoke(command, arguments).output == "router.yaml is valid\n"
    strict = CliRunner().invoke(command, [*arguments, "--supergraph", "supergraph.graphql"])
    assert isinstance(strict.exception, StartupError)
    assert "errors.subgraphs.peeple" in str(strict.exception)


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("warm_up: {file: none.json}", "router.yaml:1: warm_up.file: none.json: no such file or folder"),
        ("warm_up: {file: empty.json}", "warm_up.file: empty.json: "),
        (
            "persisted_documents: {mode: measure, manifests: [none.json]}",
            "router.yaml:1: persisted_documents.manifests.0: none.json: no such file or folder",
        ),
        (
            "persisted_documents: {mode: measure, manifests: [empty.json]}",
            "persisted_documents.manifests: empty.json: ",
        ),
        (
            "supergraph: {url: 'https://x/', certificate_authority: empty.pem}",
            "supergraph: empty.pem holds no certificates",
        ),
        (
            "supergraph:\n  file: none.graphql",
            "router.yaml:2: supergraph.file: none.graphql: no such file or folder",
        ),
        ("supergraph: {file: supergraph.graphql}\nerrors: {subgraphs: {peeple: {}}}", "errors.subgraphs.peeple"),
        (
            "supergraph: {file: supergraph.graphql}\ntraffic: {all: {certificate_authority: empty.pem}}",
            "empty.pem holds no certificates",
        ),
    ],
)
def test_checking_a_configuration_opens_the_files_it_names(
    folder: Path, monkeypatch: pytest.MonkeyPatch, text: str, expected: str
) -> None:
    monkeypatch.chdir(folder)
    (folder / "empty.pem").touch()
    (folder / "empty.json").touch()
    (folder / "router.yaml").write_text(text)
    result = CliRunner().invoke(command, ["config", "check", "--config", "router.yaml"])
    assert isinstance(result.exception, StartupError)
    assert expected in str(result.exception)


@pytest.mark.parametrize("address", ["http://", "https://me:hunter2@example.test/sdl"])
def test_an_unusable_url_stops_the_start_and_is_not_repeated(address: str) -> None:
    result = CliRunner().invoke(command, ["serve", "--supergraph", address])
    assert result.exit_code == 2
    assert "a URL" in result.output
    assert "hunter2" not in result.output


def test_the_schema_of_configurations_can_be_printed() -> None:
    result = CliRunner().invoke(command, ["config", "schema"])
    assert "properties" in json.loads(result.output)
