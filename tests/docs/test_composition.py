"""The commands of docs/composition.md, run on the files of the page, print the output that the page shows."""

from __future__ import annotations

import re
import shlex
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
from click.testing import CliRunner
from ruamel.yaml import YAML

from router.cli import command
from router.composition import Subgraph, compose

if TYPE_CHECKING:
    from router.composition.contracts import Contract

PAGE = (Path(__file__).parents[2] / "docs" / "composition.md").read_text(encoding="utf-8")
FENCE = re.compile(r"^```(\w+)(?: (\S+))?\n(.*?)^```$", re.MULTILINE | re.DOTALL)


@dataclass(frozen=True)
class Block:
    language: str
    file: str
    text: str


BLOCKS = [Block(*match.groups(default="")) for match in FENCE.finditer(PAGE)]


def write_schemas(folder: Path) -> None:
    """Write the files of the page, each as the page shows it first."""
    for block in reversed(BLOCKS):
        if block.file and "/" not in block.file:
            (folder / block.file).write_text(block.text)


def test_the_page_has_blocks_of_all_languages() -> None:
    assert {block.language for block in BLOCKS} == {"yaml", "graphql", "console", "python"}


def test_the_commands_print_the_output_on_the_page(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    compared = 0
    for block in BLOCKS:
        if block.file and "/" not in block.file:
            (tmp_path / block.file).write_text(block.text)
        if block.language == "console":
            for shown in re.split(r"^\$ router ", block.text, flags=re.MULTILINE)[1:]:
                arguments, _, output = shown.partition("\n")
                assert CliRunner().invoke(command, shlex.split(arguments)).output.rstrip() == output.rstrip()
                compared += 1
    assert compared >= 5


CI_BLOCKS = [block for block in BLOCKS if block.file.startswith(".git")]


@pytest.mark.parametrize("block", CI_BLOCKS, ids=[block.file for block in CI_BLOCKS])
def test_the_commands_of_the_ci_examples_run(block: Block, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    write_schemas(tmp_path)
    assert YAML(typ="safe").load(block.text)
    commands = re.findall(r"^[ -]*router (compose [^\n>]*)", block.text, re.MULTILINE)
    assert commands
    for arguments in commands:
        result = CliRunner().invoke(command, shlex.split(arguments))
        assert result.exit_code == 0, result.output


@pytest.mark.parametrize("line", re.findall(r"`router ((?:compose|explain) [^`]*)`", PAGE))
def test_the_commands_in_the_text_have_known_options(line: str) -> None:
    name, *arguments = shlex.split(line)
    found = command.get_command(command.make_context("router", ["--help"], resilient_parsing=True), name)
    assert found is not None
    known = {option for parameter in found.params for option in parameter.opts}
    assert {argument for argument in arguments if argument.startswith("--")} <= known


def test_the_python_example_runs() -> None:
    (example,) = (block.text for block in BLOCKS if block.language == "python")
    sdl = next(block.text for block in BLOCKS if block.file == "users.graphql")
    names: dict[str, object] = {"users_sdl": sdl}
    exec(example, names)  # noqa: S102  # the page's own example
    contract: Contract = names["contract"]  # type: ignore[assignment]  # what the example computes
    assert contract.supergraph_sdl is not None
    assert compose([Subgraph("users", "http://users.internal/graphql", sdl)]).errors == ()
