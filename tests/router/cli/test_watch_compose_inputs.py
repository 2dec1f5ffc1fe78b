"""`router compose --watch` as users run it: a process, files that change, Ctrl-C."""

from __future__ import annotations

import signal
import time
from contextlib import contextmanager
from typing import TYPE_CHECKING

from tests.router.cli.sdl_server import serving_sdl
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
    """The lines that the process prints, up to the first one with the text."""
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
        printed = until(process, "waiting for changes")
        assert any("error[KEY_INVALID_FIELDS]" in line for line in printed)
        assert output.read_text() == composed

        schema.unlink()
        assert any("users.graphql" in line for line in until(process, "waiting for changes"))

        # As editors save: a new file replaces the old one.
        (tmp_path / "new").write_text(USERS.replace("me:", "viewer:"))
        (tmp_path / "new").replace(schema)
        until(process, "waiting for changes")
        assert "viewer: User" in output.read_text()

        (tmp_path / "supergraph.yaml").write_text("subgraphs: 1\n")
        assert any("supergraph.yaml:1" in line for line in until(process, "waiting for changes"))

        process.send_signal(signal.SIGINT)
        assert process.wait(SECONDS) == 0


def write_running(folder: Path, url: str, sdl: str) -> None:
    (folder / "supergraph.yaml").write_text(
        f"subgraphs:\n  running:\n    schema: {{subgraph_url: '{url}'}}\n"
        "  users:\n    routing_url: http://users.test\n    schema: {file: users.graphql}\n"
    )
    (folder / "users.graphql").write_text(sdl)


def test_a_change_of_a_running_subgraph_composes_again(tmp_path: Path) -> None:
    with serving_sdl("type Query { one: Int }") as server:
        write_running(tmp_path, server.url, USERS)
        with watching(tmp_path) as process:
            assert "2 subgraphs → out.graphql\n" in until(process, "waiting for changes")
            server.sdl = "type Query { other: Int }"
            until(process, "waiting for changes")
            assert "other: Int" in (tmp_path / "out.graphql").read_text()


def test_a_slow_subgraph_does_not_hide_an_edit(tmp_path: Path) -> None:
    with serving_sdl("type Query { one: Int }") as server:
        write_running(tmp_path, server.url, USERS)
        with watching(tmp_path) as process:
            until(process, "waiting for changes")
            server.responding.clear()
            assert server.request_waits.wait(SECONDS)
            # The new configuration does not name the subgraph, which still does not respond.
            write_config(tmp_path, USERS)
            began = time.monotonic()
            assert "1 subgraph → out.graphql\n" in until(process, "waiting for changes")
            # The subgraph had 30 s to respond.
            assert time.monotonic() - began < 25
            server.responding.set()
