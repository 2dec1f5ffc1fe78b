"""Files that are generated and checked in: each is exactly what its generator prints today."""

from __future__ import annotations

from pathlib import Path

import pytest
from click.testing import CliRunner

from mosafe.sdl import SUBGRAPHS, sdl_of, sdl_path
from router.cli.compose import command
from servicekit.variables import render_env_example

ROOT = Path(__file__).parent.parent.parent


def test_env_example_lists_today_s_variables() -> None:
    assert (ROOT / ".env.example").read_text(encoding="utf-8") == render_env_example(), "run: mosafe env > .env.example"


@pytest.mark.parametrize("name", SUBGRAPHS)
def test_a_subgraph_s_sdl_is_what_it_serves(name: str) -> None:
    assert sdl_path(name).read_text(encoding="utf-8") == sdl_of(name), "run: make supergraph"


def test_the_supergraph_is_composed_from_today_s_sdl(tmp_path: Path) -> None:

    output = tmp_path / "supergraph.graphql"
    result = CliRunner().invoke(command, ["--config", str(ROOT / "supergraph.yaml"), "--output", str(output)])
    assert result.exit_code == 0, result.output
    checked_in = (ROOT / "supergraph.graphql").read_text(encoding="utf-8")
    assert checked_in == output.read_text(encoding="utf-8"), "run: make supergraph"
