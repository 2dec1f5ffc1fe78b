from __future__ import annotations

import pytest

from router.composition import Subgraph, compose
from router.composition.reading.schema_limits import MAX_CHARACTERS, MAX_NESTING
from tests.work import counted

LINK = (
    'extend schema @link(url: "https://specs.apollo.dev/federation/v2.11",'
    ' import: ["@key", "@shareable", "@requiresScopes"])\n'
)


MAX_CALLS = 5_000_000


@pytest.mark.parametrize(
    "sdl",
    [
        "#" * (MAX_CHARACTERS + 1),
        f"type Query {{ a: {'[' * (MAX_NESTING + 1)}Int{']' * (MAX_NESTING + 1)} }}",
        "type Query { a(x: Int = " + "[" * 100_000 + " }",
        "{" * 5_000,
        "\x00\ud800",
        '"""' * 333,
    ],
    ids=["10 MB", "nested lists", "nested values", "nested braces", "no characters", "quotes"],
)
def test_hostile_text_is_an_error_and_quickly_so(sdl: str) -> None:
    with counted(MAX_CALLS):
        composition = compose([Subgraph("a", "", sdl)])
    assert [error.code for error in composition.errors] == ["INVALID_GRAPHQL"]


def test_brackets_in_comments_and_descriptions_do_not_count() -> None:
    """And a quotation mark there begins no string, so that what follows is."""
    deep = "[" * (MAX_NESTING + 1)
    harmless = f'# "{deep}\n"{deep}\\"" type Query {{ """{deep} \\""" " """ a: Int }}'
    assert compose([Subgraph("a", "", harmless)]).errors == ()
    (error,) = compose([Subgraph("a", "", f"{harmless} type A {{ a: {deep}")]).errors
    assert "deep" in error.message


def test_quotation_marks_that_close_nothing_are_looked_at_once() -> None:
    """If each were searched again to the end of the text, this would take longer than a test may."""
    with counted(MAX_CALLS):
        composition = compose([Subgraph("a", "", r'"""' + r'\"""' * 500_000)])
    assert composition.errors


def test_a_deep_field_set_is_an_error() -> None:
    sdl = LINK + f'type Query {{ t: T }} type T @key(fields: "{"t {" * 2_000}id{"}" * 2_000}") {{ id: ID t: T }}'
    assert [error.code for error in compose([Subgraph("a", "", sdl)]).errors] == ["KEY_INVALID_FIELDS"]


def test_requirements_with_too_many_alternatives_are_an_error() -> None:
    def subgraph(name: str) -> Subgraph:
        scopes = ", ".join(f'["{name}{number}"]' for number in range(60))
        return Subgraph(name, "", LINK + f"type Query {{ a: Int @shareable @requiresScopes(scopes: [{scopes}]) }}")

    composition = compose(map(subgraph, "abcde"))
    assert [error.code for error in composition.errors] == ["UNSUPPORTED_FEATURE"]


def test_many_types_that_reach_each_other_by_many_keys_stay_quick() -> None:
    """Keys through keys through keys: the search is bounded by positions, not by paths."""

    def subgraph(index: int) -> Subgraph:
        types = [
            f'type T{t} @key(fields: "k{index}") @key(fields: "k{(index + 1) % 8}") {{ k{index}: ID @shareable '
            f"k{(index + 1) % 8}: ID @shareable f{index}: Int next{index}: T{(t + 1) % 12} }}"
            for t in range(12)
        ]
        return Subgraph(f"s{index}", "", LINK + f"type Query {{ q{index}: T0 }}\n" + "\n".join(types))

    with counted(MAX_CALLS):
        composition = compose(map(subgraph, range(8)))
    assert composition.errors == ()


CHAINED = (
    'extend schema @link(url: "https://specs.apollo.dev/federation/v2.11",'
    ' import: ["@external", "@key", "@requires", "@shareable"])\n'
)


@pytest.mark.parametrize(
    ("type_", "below", "first"),
    [
        ("Int", "", ""),
        ("V", " { x }", ""),
        ("I", " { x }", ""),
        ("Int", "", '@requires(fields: "missing") missing: Int @external'),
    ],
    ids=["leaves", "objects", "interfaces", "nothing to begin with"],
)
def test_chains_of_requirements_are_followed_once(type_: str, below: str, first: str) -> None:
    """Each requires the three before it, which require three each: there are some 3^30 ways to the first."""

    def subgraph(index: int) -> Subgraph:
        required = [f"f{number}" for number in range(max(0, index - 3), index)]
        external = " ".join(f"{name}: {type_} @external" for name in required)
        requires = (
            f'@requires(fields: "{" ".join(name + below for name in reversed(required))}")' if required else first
        )
        own = f'type T @key(fields: "id") {{ id: ID! {external} f{index}: {type_} {requires} }}'
        values = (
            "interface I { x: Int } type V implements I @shareable { x: Int } type W implements I @shareable { x: Int }"
        )
        # The last one is looked at first.
        return Subgraph(f"s{99 - index}", "", f"{CHAINED}{own} {values}")

    root = Subgraph("root", "", CHAINED + 'type Query { t: T } type T @key(fields: "id") { id: ID! }')
    unreached = Subgraph("unreached", "", CHAINED + "type T { missing: Int }")
    with counted(MAX_CALLS):
        composition = compose([root, *map(subgraph, range(33)), *([unreached] if first else ())])
    assert {error.code for error in composition.errors} == ({"SATISFIABILITY_ERROR"} if first else set())
