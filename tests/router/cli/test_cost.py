"""`router cost` estimates an operation and compares it with a limit."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

from click.testing import CliRunner

from router.cli import command
from tests.router.policies.demand_control.library import SDL

if TYPE_CHECKING:
    from pathlib import Path

    from click.testing import Result

QUERY = "query($n: Int) { books(first: $n) { author { name } ...r } } fragment r on Book { reviews { text } }"


def cost(folder: Path, *options: str, query: str = QUERY, variables: object = None) -> Result:
    (folder / "supergraph.graphql").write_text(SDL)
    (folder / "query.graphql").write_text(query)
    files = ["--supergraph", f"{folder}/supergraph.graphql", "--operation", f"{folder}/query.graphql"]
    if variables is not None:
        (folder / "variables.json").write_text(variables if isinstance(variables, str) else json.dumps(variables))
        files += ["--variables", f"{folder}/variables.json"]
    return CliRunner().invoke(command, ["cost", *files, *options])


def test_each_field_has_its_cost(tmp_path: Path) -> None:
    result = cost(tmp_path, "--max", "60", variables={"n": 10})
    assert result.output.splitlines() == [
        "books          60",
        "books.author   3",
        "books.reviews  2",
        "cost: 60 (allowed: 60)",
    ]
    assert result.exit_code == 0


def test_the_exit_code_says_whether_it_is_too_much(tmp_path: Path) -> None:
    assert cost(tmp_path, "--max", "59", variables={"n": 10}).exit_code == 1


def test_json_is_for_programs(tmp_path: Path) -> None:
    result = cost(tmp_path, "--format", "json", "--list-size", "3", query="mutation { add { authors { name } } }")
    assert json.loads(result.output) == {
        "cost": 20,
        "max": None,
        "operation": 10,
        "fields": [{"path": ["add"], "cost": 10}, {"path": ["add", "authors"], "cost": 9}],
    }


def test_a_list_without_its_argument_is_reported(tmp_path: Path) -> None:
    result = cost(tmp_path)
    assert result.exit_code == 1
    assert "'books' needs exactly one argument" in result.output


def test_variables_must_be_a_json_object(tmp_path: Path) -> None:
    for text in ("[1]", "{"):
        result = cost(tmp_path, variables=text)
        assert result.exit_code == 2
        assert "is not a JSON" in result.output
