from __future__ import annotations

import pytest
from graphql import GraphQLSyntaxError, Lexer, Source, TokenKind, get_introspection_query
from hypothesis import given
from hypothesis import strategies as st

from router.policies.count_tokens_before_parsing import DocumentSize, document_size

PUNCTUATION = ["{", "}", "(", ")", "[", "]", "...", ":", "!", "|", "=", "&", "$x", "@b"]
WORDS = [
    "a",
    "on",
    "_9",
    "1",
    "-2.5e-3",
    "0",
    '""',
    '"a{"',
    '"\\""',
    '"\\\\"',
    '""""""',
    '"""a"{b"""',
    '"""\\""" "" {"""',
]
IGNORED = [",", " ", "\n", "\ufeff", "# {[( \n", "#\r"]
PIECES = st.lists(st.sampled_from([*PUNCTUATION, *WORDS, *IGNORED]))


def lexed(text: str) -> int | None:
    """The tokens that graphql-core makes, comments included; None where it sees a mistake."""
    lexer = Lexer(Source(text))
    token = lexer.token
    try:
        while lexer.advance().kind is not TokenKind.EOF:
            pass
    except GraphQLSyntaxError:
        return None
    count = 0
    while token.next is not None and token.next.kind is not TokenKind.EOF:
        token, count = token.next, count + 1
    return count


@given(PIECES)
def test_it_counts_the_tokens_a_lexer_would(pieces: list[str]) -> None:
    text = " ".join(pieces)
    expected = lexed(text)
    if expected is not None:
        assert document_size(text).tokens == expected


def test_a_large_real_document_has_the_tokens_a_lexer_finds() -> None:
    assert document_size(get_introspection_query()).tokens == lexed(get_introspection_query())


@pytest.mark.parametrize(
    ("text", "depth"),
    [
        ("", 0),
        ("{ a }", 1),
        ("{ a(b: [[1]]) { c } }", 4),
        ("{ a(b: {c: 1}) { d { e } } f }", 3),
        ('{ a(b: "{{{[[[") # {{{\n }', 2),
        ('{ a(b: """{{{ \\""" [[[""") }', 2),
        ("}}}{", 0),
    ],
)
def test_it_counts_brackets_that_are_open_at_once(text: str, depth: int) -> None:
    assert document_size(text).recursion == depth


def test_it_goes_no_further_than_it_must() -> None:
    assert document_size("a " * 1_000, stop=10) == DocumentSize(tokens=11, recursion=0)


def test_a_string_without_end_takes_no_longer_than_the_text() -> None:
    assert document_size('"' * 200_001 + "\\" * 200_000).tokens > 0
    assert document_size('"""' + '\\"""' * 100_000).tokens > 0
