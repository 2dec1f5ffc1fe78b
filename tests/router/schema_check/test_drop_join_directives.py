from __future__ import annotations

import pytest
from graphql import Visitor, parse, print_ast, print_schema, visit
from graphql.language import REMOVE, DirectiveNode

from benchmarks.composition.federations import federation
from router.composition import compose
from router.schema_check.drop_join_directives import without_join_directives
from router.supergraph.load_api_schema import load_api_schema
from tests.router.composition.generation.subgraph_sets import subgraph_set
from tests.router.oracle.choices import SeededChoices


class WithoutJoins(Visitor):
    def enter_directive(self, node: DirectiveNode, *_: object) -> object:
        return REMOVE if node.name.value.startswith("join__") else None


@pytest.mark.parametrize(
    ("text", "rest"),
    [
        ('type A @join__type(graph: X) @tag(name: "a") { f: Int @join__field }', 'type A @tag(name: "a") { f: Int }'),
        ('type A @join__type(graph: X, key: "a(b: \\")\\") { c }") @x', "type A @x"),
        ('"@join__type(graph: X)" type A', '"@join__type(graph: X)" type A'),
        ('"""\n@join__type \\""" @join__type\n""" type A', '"""\n@join__type \\""" @join__type\n""" type A'),
        ("# @join__type\ntype A", "# @join__type\ntype A"),
        ("directive @join__graph(name: String!) on ENUM_VALUE", "directive @join__graph(name: String!) on ENUM_VALUE"),
        ('type A @tag(name: "@join__type(") @join__type(graph: X)', 'type A @tag(name: "@join__type(")'),
    ],
)
def test_only_applied_join_directives_are_dropped(text: str, rest: str) -> None:
    assert without_join_directives(text) == rest


def test_composed_supergraphs_have_the_same_api_schema_without_them() -> None:
    sets = [federation(3, 20), *(subgraph_set(SeededChoices(91_000 + seed)) for seed in range(80))]
    texts = [sdl for subgraphs in sets if (sdl := compose(subgraphs).supergraph_sdl) is not None]
    assert len(texts) > 10
    for text in texts:
        short = without_join_directives(text)
        assert print_ast(parse(short)) == print_ast(visit(parse(text), WithoutJoins()))
        one, other = load_api_schema(parse(short)), load_api_schema(parse(text))
        assert print_schema(one.schema) == print_schema(other.schema)
        assert one.directive_names == other.directive_names
