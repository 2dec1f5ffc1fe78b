"""What is reported when a subgraph is read.

Covers `router/composition/reading/check_and_add_spec_definitions.py`,
`router/composition/reading/report_unknown_references.py`, `router/composition/reading/check_graphql_rules.py`,
`router/composition/reading/unknown_directive_advice.py`, `router/composition/reading/check_own_spec_types.py` and
`router/composition/reading/schema_limits.py`.
"""

from __future__ import annotations

import pytest

from router.composition import Subgraph
from router.composition.reading.read_subgraph import read_subgraph
from router.composition.reading.schema_limits import MAX_CHARACTERS, MAX_NESTING, MAX_TOKENS, exceeded_limit
from router.composition.report import Report
from tests.router.composition.schemas import LINK, codes

FIELD_SET = "scalar federation__FieldSet "


def errors(sdl: str) -> list[str]:
    report = Report()
    read_subgraph(Subgraph("a", "", sdl), report)
    return codes(report)


@pytest.mark.parametrize(
    "definition",
    [
        FIELD_SET + "directive @key(fields: federation__FieldSet!, resolvable: Boolean = true) repeatable on OBJECT",
        FIELD_SET + "directive @key(fields: federation__FieldSet!) repeatable on OBJECT | INTERFACE",
        FIELD_SET + "directive @requires(fields: federation__FieldSet!) on FIELD_DEFINITION",
        "directive @requires(fields: String!) on FIELD_DEFINITION",
    ],
)
def test_an_own_definition_may_allow_less_than_the_specification(definition: str) -> None:
    assert errors(f"{LINK}{definition} type Query {{ a: Int }}") == []


@pytest.mark.parametrize(
    "definition",
    [
        "directive @requires(fields: String!) on FIELD_DEFINITION | OBJECT",
        "directive @requires(fields: String!) repeatable on FIELD_DEFINITION",
        "directive @requires(fields: String) on FIELD_DEFINITION",
        "directive @requires on FIELD_DEFINITION",
        "directive @requires(fields: String!, more: Int) on FIELD_DEFINITION",
        "scalar Other directive @requires(fields: Other!) on FIELD_DEFINITION",
    ],
)
def test_an_own_definition_must_not_allow_more(definition: str) -> None:
    assert errors(f"{LINK}{definition} type Query {{ a: Int }}") == ["DIRECTIVE_DEFINITION_INVALID"]


def test_an_own_type_must_be_of_the_kind_of_the_specification() -> None:
    assert errors(f"{LINK}type federation__FieldSet {{ a: Int }} type Query {{ a: Int }}") == [
        "TYPE_DEFINITION_INVALID"
    ]


def test_inexact_definitions_of_federation_1_are_accepted() -> None:
    assert (
        errors('directive @key(fields: String) on OBJECT type Query { a: A } type A @key(fields: "x") { x: Int }') == []
    )


WRONG_LINK = 'extend schema @link(url: "https://specs.apollo.dev/federation/v2.3", import: ["@nope"]) '
CORE = '@link(url: "https://specs.apollo.dev/link/v1.0") '


@pytest.mark.parametrize(
    ("sdl", "expected"),
    [
        (f"{WRONG_LINK} type Query {{ a: Int }}", ["INVALID_LINK_DIRECTIVE_USAGE"]),
        (f"{WRONG_LINK}{CORE} type Query {{ a: Int @nope }}", ["INVALID_GRAPHQL", "INVALID_LINK_DIRECTIVE_USAGE"]),
        (f"{WRONG_LINK}{CORE} type Query {{ a: Nope }}", ["INVALID_GRAPHQL"]),
        (
            f"{WRONG_LINK}{CORE} type Query implements Nope {{ a: Int }}",
            ["INVALID_GRAPHQL", "INVALID_LINK_DIRECTIVE_USAGE"],
        ),
    ],
)
def test_unknown_names_are_reported_with_or_instead_of_a_wrong_link(sdl: str, expected: list[str]) -> None:
    assert errors(sdl) == expected


@pytest.mark.parametrize(
    "sdl",
    [
        "type Query { a: Nope }",
        "type Query { a: Int a: Int }",
        "type Query { a: Int @nope }",
        "type Query { __a: Int }",
        "interface I { x: Int } type Query implements I { a: Int }",
        "type Query { a: Int @deprecated(reason: 1) }",
        f'{LINK} type Query {{ a: Int @cost(weight: "1") }}',
    ],
)
def test_the_rules_of_graphql_apply(sdl: str) -> None:
    assert errors(sdl) == ["INVALID_GRAPHQL"]


@pytest.mark.parametrize("sdl", ["extend type A { x: Int }", "type A { x: Int }", "type Int { x: String }"])
def test_a_subgraph_needs_neither_a_query_root_nor_a_base_of_an_extension(sdl: str) -> None:
    assert errors(sdl) == []


def test_no_more_than_a_hundred_problems_are_listed() -> None:
    fields = " ".join(f"f{number}: Nope{number}" for number in range(200))
    assert len(errors(f"type Query {{ {fields} }}")) == 101


@pytest.mark.parametrize(
    ("sdl", "limit"),
    [
        ("#" * (MAX_CHARACTERS + 1), "characters"),
        ("a " * (MAX_TOKENS + 1), "tokens"),
        ("[" * (MAX_NESTING + 1), "nests"),
    ],
)
def test_a_limit_is_named(sdl: str, limit: str) -> None:
    assert limit in (exceeded_limit(sdl) or "")


@pytest.mark.parametrize("sdl", ["", "[]" * 1000, '"""[[[[""" "[[[" # [[[['])
def test_brackets_count_only_where_they_nest(sdl: str) -> None:
    assert exceeded_limit(sdl) is None


@pytest.mark.parametrize(
    ("link", "used", "advice"),
    [
        (
            'import: ["@key"]',
            "@shareable",
            'Add "@shareable" to the "import" of the @link to https://specs.apollo.dev/fed',
        ),
        ('import: ["@key"]', "@sharable", 'Did you mean @shareable? Add "@shareable" to the "import" of the @link to'),
        ('import: ["@shareable"]', "@sharable", "Did you mean @shareable?"),
        ('import: ["@key"]', "@cost(weight: 1)", "federation/v2.3 does not have @cost: link a newer version."),
        (None, "@shareable", 'It is a directive of Federation 2: extend schema @link(url: "https://specs.apollo.dev/'),
        (None, "@shareabl", "Did you mean @shareable? It is a directive of Federation 2: extend schema @link("),
        (None, "@nothingLikeIt", "Unknown directive '@nothingLikeIt'."),
    ],
)
def test_an_unknown_directive_comes_with_advice(link: str | None, used: str, advice: str) -> None:
    """Was: "Unknown directive" alone, with the advice that the subgraph's server should refuse the schema."""
    head = "" if link is None else f'extend schema @link(url: "https://specs.apollo.dev/federation/v2.3", {link})\n'
    report = Report()
    assert read_subgraph(Subgraph("a", "", f"{head}type Query {{ a: Int {used} }}"), report) is None
    (error,) = report.errors
    assert error.code == "INVALID_GRAPHQL"
    assert advice in error.message
