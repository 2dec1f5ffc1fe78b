"""`router plan` prints plans, and reports an error in one line.

Covers `router/cli/operation_options.py` and `router/cli/mermaid_and_cost_table.py`.
"""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

import pytest
from click.testing import CliRunner

from router.cli.plan import command
from router.planner.search_bounds import OUT_OF_TIME, OUT_OF_WORK
from tests.router.planner.adversarial import shareable

if TYPE_CHECKING:
    from pathlib import Path

SUPERGRAPH = """
schema @link(url: "https://specs.apollo.dev/link/v1.0")
  @link(url: "https://specs.apollo.dev/join/v0.3", for: EXECUTION) { query: Query }

enum join__Graph { A @join__graph(name: "a", url: "http://a") B @join__graph(name: "b", url: "http://b") }

type Query @join__type(graph: A) @join__type(graph: B) { user: User @join__field(graph: A) }

type User @join__type(graph: A, key: "id") @join__type(graph: B, key: "id") {
  id: ID!
  name: String @join__field(graph: B)
}
"""


@pytest.fixture
def supergraph_file(tmp_path: Path) -> Path:
    file = tmp_path / "supergraph.graphql"
    file.write_text(SUPERGRAPH)
    return file


def run(tmp_path: Path, supergraph_file: Path, query: str, *options: str) -> tuple[int, str]:
    operation = tmp_path / "query.graphql"
    operation.write_text(query)
    arguments = ["--supergraph", str(supergraph_file), "--operation", str(operation), *options]
    result = CliRunner().invoke(command, arguments)
    return result.exit_code, result.output


def test_text_shows_both_fetches(tmp_path: Path, supergraph_file: Path) -> None:
    code, output = run(tmp_path, supergraph_file, "{ user { name } }")
    assert code == 0
    assert 'Fetch(service: "a")' in output
    assert 'Flatten(path: "user")' in output


def test_json_is_the_plan_format(tmp_path: Path, supergraph_file: Path) -> None:
    code, output = run(tmp_path, supergraph_file, "{ user { name } }", "--format", "json")
    assert code == 0
    assert json.loads(output)["node"]["kind"] == "Sequence"


def test_one_of_several_operations_is_chosen_by_name(tmp_path: Path, supergraph_file: Path) -> None:
    document = "query One { user { id } } query Two { user { name } }"
    assert run(tmp_path, supergraph_file, document)[0] == 1
    code, output = run(tmp_path, supergraph_file, document, "--operation-name", "One")
    assert (code, output.count("Fetch(")) == (0, 1)


@pytest.mark.parametrize(
    ("query", "said", "column"),
    [("{ user {", "Syntax Error: Expected Name, found <EOF>.", 9), ("{ nobody }", "Cannot query field 'nobody'", 3)],
)
def test_an_error_of_the_operation_has_its_place(
    tmp_path: Path, supergraph_file: Path, query: str, said: str, column: int
) -> None:
    code, output = run(tmp_path, supergraph_file, query)
    assert code == 1
    assert output.startswith(f"Error: {said}")
    assert f"{tmp_path / 'query.graphql'}:1:{column}" in output


def test_the_operation_can_come_from_stdin(supergraph_file: Path) -> None:
    arguments = ["--supergraph", str(supergraph_file), "--operation", "-"]
    result = CliRunner().invoke(command, arguments, input="{ user { name } }")
    assert (result.exit_code, result.output.count("Fetch(")) == (0, 2)
    result = CliRunner().invoke(command, arguments, input="{ nobody }")
    assert (result.exit_code, "stdin:1:3" in result.output) == (1, True)
    result = CliRunner().invoke(command, arguments, input=b"\xff")
    assert (result.exit_code, result.output) == (1, "Error: stdin: cannot be read as UTF-8 text\n")


def test_an_unknown_operation_name_is_refused(tmp_path: Path, supergraph_file: Path) -> None:
    code, output = run(tmp_path, supergraph_file, "query One { user { id } }", "--operation-name", "Two")
    assert (code, output) == (
        1,
        f"Error: {tmp_path / 'query.graphql'}: The document has no operation with the name in `operationName`.\n",
    )


@pytest.mark.parametrize("option", ["--supergraph", "--operation"])
def test_a_missing_file_is_bad_usage(tmp_path: Path, supergraph_file: Path, option: str) -> None:
    code, output = run(tmp_path, supergraph_file, "{ user { id } }", option, str(tmp_path / "none"))
    assert code == 2
    assert f"'{option}': File '{tmp_path / 'none'}' does not exist." in output


def test_an_unknown_label_is_refused(tmp_path: Path, supergraph_file: Path) -> None:
    code, output = run(tmp_path, supergraph_file, "{ user { name } }", "--override-label", "l")
    assert code == 2
    assert "the supergraph has no label 'l'; its labels: none" in output


def test_a_file_that_is_not_a_supergraph_is_refused(tmp_path: Path, supergraph_file: Path) -> None:
    supergraph_file.write_text("type Query { a: Int }")
    code, output = run(tmp_path, supergraph_file, "{ a }")
    assert code == 1
    assert "not a supergraph" in output


def test_mermaid_is_a_flowchart_of_the_fetches(tmp_path: Path, supergraph_file: Path) -> None:
    query = "query ($x: Boolean!) { user { id name @include(if: $x) } }"
    code, output = run(tmp_path, supergraph_file, query, "--format", "mermaid")
    assert code == 0
    assert output.splitlines() == [
        "flowchart TD",
        '  f0["a<br/>."]',
        '  f1["b<br/>user<br/>if $x"]',
        "  f0 --> f1",
    ]


def test_mermaid_puts_a_box_around_fetches_of_one_request(tmp_path: Path, supergraph_file: Path) -> None:
    _, output = run(tmp_path, supergraph_file, "{ user { name } again: user { name } }", "--format", "mermaid")
    assert output.splitlines() == [
        "flowchart TD",
        '  f0["a<br/>."]',
        '  subgraph r1 ["one request"]',
        '    f1["b<br/>user"]',
        '    f2["b<br/>again"]',
        "  end",
        "  f0 --> f1",
        "  f0 --> f2",
    ]


def test_mermaid_shows_deferred_fetches(tmp_path: Path, supergraph_file: Path) -> None:
    _, output = run(tmp_path, supergraph_file, "{ user { id ... @defer { name } } }", "--format", "mermaid")
    assert '  f1["b<br/>user<br/>deferred"]' in output.splitlines()


def test_mermaid_escapes_special_characters(tmp_path: Path, supergraph_file: Path) -> None:
    sdl = SUPERGRAPH.replace('name: "a"', r'name: "`a` \"b\" <i> #1; &amp; |"')
    supergraph_file.write_text(sdl)
    _, output = run(tmp_path, supergraph_file, "{ user { id } }", "--format", "mermaid")
    label = "#96;a#96; #quot;b#quot; #lt;i#gt; #35;1; #amp;amp; |"
    assert output.splitlines() == ["flowchart TD", f'  f0["{label}<br/>."]']


def test_cost_is_a_table_with_a_sum(tmp_path: Path, supergraph_file: Path) -> None:
    code, output = run(tmp_path, supergraph_file, "{ user { name } }", "--format", "cost")
    assert code == 0
    assert output.splitlines() == [
        "fetch  request  stage  fields    cost  subgraph  path  when",
        "    0        0      0       3    1003  a         .",
        "    1        1      1       1  100100  b         user",
        "2 fetches, at most 2 in a row, cost 101103",
    ]


def test_cost_shows_shared_requests_and_conditions(tmp_path: Path, supergraph_file: Path) -> None:
    query = "query ($x: Boolean!) { user { name } again: user @skip(if: $x) { name } }"
    _, output = run(tmp_path, supergraph_file, query, "--format", "cost")
    assert output.splitlines()[2:] == [
        "    1        1      1       1  100100  b         user",
        "    2        1      1       1  100100  b         again  if not $x",
        "3 fetches in 2 requests, at most 2 in a row, cost 201206",
    ]
    _, output = run(tmp_path, supergraph_file, query, "--format", "cost", "--no-batch")
    assert output.splitlines()[-1] == "3 fetches, at most 2 in a row, cost 201206"


def test_a_plan_without_fetches_costs_nothing(tmp_path: Path, supergraph_file: Path) -> None:
    code, output = run(tmp_path, supergraph_file, "{ __typename }", "--format", "cost")
    assert (code, output.splitlines()[-1]) == (0, "0 fetches, at most 0 in a row, cost 0")


def test_given_labels_of_progressive_overrides_are_active(tmp_path: Path, supergraph_file: Path) -> None:
    moving = '@join__field(graph: A, override: "b", overrideLabel: "l") @join__field(graph: B, overrideLabel: "l")'
    supergraph_file.write_text(
        SUPERGRAPH.replace("join/v0.3", "join/v0.5").replace(
            "  name: String @join__field(graph: B)", f"  name: String {moving}"
        )
    )
    before = run(tmp_path, supergraph_file, "{ user { name } }")
    after = run(tmp_path, supergraph_file, "{ user { name } }", "--override-label", "l")
    assert (before[1].count("Fetch("), after[1].count("Fetch(")) == (2, 1)


def test_a_document_that_is_not_text_is_refused_in_one_line(tmp_path: Path, supergraph_file: Path) -> None:
    document = tmp_path / "query.graphql"
    document.write_bytes(b"\xff\xfe{")
    arguments = ["--supergraph", str(supergraph_file), "--operation", str(document)]
    result = CliRunner().invoke(command, arguments)
    assert (result.exit_code, result.output) == (1, f"Error: {document}: cannot be read as UTF-8 text\n")


def test_defer_can_be_disabled(tmp_path: Path, supergraph_file: Path) -> None:
    query = "{ user { id ... @defer { name } } }"
    _, deferred = run(tmp_path, supergraph_file, query)
    _, whole = run(tmp_path, supergraph_file, query, "--no-defer")
    assert "Deferred(depends: [0]" in deferred
    assert "Defer" not in whole


def test_a_search_that_was_ended_early_is_a_hint(tmp_path: Path) -> None:
    graph, query = shareable(20, 4)
    file = tmp_path / "supergraph.graphql"
    file.write_text(graph.sdl)
    _, complete = run(tmp_path, file, query, "--work", "1000000")
    _, out_of_work = run(tmp_path, file, query, "--work", "1")
    _, out_of_time = run(tmp_path, file, query, "--deadline", "0")
    assert "hint:" not in complete
    assert f"hint: {OUT_OF_WORK}" in out_of_work
    assert f"hint: {OUT_OF_TIME}" in out_of_time
    query_file = str(tmp_path / "query.graphql")
    arguments = ["--supergraph", str(file), "--operation", query_file, "--format", "json", "--work", "1"]
    assert json.loads(CliRunner().invoke(command, arguments).stdout)["hints"] == [OUT_OF_WORK]


def test_it_prints_the_code_that_executes_the_plan(tmp_path: Path, supergraph_file: Path) -> None:
    query = "query($yes: Boolean!) { user { name @include(if: $yes) id } }"
    code, without = run(tmp_path, supergraph_file, query, "--compiled")
    assert (code, "name" in without) == (0, False)
    code, text = run(tmp_path, supergraph_file, query, "--compiled=yes")
    assert code == 0
    assert "name: UnsetType = UNSET" in text
    compile(text, "code", "exec")


def test_it_says_why_a_plan_is_not_compiled(tmp_path: Path, supergraph_file: Path) -> None:
    code, text = run(tmp_path, supergraph_file, "{ __schema { queryType { name } } }", "--compiled")
    assert (code, text) == (1, "Error: The plan is not compiled: introspection.\n")
