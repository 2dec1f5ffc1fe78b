"""When the fetches of an operation run, and what of the answer they are for.

The parts of a mutation follow one another. What is deferred is fetched when what it is read from is there, and keeps
nothing waiting: neither what comes first, nor the next part of a mutation.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, TypeAlias

from router.plan import Defer, DeferDependency, DeferPrimary, DeferredPart
from router.planner.plan_tree.linearise import groups_of, in_order, plan_node, renumbered, schedule

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

    from router.plan import PlanNode
    from router.planner.fetch.groups import FetchGroup
    from router.planner.normalise.deferred_blocks import Block, DeferredBlocks
    from router.planner.plan_tree.batching import PlannedRequest
    from router.planner.plan_tree.linearise import Join, Schedule, Write

Groups: TypeAlias = "tuple[FetchGroup, ...]"
Arrange: TypeAlias = Callable[["Groups"], "tuple[PlannedRequest, ...]"]


@dataclass(frozen=True, slots=True)
class ResponsePart:
    """The fetches for an answer, or for the deferred `block` of one; `later` are the blocks in it."""

    first: Schedule | None
    later: tuple[ResponsePart, ...] = ()
    block: Block | None = None

    def groups(self) -> Iterator[FetchGroup]:
        """In order of appearance."""
        if self.first is not None:
            yield from groups_of(self.first)
        for answer in self.later:
            yield from answer.groups()

    def renumbered(self, numbers: Mapping[int, int]) -> ResponsePart:
        first = None if self.first is None else renumbered(self.first, numbers)
        return replace(self, first=first, later=tuple(answer.renumbered(numbers) for answer in self.later))


def in_turn(parts: Sequence[Groups]) -> tuple[Groups, ...]:
    """Parts that follow one another, numbered as one.

    What can start at once in a part waits for everything in those before, except for what they defer.
    """
    if len(parts) == 1:
        return tuple(parts)
    turns: list[Groups] = []
    offset = 0
    earlier: frozenset[int] = frozenset()
    for part in parts:
        numbers = {group.number: offset + index for index, group in enumerate(part)}
        turn = tuple(_moved(group, numbers, earlier) for group in part)
        turns.append(turn)
        offset += len(turn)
        first = [group for group in turn if group.block is None]
        # The others among them are waited for by these.
        earlier = frozenset(group.number for group in first).difference(*(group.after for group in first))
    return tuple(turns)


def _moved(group: FetchGroup, numbers: Mapping[int, int], earlier: frozenset[int]) -> FetchGroup:
    after = frozenset(numbers[number] for number in group.after)
    return replace(group, number=numbers[group.number], after=after or earlier)


def response_of(turns: Sequence[Groups], arrange: Arrange, blocks: DeferredBlocks | None, start: int) -> ResponsePart:
    """The answer that groups make, numbered from `start` in order of appearance."""
    answer = _answer(turns, (arrange, blocks), None)
    numbers = {group.number: start + index for index, group in enumerate(answer.groups())}
    is_in_order = all(before == after for before, after in numbers.items())
    return answer if is_in_order else answer.renumbered(numbers)


def _answer(
    turns: Sequence[Groups],
    how: tuple[Arrange, DeferredBlocks | None],
    block: Block | None,
) -> ResponsePart:
    arrange, blocks = how
    planned: list[Schedule] = []
    for turn in turns:
        own = tuple(group for group in turn if group.block is block)
        # What is waited for and not among them is of another turn, or of a block around this one.
        done = frozenset[int]().union(*(group.after for group in own)).difference(group.number for group in own)
        part = schedule(arrange(own), done)
        if part is not None:
            planned.append(part)
    inner = [] if blocks is None else blocks.inside(block)
    later = tuple(_answer(turns, how, one) for one in inner)
    return ResponsePart(in_order(*planned) if planned else None, later, block)


def response_node(answer: ResponsePart, write: Write, join: Join, selections: str | None) -> PlanNode | None:
    """The answer as a node; `selections` are the client's that come first."""
    first = None if answer.first is None else plan_node(answer.first, write, join)
    if not answer.later:
        return first
    return Defer(DeferPrimary(selections, first), tuple(_deferred(part, write, join) for part in answer.later))


def _deferred(answer: ResponsePart, write: Write, join: Join) -> DeferredPart:
    block = answer.block
    assert block is not None  # noqa: S101 - only the whole answer has none
    own = [] if answer.first is None else list(groups_of(answer.first))
    awaited = frozenset[int]().union(*(group.after for group in own)) - {group.number for group in own}
    return DeferredPart(
        tuple(DeferDependency(number) for number in sorted(awaited)),
        block.label,
        block.path,
        None if answer.later else block.selections,
        response_node(answer, write, join, block.selections),
    )
