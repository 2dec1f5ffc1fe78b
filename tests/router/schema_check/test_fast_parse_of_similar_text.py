from __future__ import annotations

import pytest
from graphql import GraphQLSyntaxError, parse, print_ast

from router.schema_check.fast_parse_of_similar_text import parse_similar

KNOWN = 'type A { a: Int }\n\n"""About B\n\ntype"""\ntype B { b: Int }\n\n# comment\nscalar C\n\ntype Dd { d: Int }\n'
TEXTS = (
    KNOWN,
    KNOWN.replace("b: Int", "b: Int c: Int"),
    KNOWN.replace("About B", "About"),
    KNOWN.replace("scalar C", "scalar Cc"),
    KNOWN.replace("scalar C\n", ""),
    KNOWN.replace("type A { a: Int }\n\n", ""),
    KNOWN.replace("type Dd { d: Int }\n", ""),
    KNOWN.replace("Dd", "D"),
    KNOWN.replace("type A", "extend type A"),
    KNOWN.replace("scalar C", "scalar C @x"),
    f"{KNOWN}type E {{ e: Int }}",
    f"type E {{ e: Int }}\n{KNOWN}",
    KNOWN + KNOWN,
    KNOWN.replace("scalar C\n", "scalar C\nscalar C\n"),
    "scalar Z",
)


@pytest.mark.parametrize("text", TEXTS)
@pytest.mark.parametrize("known", TEXTS)
def test_the_document_is_that_of_the_text(text: str, known: str) -> None:
    found = parse_similar(text, known, parse(known))
    assert print_ast(found) == print_ast(parse(text))


@pytest.mark.parametrize("text", ["", KNOWN.replace("b: Int }", "b: Int"), KNOWN + "}"])
def test_a_text_with_an_error_is_refused_with_its_place(text: str) -> None:
    with pytest.raises(GraphQLSyntaxError) as caught:
        parse_similar(text, KNOWN, parse(KNOWN))
    with pytest.raises(GraphQLSyntaxError) as expected:
        parse(text)
    assert caught.value.locations == expected.value.locations
