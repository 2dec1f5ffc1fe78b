"""Which fetches run one after the other, and which at the same time."""

from __future__ import annotations

import pytest

from router.planner.fetch.fetch_groups import FetchGroup
from router.planner.fetch.selection_trees import Tree
from router.planner.plan_tree.batching import Batch
from router.planner.plan_tree.sequence_and_parallel import AtOnce, InOrder, Schedule, schedule


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
