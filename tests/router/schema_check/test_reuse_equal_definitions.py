from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
from graphql import GraphQLSyntaxError, TypeDefinitionNode, parse, print_ast, print_schema

from router.composition import Subgraph
from router.composition.pipeline import compose_with_document
from router.schema_check.diff.compare_schemas import compare_schemas
from router.schema_check.drop_join_directives import without_join_directives
from router.schema_check.reuse_equal_definitions import parse_similar, split_into_definitions
from router.supergraph.load_api_schema import load_api_schema

if TYPE_CHECKING:
    from graphql import DocumentNode

SDL = '''
type Query { a: A b: B }
"""
About A

type X { not: This }
"""
type A {
  """
  About a

  more
  """
  a: Int
}
type B { "\\"\\"\\"" b: Int }
enum Z { Z }
'''
CHANGES = (
    ("", ""),
    ("a: Int", "a: Int c: Int"),
    ("About A", "About"),
    ("About a", "About Z"),
    ("enum Z { Z }", ""),
    ("enum Z { Z }", "enum Z { Z } enum Y { Y }"),
    ("enum Z", "enum Zz"),
    ("b: Int", "b: Int @shareable"),
)


def composed(sdl: str, url: str = "http://s.example/") -> tuple[str, DocumentNode]:
    link = 'extend schema @link(url: "https://specs.apollo.dev/federation/v2.9", import: ["@shareable"])'
    composition, document = compose_with_document([Subgraph("s", url, link + sdl)])
    assert composition.supergraph_sdl is not None
    assert document is not None
    return composition.supergraph_sdl, document


VERSIONS = [composed(SDL.replace(*change)) for change in CHANGES]


@pytest.mark.parametrize("known", VERSIONS)
@pytest.mark.parametrize("new", VERSIONS)
def test_the_document_is_that_of_the_text(new: tuple[str, DocumentNode], known: tuple[str, DocumentNode]) -> None:
    found = parse_similar(new[0], *known)
    assert [print_ast(each) for each in found.definitions if "join__" not in print_ast(each)] == [
        print_ast(each)
        for each in parse(without_join_directives(new[0])).definitions
        if "join__" not in print_ast(each)
    ]


def test_equal_definitions_are_the_same_nodes() -> None:
    (sdl, document), (other, _) = VERSIONS[0], VERSIONS[1]
    known = {id(node) for node in document.definitions}
    new = [node for node in parse_similar(other, sdl, document).definitions if id(node) not in known]
    assert [node.name.value for node in new if isinstance(node, TypeDefinitionNode)] == ["A"]
    assert len(new) == 1


@pytest.mark.parametrize("known", VERSIONS)
@pytest.mark.parametrize("new", VERSIONS)
def test_the_diff_finds_the_same_changes(new: tuple[str, DocumentNode], known: tuple[str, DocumentNode]) -> None:
    proposed, base = load_api_schema(known[1]).schema, load_api_schema(parse_similar(new[0], *known)).schema
    apart = load_api_schema(parse(known[0])).schema, load_api_schema(parse(new[0])).schema
    assert [*compare_schemas(base, proposed)] == [*compare_schemas(apart[1], apart[0])]
    assert (not compare_schemas(base, proposed)) == (print_schema(base) == print_schema(proposed))


def test_the_texts_are_split_at_the_ends_of_definitions() -> None:
    for sdl, document in VERSIONS:
        texts = split_into_definitions(sdl)
        assert "\n\n".join(texts) + "\n" == sdl
        assert len(texts) == len(document.definitions)
        assert all(len(parse(text).definitions) == 1 for text in texts)


def test_a_text_of_another_form_is_parsed_as_a_whole() -> None:
    known = parse("type A { a: Int } type B { b: Int }")
    assert print_ast(parse_similar("scalar C", "type A { a: Int } type B { b: Int }", known)) == "scalar C"


@pytest.mark.parametrize("broken", ["", VERSIONS[0][0].replace("a: A", "a: "), VERSIONS[0][0] + "}"])
def test_a_text_with_an_error_is_refused_with_its_place(broken: str) -> None:
    with pytest.raises(GraphQLSyntaxError) as caught:
        parse_similar(broken, *VERSIONS[0])
    with pytest.raises(GraphQLSyntaxError) as expected:
        parse(without_join_directives(broken))
    assert caught.value.locations == expected.value.locations
