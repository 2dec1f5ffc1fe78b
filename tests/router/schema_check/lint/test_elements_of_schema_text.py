"""The elements of a text, without those of specifications."""

from __future__ import annotations

from router.schema_check.find_lines_of_elements import SchemaText
from router.schema_check.lint.elements_of_schema_text import ElementKind, LintedText

LINKED = """
schema @link(url: "https://specs.apollo.dev/federation/v2.11", import: [{name: "@key", as: "@id"}]) { query: Root }
"""


def read(sdl: str) -> LintedText:
    text = LintedText.read(SchemaText(sdl, None, "a"))
    assert text is not None
    return text


def test_every_declaration_is_an_element() -> None:
    text = read("""
        directive @d(x: Int) on OBJECT
        type T { f(a: Int): Int }
        extend type T { g: Int }
        interface I { f: Int }
        union U = T
        enum E { A }
        input In { x: Int }
        scalar S
    """)
    assert [(each.kind, each.coordinate) for each in text.elements] == [
        (ElementKind.DIRECTIVE, "@d"),
        (ElementKind.DIRECTIVE_ARGUMENT, "@d(x:)"),
        (ElementKind.OBJECT, "T"),
        (ElementKind.FIELD, "T.f"),
        (ElementKind.ARGUMENT, "T.f(a:)"),
        (ElementKind.OBJECT, "T"),
        (ElementKind.FIELD, "T.g"),
        (ElementKind.INTERFACE, "I"),
        (ElementKind.FIELD, "I.f"),
        (ElementKind.UNION, "U"),
        (ElementKind.ENUM, "E"),
        (ElementKind.ENUM_VALUE, "E.A"),
        (ElementKind.INPUT, "In"),
        (ElementKind.INPUT_FIELD, "In.x"),
        (ElementKind.SCALAR, "S"),
    ]
    assert [each.is_extension for each in text.types["T"]] == [False, True]


def test_elements_of_specifications_are_left_out() -> None:
    text = read(
        LINKED
        + """
        type Root { _service: _Service! a: Int }
        type _Service { sdl: String }
        scalar federation__FieldSet
        directive @id(fields: federation__FieldSet!) repeatable on OBJECT
        enum join__Graph { A }
        """
    )
    assert [each.coordinate for each in text.elements] == ["Root", "Root.a"]


def test_federation_1_directives_are_left_out_without_a_link() -> None:
    text = read("directive @key(fields: String!) on OBJECT type Query { a: Int }")
    assert [each.coordinate for each in text.elements] == ["Query", "Query.a"]


def test_keys_are_found_by_the_name_that_the_link_gives() -> None:
    text = read(LINKED + 'type T @id(fields: "b  a") @id(fields: "c", resolvable: false) @key(fields: "d") { a: Int }')
    found = [(fields, resolvable) for _, fields, resolvable in text.keys("T")]
    assert found[:2] == [("b a", True), ("c", False)]


def test_root_types_follow_the_schema_definition() -> None:
    assert read(LINKED).root_types == {"Root": "query", "Mutation": "mutation", "Subscription": "subscription"}


def test_a_text_with_a_syntax_error_is_not_read() -> None:
    assert LintedText.read(SchemaText("type {", None)) is None
