"""Mermaid parses every diagram of the documents, and the flowchart of a plan.

`make interop` installs Mermaid where Node.js is present.
"""

from __future__ import annotations

import json
import os
import re
import shutil
import subprocess
from pathlib import Path
from typing import TYPE_CHECKING, Final

import pytest
from click.testing import CliRunner

from router.cli import command

if TYPE_CHECKING:
    from collections.abc import Sequence

HERE: Final = Path(__file__).parent
ROOT: Final = HERE.parents[1]
INSTALLED: Final = ROOT / ".peers" / "diagrams"
SECONDS: Final = 60
PAGES: Final = (*sorted(ROOT.glob("*.md")), *sorted((ROOT / "docs").rglob("*.md")))
OPERATION: Final = (
    "query ($x: Boolean!) { me { name accounts { nodes { balance transactions @include(if: $x) { nodes { id } } } } } }"
)


def problems(diagrams: Sequence[str]) -> list[str | None]:
    """The error of Mermaid for each diagram, or None. Without Mermaid the test is skipped, or fails in CI."""
    node = shutil.which("node")
    if node is None or not (INSTALLED / ".installed").exists():
        reason = "Mermaid is not installed: `make interop` does it where Node.js is present"
        if os.environ.get("CI") == "true":
            pytest.fail(reason)
        pytest.skip(reason)
    # Node looks for modules in the folder of the script.
    script = shutil.copy(HERE / "diagrams.mjs", INSTALLED / "diagrams.mjs")
    done = subprocess.run(
        [node, script], input=json.dumps(diagrams), capture_output=True, text=True, check=False, timeout=SECONDS
    )
    assert done.returncode == 0, done.stderr
    found: list[str | None] = json.loads(done.stdout)
    return found


def diagrams(page: Path) -> list[str]:
    return re.findall(r"^```mermaid\n(.*?)^```$", page.read_text(encoding="utf-8"), re.MULTILINE | re.DOTALL)


def test_the_diagrams_of_the_documents_are_valid() -> None:
    found = {page.name: diagrams(page) for page in PAGES}
    assert len(found["architecture.md"]) >= 4
    shown = [text for texts in found.values() for text in texts]
    assert [problem for problem in problems(shown) if problem is not None] == []


def test_the_flowchart_of_a_plan_is_valid(tmp_path: Path) -> None:
    operation = tmp_path / "operation.graphql"
    operation.write_text(OPERATION)
    arguments = ["plan", "--supergraph", str(ROOT / "supergraph.graphql"), "--operation", str(operation)]
    result = CliRunner().invoke(command, [*arguments, "--format", "mermaid"])
    assert result.exit_code == 0, result.output
    assert problems([result.output]) == [None]


def test_a_broken_diagram_is_found() -> None:
    (problem,) = problems(["flowchart TD\n  a[b --> c"])
    assert problem is not None
