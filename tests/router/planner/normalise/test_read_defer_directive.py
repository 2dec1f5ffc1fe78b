"""The conditions and labels of `@defer` on fragments."""

from __future__ import annotations

import pytest
from graphql import FragmentSpreadNode, InlineFragmentNode

from router.planner.normalise.read_defer_directive import conditions, is_deferred, label_of
from tests.router.planner.normalise.operations import operation

Fragment = FragmentSpreadNode | InlineFragmentNode


def fragment(directives: str) -> Fragment:
    first = operation(f"query ($x: Boolean!) {{ ... {directives} {{ user {{ name }} }} }}").definition.selection_set
    (node,) = first.selections
    assert isinstance(node, Fragment)
    return node


@pytest.mark.parametrize(
    ("directives", "deferring", "expected"),
    [
        ("", frozenset(), False),
        ("@defer", None, False),
        ("@defer", frozenset(), True),
        ("@defer(if: false)", frozenset(), False),
        ("@defer(if: true)", frozenset(), True),
        ("@defer(if: $x)", frozenset(), False),
        ("@defer(if: $x)", frozenset({"x"}), True),
    ],
)
def test_a_fragment_is_deferred_while_its_condition_holds(
    directives: str, deferring: frozenset[str] | None, *, expected: bool
) -> None:
    assert is_deferred(fragment(directives), deferring) is expected


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("{ user { name } }", None),
        ("{ ... @defer(if: false) { user { name } } }", None),
        ("{ ... @defer { user { name } } }", []),
        (
            "query ($x: Boolean!) { ... @defer(if: $x) { user { ...F } } } fragment F on User { ... @defer { age } }",
            ["x"],
        ),
        (
            "query ($a: Boolean!, $b: Boolean!) { user { ... @defer(if: $b) { name ... @defer(if: $a) { age } } } }",
            ["b", "a"],
        ),
    ],
)
def test_the_variables_of_conditions_are_in_document_order(text: str, expected: list[str] | None) -> None:
    one = operation(text)
    assert conditions(one.definition, one.fragments) == expected


def test_the_label_is_the_clients() -> None:
    assert label_of(fragment('@defer(label: "more")')) == "more"
    assert label_of(fragment("@defer")) is None
    assert label_of(fragment("")) is None
