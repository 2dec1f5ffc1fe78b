"""A parsed document leaves no reference cycles behind, whether it is valid or not."""

from __future__ import annotations

import gc
from contextlib import suppress

import pytest
from graphql import GraphQLSyntaxError, Lexer, Source, Token, TokenKind, print_ast
from hypothesis import example, given
from hypothesis import strategies as st

from router.preparation.parse_without_token_links import _FastLexer, parse_document
from router.preparation.preparing_thread import PREPARING_THREAD

FIELDS = " ".join(f"a{number}: __typename" for number in range(100))


def collected_tokens(text: str) -> int:
    """How many tokens only the garbage collector frees after `text` was parsed."""
    PREPARING_THREAD.submit(lambda: None).result()  # what an earlier test left to it must not count
    gc.collect()
    gc.disable()
    gc.set_debug(gc.DEBUG_SAVEALL)
    try:
        with suppress(GraphQLSyntaxError):
            parse_document(text)
        gc.collect()
        return sum(isinstance(each, Token) for each in gc.garbage)
    finally:
        gc.set_debug(0)
        gc.garbage.clear()
        gc.enable()


@pytest.mark.parametrize("text", [f"{{ {FIELDS} }}", f"{{ {FIELDS}", f"{FIELDS} }}", ""])
def test_no_token_waits_for_the_garbage_collector(text: str) -> None:
    assert collected_tokens(text) == 0


def test_the_document_is_complete_and_knows_its_places() -> None:
    document = parse_document("query Q { a(b: 1) { c } }\n# end")
    assert print_ast(document) == "query Q {\n  a(b: 1) {\n    c\n  }\n}"
    location = document.definitions[0].loc
    assert location is not None
    assert (location.start, location.end) == (0, 25)


def test_a_syntax_error_has_its_place() -> None:
    with pytest.raises(GraphQLSyntaxError) as error:
        parse_document("{ a\n ]")
    assert [(place.line, place.column) for place in error.value.locations or ()] == [(2, 2)]


_TEXTS = ["a", "_b1", "\u00e9", "x" * 50, "\ufeff", "\U0001f600", "\ud83d", "\ude00", "\x00", "\x7f", "1", "-1.5e3"]
_QUOTES = ['"', '""', '"""', "\\", '\\"', "\\u0041", "\\u{1F600}"]
_OTHERS = ["{", "}", "(", ")", "$", ":", "@", "...", "#", "\n", "\r\n", "\r", " ", ","]


@given(st.lists(st.sampled_from([*_TEXTS, *_QUOTES, *_OTHERS]), max_size=14).map("".join))
@example('{ a(b: "\ud83d\ude00") }')
@example("{ a } #\ud83d")
@example('{ a(b: "')
def test_the_tokens_are_those_of_graphql_core(text: str) -> None:
    assert tokens(_FastLexer(Source(text))) == tokens(Lexer(Source(text)))


def tokens(lexer: Lexer) -> list[object]:
    """All tokens with their places, and the error that ends them, if any."""
    found: list[object] = []
    try:
        while (token := lexer.advance()).kind is not TokenKind.EOF:
            found.append((token.kind, token.start, token.end, token.line, token.column, token.value))
    except GraphQLSyntaxError as error:
        found.append((error.message, error.positions))
    return found
