"""`tests/hang_guard.py`, in a run of pytest of its own."""

from __future__ import annotations

import os
import subprocess
import sys
from typing import TYPE_CHECKING

from tests.servicekit.processes import ROOT

if TYPE_CHECKING:
    from pathlib import Path

HANGS = """
import signal, threading
import pytest
from tests import hang_guard

hang_guard.GRACE_SECONDS = 0.5

@pytest.mark.timeout(0.5)
def test_that_hangs():
    signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGALRM})  # so pytest-timeout cannot end it
    threading.Event().wait()

def test_that_passes():
    pass
"""

CONFTEST = """
from tests.hang_guard import HangGuard

def pytest_configure(config):
    config.pluginmanager.register(HangGuard(config))
"""


def test_a_test_that_cannot_be_interrupted_fails_and_shows_where_it_hangs(tmp_path: Path) -> None:
    (tmp_path / "test_hanging.py").write_text(HANGS)
    (tmp_path / "conftest.py").write_text(CONFTEST)
    command = [sys.executable, "-m", "pytest", "-q", "-n", "1", "-p", "no:cacheprovider", "--rootdir", ".", "."]
    run = subprocess.run(
        command, cwd=tmp_path, env={**os.environ, "PYTHONPATH": str(ROOT)}, capture_output=True, text=True, check=False
    )
    assert "in test_that_hangs" in run.stderr
    assert "crashed while running 'test_hanging.py::test_that_hangs'" in run.stdout
    assert "1 failed, 1 passed" in run.stdout
