"""The definitions of a subgraph: parsed, completed with those of specifications, built into records.

Covers `router/composition/reading/subgraph_document.py`, `router/composition/reading/parse_sdl_with_repetitions.py`,
`router/composition/reading/give_each_type_one_kind.py`, `router/composition/reading/convert_lenient_literals.py`,
`router/federation/rewrite_definitions.py`,
`router/composition/reading/schema_builder.py`, `router/composition/reading/check_types_of_replaced_arguments.py`,
`router/composition/reading/check_own_graphql_directives.py`, `router/composition/reading/spec_directive_names.py`,
`router/composition/reading/drop_subgraph_spec_parts.py`,
`router/composition/reading/drop_unknown_type_conditions.py`,
`router/composition/reading/spec_definitions_under_schema_names.py` and `router/composition/reading/read_subgraph.py`.
"""

from __future__ import annotations

import pytest
from graphql.language import Source, parse, print_ast

from router.composition import Subgraph
from router.composition.model import Kind
from router.composition.reading.convert_lenient_literals import with_exact_literals
from router.composition.reading.give_each_type_one_kind import with_one_kind_per_type
from router.composition.reading.parse_sdl_with_repetitions import parse_schema
from router.composition.reading.read_subgraph import read_subgraph
from router.composition.reading.spec_definitions_under_schema_names import spec_definitions
from router.composition.reading.spec_directive_names import element_resolver
from router.composition.reading.subgraph_document import read_document
from router.composition.report import Report
from router.federation.linked_specs import Links
from router.federation.rewrite_definitions import without_null_reasons
from router.federation.spec_versions import spec_versions
from tests.router.composition.schemas import codes, field, read


def printed(sdl: str) -> str:
    return print_ast(parse_schema(Source(sdl)))


def test_of_an_argument_given_twice_the_last_one_counts() -> None:
    assert printed("type A @d(x: 1, y: 2, x: 3)") == "type A @d(x: 3, y: 2)"
    assert printed("type A @d(x: {a: 1, a: 2})") == "type A @d(x: { a: 2 })"


def test_an_argument_defined_twice_has_the_last_type_and_both_directives() -> None:
    assert printed("type A { f(x: Int @a, x: String @b): Int }") == "type A {\n  f(x: String @a @b): Int\n}"


def test_an_enum_value_defined_twice_has_both_directives() -> None:
    assert printed("enum E { A @a A @b }") == "enum E {\n  A @a @b\n}"


def blocks(sdl: str) -> list[str]:
    return [print_ast(node) for node in with_one_kind_per_type(parse_schema(Source(sdl)).definitions)]


def test_a_block_of_another_kind_is_read_as_one_of_the_first_kind() -> None:
    assert blocks("type T { a: Int } extend interface T { b: Int }")[1] == "extend type T {\n  b: Int\n}"
    assert blocks("input T { a: Int } extend type T { b: Int }")[1] == "extend input T {\n  b: Int\n}"


def test_a_block_that_cannot_be_of_the_first_kind_stays() -> None:
    assert blocks("input T { a: Int } extend type T { b(x: Int): Int }")[1].startswith("extend type T")
    assert blocks("enum T { A } extend union T = B")[1].startswith("extend union T")


def test_an_enum_value_in_two_blocks_is_in_the_first() -> None:
    assert blocks("enum E { A } extend enum E { A @a B }") == ["enum E {\n  A @a\n}", "extend enum E {\n  B\n}"]


@pytest.mark.parametrize(
    ("written", "read"),
    [
        ('E = "A"', "E = A"),
        ('[[E]] = [["A"], "A"]', "[[E]] = [[A], A]"),
        ('[E!]! = "A"', "[E!]! = A"),
        ('String = "A"', 'String = "A"'),
        ("String = foo", 'String = "foo"'),
        ("[ID!] = [foo, 1]", '[ID!] = ["foo", 1]'),
        ("S = foo", 'S = "foo"'),
        ("Int = 1.0", "Int = 1"),
        ("Int = 1e3", "Int = 1000"),
        ("Int = 1.5", "Int = 1.5"),
        ("Float = 1.0", "Float = 1.0"),
        ('I = {e: "A", s: foo, i: {s: bar}}', 'I = { e: A, s: "foo", i: { s: "bar" } }'),
        ("E = null", "E = null"),
        ("Boolean = foo", "Boolean = foo"),
    ],
)
def test_a_literal_gets_the_form_that_its_type_wants(written: str, read: str) -> None:
    """Was: a list of strings for enums was refused, a label without quotes was dropped."""
    types = "enum E { A } scalar S input I { e: E s: String i: I }"
    places = "type T { f(a: %s @m(x: %s)): T @m(x: %s) } directive @m(x: %s) on FIELD_DEFINITION | ARGUMENT_DEFINITION"
    type_, value = written.split(" = ")
    changed = with_exact_literals(
        parse_schema(Source(f"{types} {places % (written, value, value, type_)}")).definitions, (), lambda _: None
    )
    value = read.split(" = ")[1]
    expected = parse(f"{types} {places % (read, value, value, type_)}", no_location=True)
    assert [*map(print_ast, changed)] == [*map(print_ast, expected.definitions)]


def test_a_field_set_keeps_its_form() -> None:
    sdl = "type T @key(fields: id) { id: ID! } directive @key(fields: S!) on OBJECT scalar S"
    definitions = parse_schema(Source(sdl)).definitions
    assert with_exact_literals(definitions, (), lambda name: name) == tuple(definitions)


def test_a_null_reason_is_no_reason() -> None:
    sdl = 'type T { a: Int @deprecated(reason: null) b: Int @deprecated(reason: "x") @m(reason: null) }'
    (changed,) = without_null_reasons(parse_schema(Source(sdl)).definitions)
    assert print_ast(changed).split("\n")[1:3] == [
        "  a: Int @deprecated",
        '  b: Int @deprecated(reason: "x") @m(reason: null)',
    ]


def test_what_servers_print_for_the_gateway_is_removed() -> None:
    report = Report()
    document = read_document(
        "a",
        "type Query { _service: _Service! _entities(r: [_Any!]!): [_Entity]! a: A } scalar _Any"
        " type _Service { sdl: String } union _Entity = A type A { x: Int } scalar Int directive @skip on FIELD",
        report,
    )
    assert document is not None
    assert [print_ast(node).split(" {")[0] for node in document.definitions] == ["type Query", "type A"]
    assert document.removed_types == {"_Any", "_Service", "_Entity"}


def test_root_types_have_the_names_of_the_schema_definition() -> None:
    document = read_document("a", "schema { query: Q } type Q { a: Int }", Report())
    assert document is not None
    assert document.root_names == {"query": "Q"}


@pytest.mark.parametrize(
    "sdl", ["type A {", "query { a }", "type A { a: Int } type A { b: Int }", "extend scalar Int @a"]
)
def test_a_document_that_is_not_a_schema_is_an_error(sdl: str) -> None:
    report = Report()
    assert read_document("a", sdl, report) is None
    assert set(codes(report)) == {"INVALID_GRAPHQL"}


def test_definition_and_extensions_become_one_record() -> None:
    schema = read('extend type A { y: Int } type A @tag(name: "t") { x: Int } type Query { a: A }')
    definition = schema.types["A"]
    assert (definition.kind, definition.has_definition, definition.has_extension) == (Kind.OBJECT, True, True)
    assert {name: member.in_extension for name, member in definition.fields.items()} == {"y": True, "x": False}


def test_custom_root_types_get_the_default_names() -> None:
    schema = read("schema { query: Q } type Q { a: [Q!] }")
    assert "Q" not in schema.types
    assert str(field(schema, "Query.a").type) == "[Query!]"


@pytest.mark.parametrize(
    ("sdl", "code"),
    [
        ("schema { query: Q } type Q { a: Int } type Query { b: Int }", "ROOT_QUERY_USED"),
        (
            "schema { query: Q mutation: M } type Q { a: Int } type M { a: Int } type Mutation { a: Int }",
            "ROOT_MUTATION_USED",
        ),
    ],
)
def test_no_other_type_may_have_the_name_of_a_root(sdl: str, code: str) -> None:
    report = Report()
    assert read_subgraph(Subgraph("a", "", sdl), report) is None
    assert codes(report) == [code]


@pytest.mark.parametrize(
    ("subgraph", "code"),
    [
        (Subgraph("_", "", "type Query { a: Int }"), "INVALID_SUBGRAPH_NAME"),
        (Subgraph("\ud800", "", "type Query { a: Int }"), "INVALID_SUBGRAPH_NAME"),
        (Subgraph("a", "\ud800", "type Query { a: Int }"), "INVALID_GRAPHQL"),
    ],
)
def test_a_supergraph_must_be_able_to_contain_name_and_url(subgraph: Subgraph, code: str) -> None:
    report = Report()
    assert read_subgraph(subgraph, report) is None
    assert codes(report) == [code]


def test_directives_have_their_names_of_the_specification() -> None:
    schema = read("type Query { a: Int }")
    resolve = element_resolver(schema.links, federation_2=True)
    assert [resolve(name) for name in ("key", "federation__policy", "deprecated", "mine")] == [
        "key",
        None if schema.links.directive_source("federation__policy") is None else "policy",
        "deprecated",
        None,
    ]


def test_federation_1_directives_need_no_link() -> None:
    resolve = element_resolver(Links(), federation_2=False)
    assert [resolve(name) for name in ("key", "shareable", "link", "cost")] == ["key", "shareable", "link", None]


def test_unknown_type_conditions_are_dropped_from_field_sets() -> None:
    schema = read('type Query { a: A } type A @key(fields: "... on Nope { id }") { id: ID }')
    assert schema.types["A"].keys[0].text("fields") == "... { id }"


def test_specification_definitions_have_the_names_of_the_schema() -> None:
    spec = spec_versions("federation")[0]
    found = spec_definitions(spec, lambda name: f"fed__{name}", lambda name: f"fed__{name}")
    assert (
        print_ast(found.directives["fed__requires"])
        == "directive @fed__requires(fields: fed__FieldSet!) on FIELD_DEFINITION"
    )
    assert found is spec_definitions(spec, lambda name: f"fed__{name}", lambda name: f"fed__{name}")
