"""`router explain-plan` explains for each field why it is fetched from its subgraph."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

import pytest
from click.testing import CliRunner

from router.cli.explain_plan import command
from router.composition import Subgraph, compose
from router.planner.search_bounds import OUT_OF_WORK
from tests.router.planner.adversarial import shareable

if TYPE_CHECKING:
    from pathlib import Path

LINK = """
extend schema @link(
  url: "https://specs.apollo.dev/federation/v2.11"
  import: ["@key", "@shareable", "@external", "@requires"]
)
"""
SUBGRAPHS = {
    "shop": """
      type Query { top: Product }
      type Product @key(fields: "id") { id: ID! name: String @shareable weight: Int }
    """,
    "stock": """
      type Product @key(fields: "id") {
        id: ID!
        name: String @shareable
        inStock: Boolean
        weight: Int @external
        fee: Int @requires(fields: "weight")
        shelf: String @shareable
      }
    """,
    "depot": 'type Product @key(fields: "id") { id: ID! shelf: String @shareable aisle: Int }',
    "names": 'type Product @key(fields: "id", resolvable: false) { id: ID! name: String @shareable }',
}


@pytest.fixture
def supergraph_file(tmp_path: Path) -> Path:
    composition = compose([Subgraph(name, f"http://{name}", LINK + sdl) for name, sdl in SUBGRAPHS.items()])
    assert composition.supergraph_sdl is not None, composition.errors
    file = tmp_path / "supergraph.graphql"
    file.write_text(composition.supergraph_sdl)
    return file


def run(supergraph_file: Path, query: str, *options: str) -> str:
    operation = supergraph_file.with_name("query.graphql")
    operation.write_text(query)
    arguments = ["--supergraph", str(supergraph_file), "--operation", str(operation), *options]
    return CliRunner().invoke(command, arguments).output


def test_each_field_has_its_subgraph_and_the_others_their_reasons(supergraph_file: Path) -> None:
    assert run(supergraph_file, "{ top { name fee } }") == (
        "top.name  (Product.name)\n"
        "  from shop [operation root]  cost 101000, 2 fetches: "
        "no other subgraph is cheaper, and this fetch runs first\n"
        "  or   stock [entity at top, given id from shop]  cost 101000, 2 fetches\n"
        "  not  depot: does not resolve Product.name\n"
        "  not  names: has no resolvable key of Product, and does not resolve the path to the object\n"
        "top.fee  (Product.fee)\n"
        "  from stock [entity at top, given id weight from shop]  cost 101000, 2 fetches: "
        "no other subgraph can return it here\n"
        "  not  depot, names, shop: does not resolve Product.fee\n"
    )


def test_an_alternative_that_the_search_skipped_has_its_cost(supergraph_file: Path) -> None:
    (name,) = json.loads(run(supergraph_file, "{ top { name } }", "--format", "json"))
    assert (name["chosen"]["subgraph"], name["chosen"]["cost"], name["chosen"]["fetches"]) == ("shop", 1_000, 1)
    assert [(other["subgraph"], other["cost"], other["fetches"]) for other in name["others"]] == [("stock", 101_000, 2)]
    assert name["reason"] == "the cheapest of 2 subgraphs"


def test_every_subgraph_is_explained_once(supergraph_file: Path) -> None:
    for field in json.loads(run(supergraph_file, "{ top { id name inStock fee shelf aisle } }", "--format", "json")):
        explained = [
            field["chosen"]["subgraph"],
            *(entry["subgraph"] for entry in (*field["others"], *field["refusals"])),
        ]
        assert sorted(explained) == sorted(SUBGRAPHS), field["path"]


def test_a_search_that_was_ended_early_is_a_hint(tmp_path: Path) -> None:
    graph, query = shareable(20, 4)
    file = tmp_path / "supergraph.graphql"
    file.write_text(graph.sdl)
    assert f"hint: {OUT_OF_WORK}" in run(file, query, "--work", "1")
    assert "hint:" not in run(file, query, "--work", "1000000")


def test_a_choice_has_the_cost_of_the_resulting_plan(supergraph_file: Path) -> None:
    fields = json.loads(run(supergraph_file, "{ top { inStock shelf } }", "--format", "json"))
    shelf = fields[1]
    assert shelf["coordinate"] == "Product.shelf"
    assert (shelf["chosen"]["subgraph"], shelf["chosen"]["cost"]) == ("stock", 101_000)
    assert [(other["subgraph"], other["cost"], other["fetches"]) for other in shelf["others"]] == [
        ("depot", 201_000, 3)
    ]
    assert shelf["reason"] == "the cheapest of 2 subgraphs"


def test_an_external_field_is_called_external(supergraph_file: Path) -> None:
    assert "not  stock: defines Product.weight only as @external" in run(supergraph_file, "{ top { weight } }")


def test_equal_choices_are_reported(supergraph_file: Path) -> None:
    assert "no other subgraph is cheaper" in run(supergraph_file, "{ top { shelf } }")


def test_an_operation_that_the_router_resolves_itself_has_no_fetches(supergraph_file: Path) -> None:
    assert run(supergraph_file, "{ __typename }") == "Nothing is fetched: the router resolves this operation itself.\n"


def test_an_invalid_operation_is_refused(supergraph_file: Path) -> None:
    assert "Cannot query field 'nobody'" in run(supergraph_file, "{ nobody }")
