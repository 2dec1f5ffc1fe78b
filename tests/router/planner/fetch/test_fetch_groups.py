"""Fetch groups: the groups that each group waits for, and the inputs that one representation can have."""

from __future__ import annotations

from graphlib import CycleError

import pytest

from router.plan import InputField
from router.planner.fetch.fetch_groups import (
    FetchGroup,
    RepresentationInput,
    ancestors,
    can_share,
    in_waiting_order,
    sources_of,
    stages,
)
from router.planner.fetch.selection_trees import Tree
from router.planner.normalise.skip_and_include_guards import ALWAYS


def group(number: int, *after: int) -> FetchGroup:
    return FetchGroup(number, "s", (), (), Tree(), frozenset(after))


def reading(name: str, key: str, type_name: str = "T") -> RepresentationInput:
    """An input that reads field `name` from a response key."""
    return RepresentationInput(type_name, (InputField(key),), (ALWAYS,), (((name,), key),), (((name,), (ALWAYS,)),))


CHAIN = (group(0), group(1, 0), group(2), group(3, 1, 2))


def test_a_stage_is_the_longest_row_of_fetches_before_a_group() -> None:
    assert stages(CHAIN) == {0: 0, 1: 1, 2: 0, 3: 2}


def test_ancestors_are_all_groups_that_one_waits_for() -> None:
    assert ancestors(CHAIN)[3] == {0, 1, 2}
    assert ancestors(CHAIN)[0] == frozenset()


def test_groups_are_put_after_those_they_wait_for() -> None:
    ordered = [one.number for one in in_waiting_order((CHAIN[3], CHAIN[1], CHAIN[0], CHAIN[2]))]
    assert ordered.index(0) < ordered.index(1) < ordered.index(3)
    assert ordered.index(2) < ordered.index(3)
    with pytest.raises(CycleError):
        in_waiting_order((group(0, 1), group(1, 0)))


def test_one_representation_reads_a_field_from_one_key() -> None:
    same, other = reading("price", "price"), reading("price", "price__alias_0")
    assert sources_of([same, reading("price", "price", "U")]) == {("T", "price"): "price", ("U", "price"): "price"}
    assert sources_of([same, other]) is None
    assert can_share([same, same])
    assert not can_share([same, other])
