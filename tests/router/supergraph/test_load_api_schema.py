from __future__ import annotations

import pytest
from graphql import parse, print_schema

from router.composition import Subgraph, compose
from router.errors import InvalidSupergraph
from router.supergraph import load
from router.supergraph.load_api_schema import load_api_schema
from router.supergraph.merged_and_api_schema import published_schema

SDL = """
extend schema @link(
  url: "https://specs.apollo.dev/federation/v2.9"
  import: ["@key", "@inaccessible", {name: "@authenticated", as: "@loggedIn"}, "@tag"]
)
type Query { a: Int @loggedIn b: Int @inaccessible c: Hidden @inaccessible }
type Hidden @inaccessible { x: Int @tag(name: "t") }
"""


def test_the_api_schema_is_that_of_the_loaded_supergraph() -> None:
    sdl = compose([Subgraph("s", "http://s.example", SDL)]).supergraph_sdl
    assert sdl is not None
    loaded = load_api_schema(parse(sdl))
    assert print_schema(loaded.schema) == print_schema(published_schema(load(sdl).api_schema))
    assert loaded.directive_names == {"loggedIn": "authenticated", "tag": "tag"}


@pytest.mark.parametrize("sdl", ["type A { a: Int }", 'schema @link(url: "x", as: "%") { query: Q } type Q { a: Int }'])
def test_a_document_that_is_no_supergraph(sdl: str) -> None:
    with pytest.raises(InvalidSupergraph):
        load_api_schema(parse(sdl))
