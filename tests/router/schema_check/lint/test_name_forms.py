"""The forms of names."""

from __future__ import annotations

import pytest

from router.schema_check.lint.name_forms import camel_case, constant_case, pascal_case, words_of


@pytest.mark.parametrize(
    ("name", "words"),
    [
        ("bookByID", ["book", "By", "ID"]),
        ("HTTPCode", ["HTTP", "Code"]),
        ("snake_case2", ["snake", "case", "2"]),
        ("_", []),
    ],
)
def test_a_name_is_split_into_words(name: str, words: list[str]) -> None:
    assert words_of(name) == words


@pytest.mark.parametrize(
    ("name", "pascal", "camel", "constant"),
    [
        ("bookItem", "BookItem", "bookItem", "BOOK_ITEM"),
        ("BookItem", "BookItem", "bookItem", "BOOK_ITEM"),
        ("book_item", "BookItem", "bookItem", "BOOK_ITEM"),
        ("BOOK_ITEM", "BookItem", "bookItem", "BOOK_ITEM"),
        ("URL", "URL", "url", "URL"),
        ("HTTPCode", "HTTPCode", "httpCode", "HTTP_CODE"),
        ("_", "_", "_", "_"),
    ],
)
def test_a_name_is_put_into_a_form(name: str, pascal: str, camel: str, constant: str) -> None:
    assert (pascal_case(name), camel_case(name), constant_case(name)) == (pascal, camel, constant)
