"""Runs the Node.js scripts of this folder with the packages that `make interop` installs."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
from pathlib import Path
from typing import Any

import pytest

HERE = Path(__file__).parent
INSTALLED = HERE.parent.parent / ".peers" / "clients"
SECONDS = 60


def run(script: str, *arguments: str) -> Any:
    """What the script prints, decoded from JSON. Skips the test when it cannot run; in CI, the test fails."""
    node = shutil.which("node")
    fresh = (INSTALLED / ".installed").exists()
    if node is None or not fresh:
        reason = "the npm clients are not installed: `make interop` does it where Node.js is present"
        if os.environ.get("CI") == "true":
            pytest.fail(reason)
        pytest.skip(reason)
    # Node.js looks for modules in the folder of the script.
    copied = shutil.copy(HERE / script, INSTALLED / script)
    done = subprocess.run([node, copied, *arguments], capture_output=True, text=True, check=False, timeout=SECONDS)
    assert done.returncode == 0, done.stderr
    return json.loads(done.stdout)
