from __future__ import annotations

import pytest

from router.schema_check.operations.embedded_documents import embedded_documents


def documents(source: str) -> list[tuple[int, str]]:
    return [(each.line, " ".join(each.text.split())) for each in embedded_documents(source)]


@pytest.mark.parametrize(
    "source",
    [
        "const A = gql`query A { a }`;",
        "const A = graphql`query A { a }`;",
        "const A = graphql(`query A { a }`);",
        "const A = gql(/* GraphQL */ `query A { a }`);",
        "export const A: DocumentNode = /* GraphQL */ `query A { a }`",
        "useQuery(gql`query A { a }`)",
        "const ALL = { a: /* GraphQL */ `query A { a }` };",
    ],
)
def test_a_document_is_found_in_each_form(source: str) -> None:
    assert documents(source) == [(1, "query A { a }")]


@pytest.mark.parametrize("source", ["const A = `query A { a }`;", "const A = sql`select 1`;", "", "// gql\n`a`"])
def test_other_literals_are_no_documents(source: str) -> None:
    assert documents(source) == []


def test_a_literal_inside_another_is_put_in() -> None:
    source = "const F = gql`x ${G}`;\nconst G = gql`y`;\nconst Q = gql`\n  { a { ${F} } }\n`;"
    assert documents(source) == [(3, "{ a { x y } }")]


def test_fragments_stay_documents_of_their_own() -> None:
    source = "const F = gql`fragment F on A { x }`;\nconst Q = gql`{ a { ...F } } ${F} ${OTHER.fragment}`;"
    assert documents(source) == [(1, "fragment F on A { x }"), (2, "{ a { ...F } }")]


def test_a_literal_that_contains_itself_ends() -> None:
    assert documents("const A = gql`${A}`;\nconst Q = gql`{ a ${A} }`;") == [(2, "{ a }")]
