"""Documents without literals."""

from __future__ import annotations

import pytest
from graphql import parse, print_ast, validate

from router.get_operation import get_operation
from router.usage.remove_literals import document_of, without_literals
from tests.router.usage.recording import SCHEMA


@pytest.mark.parametrize(
    ("document", "expected"),
    [
        ('{ book(id: "secret") { id } }', '{ book(id: "") { id } }'),
        ("{ book(id: 42) { id } }", "{ book(id: 0) { id } }"),
        (
            '{ book(filter: {genre: POEM, ids: ["a", "b", 3], nested: {text: "x"}}) { id } }',
            '{ book(filter: {genre: POEM, ids: ["", 0], nested: {text: ""}}) { id } }',
        ),
        ("{ books(genre: POEM) { id } }", "{ books(genre: POEM) { id } }"),
        ('{ books(any: {name: "Ada", list: [1]}) { id } }', "{ books(any: {}) { id } }"),
        ("{ books(any: [Ada, 1.5, true, null]) { id } }", '{ books(any: ["", 0.0, false, null]) { id } }'),
        (
            'query ($a: String = "x") { book(filter: {text: $a}) { id } }',
            'query ($a: String = "") { book(filter: {text: $a}) { id } }',
        ),
        ("{ book { id @include(if: true) } }", "{ book { id @include(if: false) } }"),
        ('{ book(id: """secret""") { id } } # secret', '{ book(id: "") { id } }'),
    ],
)
def test_literals_are_removed_and_the_document_stays_valid(document: str, expected: str) -> None:
    text = without_literals(SCHEMA, parse(document))
    assert text == print_ast(parse(expected))
    assert validate(SCHEMA, parse(text)) == []
    assert without_literals(SCHEMA, parse(text)) == text


def test_only_fragments_that_the_operation_uses_are_kept() -> None:
    document = parse("""
        query A { book { ...One } }
        query B { book { ...Other } }
        fragment One on Book { ...Two }
        fragment Two on Book { id }
        fragment Other on Book { title }
    """)
    kept = document_of(get_operation(SCHEMA, document, "A"))
    assert [getattr(each, "name").value for each in kept.definitions] == ["A", "One", "Two"]  # noqa: B009  (the class differs)
