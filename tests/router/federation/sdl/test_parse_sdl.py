"""Whatever the text is, it is parsed as graphql-core parses it: with equal nodes, places and errors.

Covers `router/federation/sdl/node_places.py`, `router/federation/sdl/parse_definitions.py`,
`router/federation/sdl/parse_values_and_directives.py` and `router/federation/sdl/split_into_tokens.py`, too.
"""

from __future__ import annotations

import pickle
import random
from typing import TYPE_CHECKING

import pytest
from graphql import DirectiveNode, GraphQLSyntaxError, NamedTypeNode, Node, parse

from benchmarks.composition.federations import federation
from router.federation.sdl.node_places import IndexedSource
from router.federation.sdl.parse_sdl import parse_regular_sdl, parse_sdl
from router.federation.sdl.split_into_tokens import Irregular
from tests.router.composition.generation.subgraph_sets import subgraph_set
from tests.router.oracle.choices import SeededChoices

if TYPE_CHECKING:
    from collections.abc import Iterator

SEED = 20_261

REGULAR = (
    'schema @link(url: "u", import: ["@a", {name: "@b"}]) {\n  query: Q, mutation: M\r\n subscription: S\r}',
    '"""\n  Of two\n  lines: \\""" \\n "quoted"\n""" scalar Date @specifiedBy(url: "x")',
    '"one \\u00e9 \\" line" type A implements & B & C @key(fields: "id") { "d" id: ID! @tag(name: "a") @tag }',
    "type A implements B { f(a: [Int!]! = [1, -2, 3.5, 1e9, -0.1E-2], b: In = {x: null, y: true, z: OFF}): [[A]!] }",
    'interface I implements J { a: Int } union U @tag(name: "") = | A | B union V = C union W',
    'enum E @d { "first" A @deprecated(reason: "old") B } input In @d { a: Int = 1 @d b: [String!]! }',
    "directive @d(a: Int = 1 @e, b: E) @f repeatable on | FIELD_DEFINITION | OBJECT directive @e on SCHEMA",
    'extend schema @link(url: "a") extend schema { query: Q } extend scalar D @d extend type A implements B',
    "extend interface I { a: Int } extend union U = A extend enum E { A } extend input In { a: Int }",
    "# first\n#\n\ufeff type A{type:type,input:input}# last",
    "type extend { on: repeatable } type A",
    'type A @d(a: [], b: {}, c: "", d: """"x" """) { f: Int }',
)
IRREGULAR = (
    "",
    "# only this",
    "{ a }",
    "query Q { a }",
    "type A { f: Int } fragment F on A { f }",
    "type A { f(a: Int, a: Int): Int }",
    "type A @d(a: 1, a: 2)",
    "type A @d(a: {b: 1, b: 2})",
    "enum E { A A }",
    "enum E { true }",
    "type A { f: " + "[" * 60 + "Int" + "]" * 60 + " }",
    "type A { }",
    "type A {",
    "type A { f: Int",
    "extend type A",
    "extend foo A",
    "schema @d",
    "schema { subscribe: A }",
    '"about" extend type A @d',
    "directive @d on NOWHERE",
    "type A @d(a: $b)",
    "type A @d(a: 01)",
    "type A @d(a: 1.)",
    "type A @d(a: 1x)",
    'type A @d(a: "b)\n',
    'type A @d(a: "\\x")',
    'type A @d(a: """b)',
    'type A @d(a: """b \\""")',
    'type A @d(a: "\ud800")',
    "# \ud800\ntype A",
    "type Ä",
    "type A ; type B",
    "type A { f: Int... }",
)
SCRAPS = (
    *'{}()[]!@&|=:$"#,.\\\n\r\t-019é\ufeff',
    '"""',
    '\\"""',
    "...",
    " type ",
    " extend ",
    " on ",
    " a ",
    "1.5",
    "\r\n",
)


def nodes(node: Node) -> Iterator[Node]:
    yield node
    for key in node.keys:
        value = getattr(node, key)
        for each in value if isinstance(value, tuple) else (value,):
            if isinstance(each, Node):
                yield from nodes(each)


def assert_equal(text: str) -> None:
    """Compare with graphql-core: the error, or all nodes with their places."""
    try:
        expected = parse(text)
    except GraphQLSyntaxError as error:
        with pytest.raises(GraphQLSyntaxError) as raised:
            parse_sdl(text)
        assert (raised.value.message, raised.value.locations) == (error.message, error.locations)  # noqa: PT017
        return
    found = parse_sdl(text)
    assert found == expected
    for one, other in zip(nodes(found), nodes(expected), strict=True):
        assert type(one) is type(other)
        assert one.loc is not None
        assert other.loc is not None
        assert (one.loc.start, one.loc.end) == (other.loc.start, other.loc.end)
        if one is not found:
            assert (one.loc.start_token, one.loc.end_token) == (other.loc.start_token, other.loc.end_token)
    without = parse_sdl(text, no_location=True)
    assert without == parse(text, no_location=True)
    assert all(one.loc is None for one in nodes(without))


@pytest.mark.parametrize("text", REGULAR)
def test_definitions_are_parsed_without_graphql_core(text: str) -> None:
    parse_regular_sdl(IndexedSource(text))
    assert_equal(text)


@pytest.mark.parametrize("text", IRREGULAR)
def test_every_other_text_is_left_to_graphql_core(text: str) -> None:
    with pytest.raises(Irregular):
        parse_regular_sdl(IndexedSource(text))
    assert_equal(text)


def test_the_federations_of_the_benchmark_and_of_the_generator_are_parsed_alike() -> None:
    texts = [subgraph.sdl for subgraph in federation(3, 50)]
    texts += [each.sdl for seed in range(30) for each in subgraph_set(SeededChoices(SEED + seed))]
    for text in texts:
        assert_equal(text)


def test_texts_with_a_random_change_are_parsed_alike() -> None:
    chance = random.Random(SEED)
    for _ in range(3_000):
        text = chance.choice(REGULAR)
        for _ in range(chance.randint(1, 3)):
            start = chance.randrange(len(text))
            end = start + chance.choice((0, 0, 1, 4))
            text = text[:start] + chance.choice(("", *SCRAPS)) + text[end:]
        assert_equal(text)


def test_a_place_can_be_pickled() -> None:
    document = parse_sdl("type A {\n  f: Int\n}")
    copy = pickle.loads(pickle.dumps(document))  # noqa: S301 - our own bytes
    assert copy == document
    assert copy.definitions[0].loc.end_token.line == 3


def directives_and_types(text: str, *, no_location: bool) -> list[Node]:
    document = parse_sdl(text, no_location=no_location)
    return [node for node in nodes(document) if isinstance(node, DirectiveNode | NamedTypeNode)]


def test_equal_directives_and_types_without_places_are_one_node() -> None:
    text = 'type A @d(a: ")", b: [{c: "("}]) { f: B @e g: B @d(a: ")", b: [{c: "("}]) h: B! @d(a: "", b: [{c: "("}]) }'
    found = directives_and_types(text, no_location=True)
    assert len(found) == 7
    assert len(set(map(id, found))) == 4
    assert len(set(map(id, directives_and_types(text, no_location=False)))) == 7
    assert_equal(text)


@pytest.mark.parametrize("text", ["type A @", "type A @d(", "type A @d(a: 1 type B", "type A @d(a: (1)) { f: Int }"])
def test_a_directive_without_an_end_is_an_error_of_graphql_core(text: str) -> None:
    assert_equal(text)
