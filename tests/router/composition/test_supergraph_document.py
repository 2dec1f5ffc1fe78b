from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
from graphql import parse
from graphql.language import REMOVE, DirectiveNode, TypeDefinitionNode, Visitor, visit
from graphql.utilities import ast_to_dict

from benchmarks.composition.federations import federation
from router.composition import Subgraph
from router.composition.pipeline import compose_with_document
from tests.router.composition.generation.subgraph_sets import subgraph_set
from tests.router.oracle.choices import SeededChoices

if TYPE_CHECKING:
    from collections.abc import Sequence

    from graphql.language import DocumentNode

EVERY_KIND = Subgraph(
    "s",
    "http://s.example/",
    '''
    extend schema @link(url: "https://specs.apollo.dev/federation/v2.9", import: ["@key", "@tag", "@inaccessible"])
    """
    A description

      of "several" lines
    """
    type Query implements I @tag(name: "t") {
      i("an \\\\ argument" a: [[Int!]]! = [[1]], e: E = ON, n: In = {y: 2}): I
      u: U
      s: S
    }
    " one line with a space "
    interface I { i(a: [[Int!]]! = [[1]], e: E = ON, n: In = {y: 2}): I }
    union U @tag(name: "u") = Query | B
    type B @key(fields: "id") {
      id: ID!
      "ends with a quote\\"" old: String @deprecated(reason: "a\\nb")
      hidden: Int @inaccessible
    }
    enum E { "a value" ON @tag(name: "on") OFF @deprecated }
    input In { y: Int! = 1 @tag(name: "y") text: String = "x" more: [In!] }
    scalar S @specifiedBy(url: "http://s.example/") @tag(name: "s")
    ''',
)


class WithoutJoins(Visitor):
    def enter_directive(self, node: DirectiveNode, *_: object) -> object:
        return REMOVE if node.name.value.startswith("join__") else None


def normalised(document: DocumentNode) -> object:
    """Return the document as data, with None for each empty list."""
    types = [
        node
        for node in document.definitions
        # The directives of this enum stay in the tree; nobody reads them.
        if not isinstance(node, TypeDefinitionNode) or node.name.value != "join__Graph"
    ]
    return [_without_empty_lists(ast_to_dict(visit(node, WithoutJoins()))) for node in types]


def _without_empty_lists(data: object) -> object:
    if isinstance(data, dict):
        return {key: _without_empty_lists(value) or None for key, value in data.items()}
    return [_without_empty_lists(each) for each in data] if isinstance(data, list) else data


def assert_equal(subgraphs: Sequence[Subgraph]) -> bool:
    composition, document = compose_with_document(subgraphs)
    assert (document is None) == (composition.supergraph_sdl is None)
    if document is not None and composition.supergraph_sdl is not None:
        assert normalised(document) == normalised(parse(composition.supergraph_sdl))
    return document is not None


def test_the_tree_is_that_of_the_text() -> None:
    assert assert_equal([EVERY_KIND])
    assert assert_equal(federation(3, 20))


@pytest.mark.parametrize("first", range(0, 80, 20))
def test_the_tree_of_a_generated_supergraph_is_that_of_its_text(first: int) -> None:
    sets = [subgraph_set(SeededChoices(91_000 + seed)) for seed in range(first, first + 20)]
    assert sum(map(assert_equal, sets)) > 0


def test_a_failed_composition_has_no_tree() -> None:
    assert not assert_equal([Subgraph("s", "http://s.example/", "type Query { a: Unknown }")])
