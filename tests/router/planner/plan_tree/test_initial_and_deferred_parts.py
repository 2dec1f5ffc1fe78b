"""Parts of the response: the numbers of their fetches, and the fetches that they wait for."""

from __future__ import annotations

from router.planner.fetch.fetch_groups import FetchGroup
from router.planner.fetch.selection_trees import Tree
from router.planner.plan_tree.batch_entity_fetches import one_by_one
from router.planner.plan_tree.initial_and_deferred_parts import in_turn, response_of


def group(number: int, *after: int) -> FetchGroup:
    return FetchGroup(number, "s", (), (), Tree(), frozenset(after))


def test_the_next_part_waits_for_all_before_by_way_of_the_last_of_them() -> None:
    turns = in_turn([(group(0), group(1, 0), group(2, 0)), (group(0),), (group(0),)])
    assert [(entry.number, entry.after) for turn in turns for entry in turn] == [
        (0, frozenset()),
        (1, frozenset({0})),
        (2, frozenset({0})),
        (3, frozenset({1, 2})),
        (4, frozenset({3})),
    ]


def test_gaps_left_by_merged_groups_give_no_number_twice() -> None:
    turns = in_turn([(group(0), group(5, 0)), (group(0),), (group(0),)])
    assert [entry.number for turn in turns for entry in turn] == [0, 1, 2, 3]


def test_numbers_follow_the_order_of_appearance() -> None:
    answer = response_of([(group(7), group(3), group(5, 7))], one_by_one, None, 10)
    assert [(entry.number, entry.after) for entry in answer.groups()] == [
        (10, frozenset()),
        (11, frozenset({10})),
        (12, frozenset()),
    ]
