from __future__ import annotations

import pytest

from router.federation.field_sets import FieldSetSyntaxError, parse_field_set, print_field_set


@pytest.mark.parametrize(
    ("text", "printed"),
    [
        ("id", "id"),
        ("  id,\n sku ", "id sku"),
        ("{ id }", "id"),
        ("id organization{id}", "id organization { id }"),
        ("a { ... on B { c(x: 1, y: [2]) } }", "a { ... on B { c(x: 1, y: [2]) } }"),
        ("x: id @skip(if: true)", "x: id @skip(if: true)"),
    ],
)
def test_a_field_set_prints_on_one_line(text: str, printed: str) -> None:
    assert print_field_set(parse_field_set(text)) == printed


@pytest.mark.parametrize("text", ["", "{", "id }", "id } { id", "} query {", "id } fragment F on T { id", "a {" * 3000])
def test_a_text_that_is_not_one_selection_set_raises(text: str) -> None:
    with pytest.raises(FieldSetSyntaxError):
        parse_field_set(text)
