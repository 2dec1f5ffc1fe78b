"""Generated files that are checked in: each is exactly what its generator prints now."""

from __future__ import annotations

from pathlib import Path

import pytest
from click.testing import CliRunner

from bank.variables import VARIABLES
from mosafe.sdl import SUBGRAPHS, sdl_of, sdl_path
from router.cli.compose import command

ROOT = Path(__file__).parent.parent.parent


def test_env_example_lists_the_current_variables() -> None:
    checked_in = (ROOT / ".env.example").read_text(encoding="utf-8")
    assert checked_in == VARIABLES.env_example(), "run: mosafe env > .env.example"


@pytest.mark.parametrize("name", SUBGRAPHS)
def test_the_checked_in_sdl_of_a_subgraph_is_current(name: str) -> None:
    assert sdl_path(name).read_text(encoding="utf-8") == sdl_of(name), "run: make supergraph"


def test_the_supergraph_is_composed_from_the_current_sdl(tmp_path: Path) -> None:

    output = tmp_path / "supergraph.graphql"
    result = CliRunner().invoke(command, ["--config", str(ROOT / "supergraph.yaml"), "--output", str(output)])
    assert result.exit_code == 0, result.output
    checked_in = (ROOT / "supergraph.graphql").read_text(encoding="utf-8")
    assert checked_in == output.read_text(encoding="utf-8"), "run: make supergraph"
