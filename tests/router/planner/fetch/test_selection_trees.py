"""Selection trees: a fetch selects each field once."""

from __future__ import annotations

import pytest

from router.planner.fetch.selection_trees import Tree, TreeField, merge_trees
from router.planner.normalise.skip_and_include_guards import ALWAYS, Guards

X: Guards = frozenset({("x", True)})
XY: Guards = X | {("y", False)}


def leaf(name: str, guards: Guards = ALWAYS) -> TreeField:
    return TreeField(name, name, name, (), guards)


def composite(below: Tree, guards: Guards = ALWAYS) -> TreeField:
    return TreeField("c", "c", "c", (), guards, below)


def under(guards: Guards, *names: str) -> Tree:
    return Tree((composite(Tree(tuple(leaf(name, guards) for name in names)), guards),))


def test_trees_unite_field_by_field_at_every_level() -> None:
    merged = merge_trees(under(ALWAYS, "a"), under(ALWAYS, "b"))
    assert merged == under(ALWAYS, "a", "b")


def test_a_tree_that_adds_nothing_leaves_the_first_as_it_is() -> None:
    first = under(ALWAYS, "a", "b")
    assert merge_trees(first, under(ALWAYS, "b")) is first


@pytest.mark.parametrize("conditional", [under(X, "a"), under(XY, "b", "a"), Tree((leaf("d", X),))])
def test_what_is_always_selected_is_not_selected_again_under_a_condition(conditional: Tree) -> None:
    first = Tree((*under(ALWAYS, "a", "b").fields, leaf("d")))
    assert merge_trees(first, conditional) is first
    assert set(merge_trees(conditional, first).fields) == set(first.fields)


@pytest.mark.parametrize(
    ("first", "second"),
    [
        pytest.param(under(ALWAYS, "a"), under(X, "b"), id="another field"),
        pytest.param(under(X, "a"), under(frozenset({("y", False)}), "a"), id="another condition"),
        pytest.param(
            under(ALWAYS, "a"),
            Tree((composite(Tree(is_abstract=True), X),)),
            id="the type, which the first does not ask",
        ),
        pytest.param(
            under(ALWAYS, "a"), Tree((composite(Tree((), (("T", Tree((leaf("a", X),))),)), X),)), id="a type condition"
        ),
        pytest.param(
            Tree((composite(Tree((leaf("a", X),))),)),
            Tree((composite(Tree((leaf("a", XY), leaf("b", XY))), XY),)),
            id="a field the first asks for, and one it does not",
        ),
    ],
)
def test_what_may_not_be_there_otherwise_is_kept(first: Tree, second: Tree) -> None:
    assert {*first.fields, *second.fields} == set(merge_trees(first, second).fields)
