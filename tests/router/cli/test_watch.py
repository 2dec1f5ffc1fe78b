"""`router compose --watch` as its users run it: a process, files that change, Ctrl-C."""

from __future__ import annotations

import signal
import time
from contextlib import contextmanager
from typing import TYPE_CHECKING

from tests.router.cli.test_cli import SECONDS, router
from tests.router.cli.test_compose import BROKEN, USERS, write_config

if TYPE_CHECKING:
    import subprocess
    from collections.abc import Iterator
    from pathlib import Path


@contextmanager
def watching(folder: Path) -> Iterator[subprocess.Popen[str]]:
    process = router(folder, "compose", "--config", "supergraph.yaml", "--output", "out.graphql", "--watch")
    try:
        yield process
    finally:
        process.kill()
        process.communicate(timeout=SECONDS)


def until(process: subprocess.Popen[str], text: str) -> list[str]:
    """What the process says up to the first line with the text."""
    assert process.stderr is not None
    lines = []
    for line in process.stderr:
        lines.append(line)
        if text in line:
            return lines
    raise AssertionError(lines)


def test_it_composes_again_after_each_change_and_stops_at_ctrl_c(tmp_path: Path) -> None:
    write_config(tmp_path, USERS)
    schema, output = tmp_path / "users.graphql", tmp_path / "out.graphql"
    with watching(tmp_path) as process:
        assert "1 subgraph → out.graphql\n" in until(process, "waiting for changes")
        composed = output.read_text()

        schema.write_text(BROKEN)
        began = time.monotonic()
        told = until(process, "waiting for changes")
        assert time.monotonic() - began < 5
        assert any("error[KEY_INVALID_FIELDS]" in line for line in told)
        assert output.read_text() == composed

        schema.unlink()
        assert any("users.graphql" in line for line in until(process, "waiting for changes"))

        # As editors save: a new file in place of the old one.
        (tmp_path / "new").write_text(USERS.replace("me:", "viewer:"))
        (tmp_path / "new").replace(schema)
        until(process, "waiting for changes")
        assert "viewer: User" in output.read_text()

        (tmp_path / "supergraph.yaml").write_text("subgraphs: 1\n")
        assert any("supergraph.yaml:1" in line for line in until(process, "waiting for changes"))

        process.send_signal(signal.SIGINT)
        assert process.wait(SECONDS) == 0
