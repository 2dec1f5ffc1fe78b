"""`mosafe up` as a user sees it: it starts, prints the addresses, stops, and leaves no process behind."""

from __future__ import annotations

import signal
import socket
import subprocess
import sys
from contextlib import closing
from typing import TYPE_CHECKING

import psutil
import pytest

from mosafe.processes import PROCESSES
from tests.e2e.platform import (
    PORT_VARIABLES,
    START_SECONDS,
    STOP_SECONDS,
    clean_environment,
    start_platform,
)
from tests.ports import free_ports

if TYPE_CHECKING:
    from pathlib import Path

# On a busy machine, a start of the platform takes half a minute and longer, and so does its end.
pytestmark = [pytest.mark.xdist_group("up"), pytest.mark.timeout(300)]

# A child that lost its supervisor has its own grace period of 8 s, and one second for its cleanup.
ORPHAN_SECONDS = 30


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_a_signal_stops_all_processes_in_time(tmp_path: Path, number: signal.Signals) -> None:
    platform = start_platform(tmp_path)
    children = platform.children()
    assert len(children) == len(PROCESSES)
    assert platform.stop(number) == 0
    assert not [child for child in children if child.is_running()]


def test_children_stop_when_their_supervisor_is_killed(tmp_path: Path) -> None:
    platform = start_platform(tmp_path)
    children = platform.children()
    platform.stop(signal.SIGKILL)
    _, alive = psutil.wait_procs(children, timeout=ORPHAN_SECONDS)
    assert not alive


def test_a_child_that_dies_stops_the_rest_and_shows_its_last_lines(tmp_path: Path) -> None:
    platform = start_platform(tmp_path)
    children = platform.children()
    victim = next(child for child in children if "transaction" in child.cmdline())
    victim.kill()
    assert platform.ended(STOP_SECONDS) == 1
    platform.client.close()
    assert not [child for child in children if child.is_running()]
    output = "\n".join(platform.lines)
    assert "transaction ended with exit code -9; stopping the rest. Its last lines:" in output


def run_up(tmp_path: Path, **variables: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-m", "mosafe", "up"],
        env=clean_environment(MOSAFE_DATA_DIR=str(tmp_path), **variables),
        cwd=tmp_path,
        capture_output=True,
        text=True,
        timeout=START_SECONDS,
        check=False,
    )


def test_a_taken_port_is_named_before_anything_starts(tmp_path: Path) -> None:
    ports = {name: str(port) for name, port in zip(PORT_VARIABLES, free_ports(len(PORT_VARIABLES)), strict=True)}
    with closing(socket.create_server(("127.0.0.1", int(ports["ROUTER_PORT"])))):
        outcome = run_up(tmp_path, **ports)
    assert outcome.returncode == 2
    assert f"port {ports['ROUTER_PORT']} (router) is taken by" in outcome.stderr
    assert "Traceback" not in outcome.stderr


def test_an_unknown_variable_stops_the_start_and_suggests_the_known_one(tmp_path: Path) -> None:
    outcome = run_up(tmp_path, MOSAFE_DATADIR="/tmp")  # noqa: S108 - a misspelt variable, never opened
    assert outcome.returncode == 2
    assert outcome.stderr == "mosafe: MOSAFE_DATADIR: unknown variable; did you mean MOSAFE_DATA_DIR?\n"


def test_a_malformed_value_names_its_variable(tmp_path: Path) -> None:
    ports = {name: str(port) for name, port in zip(PORT_VARIABLES, free_ports(len(PORT_VARIABLES)), strict=True)}
    outcome = run_up(tmp_path, ACCOUNT_MAX_PER_USER="many", **ports)
    assert outcome.returncode == 2
    assert "ACCOUNT_MAX_PER_USER: " in outcome.stdout + outcome.stderr
    assert "Traceback" not in outcome.stdout + outcome.stderr
