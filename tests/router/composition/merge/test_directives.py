"""The directives of the merged schema, and the links and join directives around them.

Covers `router/composition/merge/applied_directives.py`, `router/composition/merge/directive_argument_mergers.py`,
`router/composition/merge/compose_directive.py`, `router/composition/merge/supergraph_directives_and_links.py`,
`router/composition/merge/join_directives.py`, `router/composition/merge/auth_propagation.py`,
`router/composition/merge/combine_auth_requirements.py` and `router/composition/supergraph_printer.py`.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
from graphql.language import print_ast

from router.composition import Composition, Subgraph, compose
from router.composition.merge.combine_auth_requirements import (
    TooManyAlternativesError,
    as_lists,
    conjunction,
    implies,
    requirement,
)
from tests.router.composition.schemas import codes, composed, merged

if TYPE_CHECKING:
    from router.composition.model import Element

QUERY = "type Query { q: Int @shareable } "


def directives(element: Element, name: str) -> list[str]:
    return [
        ", ".join(f"{argument}: {print_ast(value)}" for argument, value in applied.arguments.items())
        for applied in element.directives
        if applied.name == name
    ]


def test_distinct_applications_of_a_repeatable_directive_are_all_kept() -> None:
    state = merged(*(f'type Query @tag(name: "{tag}") {{ q: Int @shareable }}' for tag in "xyx"))
    assert directives(state.supergraph.types["Query"], "tag") == ['name: "x"', 'name: "y"']


@pytest.mark.parametrize(
    ("applied", "expected", "code"),
    [
        (["@cost(weight: 1)", "@cost(weight: 3)"], "weight: 3", "MERGED_NON_REPEATABLE_DIRECTIVE_ARGUMENTS"),
        (
            ['@requiresScopes(scopes: [["a"], ["b"]])', '@requiresScopes(scopes: [["c"]])'],
            'scopes: [["a", "c"], ["b", "c"]]',
            "MERGED_NON_REPEATABLE_DIRECTIVE_ARGUMENTS",
        ),
        (
            ['@deprecated(reason: "x")', '@deprecated(reason: "y")', '@deprecated(reason: "y")'],
            'reason: "y"',
            "INCONSISTENT_NON_REPEATABLE_DIRECTIVE_ARGUMENTS",
        ),
    ],
)
def test_different_arguments_are_combined_or_the_most_common_win(applied: list[str], expected: str, code: str) -> None:
    state = merged(*(f"type Query {{ q: Int @shareable {each} }}" for each in applied))
    name = applied[0][1:].partition("(")[0]
    assert directives(state.supergraph.types["Query"].fields["q"], name) == [expected]
    assert codes(state.report) == [code]


def test_list_sizes_are_combined_argument_by_argument() -> None:
    state = merged(
        'type Query { q(a: Int, b: Int): [Int] @shareable @listSize(assumedSize: 2, slicingArguments: ["a"]) }',
        "type Query { q(a: Int, b: Int): [Int] @shareable"
        ' @listSize(slicingArguments: ["b"], requireOneSlicingArgument: false) }',
    )
    (found,) = state.supergraph.types["Query"].fields["q"].applied("listSize")
    assert {name: print_ast(value) for name, value in found.arguments.items()} == {
        "assumedSize": "2",
        "slicingArguments": '["a", "b"]',
        "requireOneSlicingArgument": "false",
    }


def test_requirements_reach_interfaces_and_implementations() -> None:
    state = merged(
        QUERY + "interface I { x: Int } type A implements I { x: Int @authenticated } type B implements I { x: Int }"
    )
    assert directives(state.supergraph.types["I"].fields["x"], "authenticated") == [""]


def test_requirements_are_combined_in_the_fewest_alternatives() -> None:
    one, other = requirement([["a"], ["b"]]), requirement([["a", "c"], ["a"]])
    assert as_lists(conjunction([one, other])) == [["a"]]
    assert as_lists(conjunction([one, frozenset()])) == [["a"], ["b"]]
    assert requirement(None) == frozenset()
    assert requirement(["a"]) == {frozenset({"a"})}


def test_a_requirement_implies_what_each_of_its_alternatives_contains() -> None:
    strong, weak = requirement([["a", "b"]]), requirement([["a"], ["c"]])
    assert implies(strong, weak)
    assert not implies(weak, strong)
    assert implies(weak, frozenset())
    assert not implies(frozenset(), weak)


def test_too_many_alternatives_are_an_error() -> None:
    many = [requirement([[f"{letter}{number}"] for number in range(40)]) for letter in "ab"]
    with pytest.raises(TooManyAlternativesError):
        conjunction(many)


def test_a_join_field_is_written_where_subgraphs_differ() -> None:
    state = merged(
        QUERY + 'type T @key(fields: "x") { x: Int y: Int z: Int @shareable }',
        QUERY + 'type T @key(fields: "x") { x: Int z: Int! @shareable }',
    )
    fields = state.supergraph.types["T"].fields
    assert {name: directives(member, "join__field") for name, member in fields.items()} == {
        "x": [],
        "y": ["graph: A"],
        "z": ['graph: A, type: "Int"', 'graph: B, type: "Int!"'],
    }


def test_each_key_and_each_subgraph_without_one_has_a_join_type() -> None:
    state = merged(
        QUERY + 'type T @key(fields: "x") @key(fields: "y", resolvable: false) { x: Int y: Int }',
        QUERY + "type T { x: Int @shareable }",
    )
    assert directives(state.supergraph.types["T"], "join__type") == [
        'graph: A, key: "x"',
        'graph: A, key: "y", resolvable: false',
        "graph: B",
    ]


CUSTOM = (
    'extend schema @link(url: "https://specs.apollo.dev/federation/v2.3", import: ["@composeDirective", "@shareable"])'
    ' @link(url: "https://specs.test/mine/v1.{minor}", import: ["@{name}"]) @composeDirective(name: "{composed}")'
    " directive @{name} on FIELD_DEFINITION "
)


def with_custom(*links: str) -> Composition:
    return compose(
        Subgraph(name, "", link + "type Query { q: Int @shareable }") for name, link in zip("abc", links, strict=False)
    )


def custom(name: str = "mine", composed: str | None = None, minor: int = 0) -> str:
    composed = f"@{name}" if composed is None else composed
    return CUSTOM.replace("{name}", name).replace("{composed}", composed).replace("{minor}", str(minor))


def test_a_custom_directive_is_linked_in_its_newest_version() -> None:
    composition = with_custom(custom(), custom(minor=2))
    assert composition.errors == ()
    assert '@link(url: "https://specs.test/mine/v1.2"' in (composition.supergraph_sdl or "")
    assert "directive @mine on FIELD_DEFINITION" in (composition.supergraph_sdl or "")


@pytest.mark.parametrize("composed", ["mine", "@nope", "", "@federation__key"])
def test_a_directive_that_cannot_be_composed_is_an_error(composed: str) -> None:
    assert {error.code for error in with_custom(custom(composed=composed)).errors} == {"DIRECTIVE_COMPOSITION_ERROR"}


def test_a_name_must_be_the_same_in_all_subgraphs() -> None:
    link = 'extend schema @link(url: "https://specs.apollo.dev/federation/v2.3", import: ["@shareable", {}]) '
    composition = with_custom(
        link.replace("{}", '{name: "@tag", as: "@label"}') + 'extend type Query { x: Int @label(name: "x") }',
        link.replace("{}", '"@tag"') + 'extend type Query { y: Int @tag(name: "x") }',
    )
    assert {error.code for error in composition.errors} == {"LINK_IMPORT_NAME_MISMATCH"}


def test_a_supergraph_prints_in_alphabetical_order() -> None:
    composition = composed("type Query { q: b } type b { x: Int } type a { x: Int }")
    sdl = composition.supergraph_sdl or ""
    assert sdl.index("type a") < sdl.index("type b") < sdl.index("type Query")
    assert sdl.startswith("schema\n  @link(")
    assert sdl.endswith("}\n")
