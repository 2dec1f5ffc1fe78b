"""Which fetches run one after the other, and which side by side."""

from __future__ import annotations

import pytest

from router.planner.batches import Batch
from router.planner.fetch.groups import FetchGroup
from router.planner.fetch.trees import Tree
from router.planner.linearise import AtOnce, InOrder, Schedule, groups_of, numbered, schedule, serial


def group(number: int, *after: int) -> FetchGroup:
    return FetchGroup(number, "s", (), (), Tree(), frozenset(after))


def shape(planned: Schedule | None) -> object:
    match planned:
        case None:
            return None
        case FetchGroup(number=number):
            return number
        case Batch(groups=groups):
            return tuple(entry.number for entry in groups)
        case InOrder(parts=parts):
            return [shape(part) for part in parts]
        case AtOnce(parts=parts):
            return {shape(part) if isinstance(part, FetchGroup) else str(shape(part)) for part in parts}


@pytest.mark.parametrize(
    ("groups", "expected"),
    [
        ([], None),
        ([group(0)], 0),
        ([group(0), group(1)], {0, 1}),
        ([group(0), group(1, 0), group(2, 1)], [0, 1, 2]),
        ([group(0), group(1, 0), group(2, 0)], [0, {1, 2}]),
        ([group(0), group(1, 0), group(2, 0), group(3, 1, 2)], [0, {1, 2}, 3]),
        ([group(0), group(1), group(2, 0)], {"[0, 2]", 1}),
        ([group(0), group(1), group(2, 0, 1)], [{0, 1}, 2]),
    ],
)
def test_groups_follow_those_they_wait_for(groups: list[FetchGroup], expected: object) -> None:
    assert shape(schedule(tuple(groups))) == expected


def test_what_follows_a_batch_waits_for_all_of_it() -> None:
    planned = schedule((group(0), group(1), Batch((group(2, 0), group(3, 1))), group(4, 3)))
    assert shape(planned) == [{0, 1}, (2, 3), 4]


def test_in_a_series_the_next_part_waits_for_all_before() -> None:
    first = schedule((group(0), group(1, 0)))
    second = schedule((group(0),))
    assert first is not None
    assert second is not None
    planned = serial([first, second])
    assert planned is not None
    assert [(entry.number, entry.after) for entry in groups_of(planned)] == [
        (0, frozenset()),
        (1, frozenset({0})),
        (2, frozenset({0, 1})),
    ]


def test_in_a_series_gaps_left_by_merged_groups_give_no_number_twice() -> None:
    planned = serial([InOrder((group(0), group(5, 0))), group(0), group(0)])
    assert planned is not None
    assert [entry.number for entry in groups_of(planned)] == [0, 1, 2, 3]


def test_numbers_follow_the_order_of_appearance() -> None:
    planned = schedule((group(7), group(3, 7)))
    assert planned is not None
    assert [(entry.number, entry.after) for entry in groups_of(numbered(planned))] == [
        (0, frozenset()),
        (1, frozenset({0})),
    ]
