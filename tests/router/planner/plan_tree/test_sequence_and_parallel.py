"""Which fetches run one after the other, and which at the same time."""

from __future__ import annotations

import pytest
from hypothesis import given

from router.planner.fetch.fetch_groups import FetchGroup
from router.planner.fetch.selection_trees import Tree
from router.planner.plan_tree.batch_entity_fetches import Batch, groups_in
from router.planner.plan_tree.sequence_and_parallel import AtOnce, InOrder, Schedule, schedule
from tests.router.oracle.choices import HypothesisChoices, chance, hypothesis_choices, subset


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
        pytest.param(
            [group(0), group(1), group(2, 0), group(3, 2), group(4, 0, 1)],
            [{0, 1}, {"[2, 3]", 4}],
            id="the last one does not wait for the chain behind the first",
        ),
        pytest.param(
            [group(0), group(1), group(2), group(3, 2), group(4, 3), group(5, 0, 1)],
            {"[{0, 1}, 5]", "[2, 3, 4]"},
            id="the last one does not wait for a chain that has nothing to do with it",
        ),
        pytest.param(
            [group(0), group(1), group(2, 0), group(3, 1, 2)],
            [{"[0, 2]", 1}, 3],
            id="followers stay with their group where that costs no depth",
        ),
    ],
)
def test_groups_follow_those_they_wait_for(groups: list[FetchGroup], expected: object) -> None:
    assert shape(schedule(tuple(groups))) == expected


def test_what_follows_a_batch_waits_for_all_of_it() -> None:
    planned = schedule((group(0), group(1), Batch((group(2, 0), group(3, 1))), group(4, 3)))
    assert shape(planned) == [{0, 1}, (2, 3), 4]


@given(hypothesis_choices())
def test_a_schedule_is_as_deep_as_the_longest_chain_of_waits(choices: HypothesisChoices) -> None:
    requests: list[FetchGroup | Batch] = []
    numbers: list[int] = []
    for _ in range(choices.number(1, 9)):
        groups = [
            group(len(numbers) + index, *(subset(choices, numbers)[:3] if numbers and chance(choices, 70) else ()))
            for index in range(2 if chance(choices, 20) else 1)
        ]
        numbers += [one.number for one in groups]
        requests.append(Batch(tuple(groups)) if len(groups) > 1 else groups[0])
    planned = schedule(tuple(requests))
    assert planned is not None
    begins = dict(begin_times(planned, 0))
    assert sorted(begins) == numbers
    for request in requests:
        own = {begins[number] for number in [one.number for one in groups_in(request)]}
        assert len(own) == 1
        assert own.pop() > max((begins[number] for number in request.after), default=-1)
    chain: dict[int, int] = {}
    for request in requests:
        length = 1 + max((chain[number] for number in request.after), default=0)
        chain |= {one.number: length for one in groups_in(request)}
    assert max(begins.values()) + 1 == max(chain.values())


def begin_times(planned: Schedule, begin: int) -> list[tuple[int, int]]:
    """The number of each group, and how many requests run before it."""
    match planned:
        case InOrder(parts=parts):
            times = []
            for part in parts:
                times += begin_times(part, begin)
                begin += length_of(part)
            return times
        case AtOnce(parts=parts):
            return [time for part in parts for time in begin_times(part, begin)]
        case Batch(groups=groups):
            return [(one.number, begin) for one in groups]
        case FetchGroup(number=number):
            return [(number, begin)]


def length_of(planned: Schedule) -> int:
    return 1 + max(time for _, time in begin_times(planned, 0))
