"""`@skip` and `@include` as sets of guards."""

from __future__ import annotations

import random

import pytest
from graphql import FieldNode, OperationDefinitionNode, parse

from router.planner.normalise.skip_and_include_guards import ALWAYS, Guards, narrowed, weakest

X: Guards = frozenset({("x", True)})
NOT_X: Guards = frozenset({("x", False)})
XY: Guards = frozenset({("x", True), ("y", True)})


def field(text: str) -> FieldNode:
    operation = parse(f"{{ {text} }}").definitions[0]
    assert isinstance(operation, OperationDefinitionNode)
    node = operation.selection_set.selections[0]
    assert isinstance(node, FieldNode)
    return node


@pytest.mark.parametrize(
    ("text", "outer", "expected"),
    [
        ("a", ALWAYS, ALWAYS),
        ("a @include(if: $x)", ALWAYS, X),
        ("a @skip(if: $x)", ALWAYS, NOT_X),
        ("a @include(if: true) @skip(if: false)", X, X),
        ("a @include(if: false)", ALWAYS, None),
        ("a @skip(if: true)", ALWAYS, None),
        ("a @skip(if: $x)", X, None),
        ("a @include(if: $y)", X, XY),
    ],
)
def test_directives_narrow_guards(text: str, outer: Guards, expected: Guards | None) -> None:
    assert narrowed(outer, field(text).directives) == expected


@pytest.mark.parametrize(
    ("alternatives", "expected"),
    [([XY, X], [X]), ([X, XY], [X]), ([X, NOT_X], [X, NOT_X]), ([XY, ALWAYS, X], [ALWAYS]), ([], [])],
)
def test_only_the_weakest_alternatives_count(alternatives: list[Guards], expected: list[Guards]) -> None:
    assert weakest(alternatives) == expected


@pytest.mark.parametrize("seed", range(20))
def test_an_alternative_is_left_out_exactly_if_another_covers_it(seed: int) -> None:
    drawn = random.Random(seed)
    guards = [(name, truth) for name in "abcdef" for truth in (True, False)]
    alternatives = [frozenset(drawn.sample(guards, drawn.randint(1, 6))) for _ in range(drawn.randint(1, 40))]
    distinct = list(dict.fromkeys(alternatives))
    assert weakest(alternatives) == [one for one in distinct if not any(other < one for other in distinct)]
