"""Splits fetch groups into the parts of the response: the initial part and the deferred parts (planning §3.19).

A mutation can have several drafts. Each has the fetch groups of some root fields. The drafts run one after the other.

A deferred fetch runs as soon as its inputs are fetched. Neither the initial response nor the next draft of a mutation
waits for a deferred fetch.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, TypeAlias

import msgspec
from msgspec.structs import replace

from router.plan import Defer, DeferDependency, DeferPrimary, DeferredPart
from router.planner.plan_tree.sequence_and_parallel import groups_of, in_order, plan_node, renumbered, schedule

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

    from router.plan import PlanNode
    from router.planner.fetch.fetch_groups import FetchGroup
    from router.planner.normalise.deferred_blocks import Block, DeferredBlocks, PartSelections
    from router.planner.plan_tree.batch_entity_fetches import PlannedRequest
    from router.planner.plan_tree.sequence_and_parallel import Join, Schedule, Write

Groups: TypeAlias = "tuple[FetchGroup, ...]"
Arrange: TypeAlias = Callable[["Groups"], "tuple[PlannedRequest, ...]"]


class ResponsePart(msgspec.Struct, frozen=True):
    """The fetches for the initial response, or for a deferred block.

    Attributes:
        first: The fetches for this part itself, None if there are none.
        later: The parts for the deferred blocks directly inside this part.
        block: The deferred block, None for the initial response.
    """

    first: Schedule | None
    later: tuple[ResponsePart, ...] = ()
    block: Block | None = None

    def groups(self) -> Iterator[FetchGroup]:
        """Yield the fetch groups of the part, in order of appearance."""
        if self.first is not None:
            yield from groups_of(self.first)
        for part in self.later:
            yield from part.groups()

    def renumbered(self, numbers: Mapping[int, int]) -> ResponsePart:
        """Return a copy of the part, with new numbers for its groups."""
        first = None if self.first is None else renumbered(self.first, numbers)
        return replace(self, first=first, later=tuple(part.renumbered(numbers) for part in self.later))


def in_turn(parts: Sequence[Groups]) -> tuple[Groups, ...]:
    """Return the groups of each draft, with new dependencies so that the drafts run one after the other.

    The groups get numbers that are unique in the plan. A group without dependencies in its own draft now waits for the
    earlier drafts, but not for their deferred groups.
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
        # The next draft waits only for the groups of this draft for which no other group waits. All other groups of
        # this draft run before one of these groups.
        earlier = frozenset(group.number for group in first).difference(*(group.after for group in first))
    return tuple(turns)


def _moved(group: FetchGroup, numbers: Mapping[int, int], earlier: frozenset[int]) -> FetchGroup:
    after = frozenset(numbers[number] for number in group.after)
    return replace(group, number=numbers[group.number], after=after or earlier)


def response_of(turns: Sequence[Groups], arrange: Arrange, blocks: DeferredBlocks | None, start: int) -> ResponsePart:
    """Return the initial part of the response, which contains the deferred parts.

    The groups get numbers in order of appearance, from `start`.
    """
    whole = _part(turns, _Layout(arrange, blocks), None)
    numbers = {group.number: start + index for index, group in enumerate(whole.groups())}
    is_in_order = all(before == after for before, after in numbers.items())
    return whole if is_in_order else whole.renumbered(numbers)


class _Layout(msgspec.Struct, frozen=True):
    """The arguments that all calls of `_part` share.

    `arrange` puts groups into requests. `blocks` has the deferred blocks of the operation.
    """

    arrange: Arrange
    blocks: DeferredBlocks | None


def _part(turns: Sequence[Groups], layout: _Layout, block: Block | None) -> ResponsePart:
    planned: list[Schedule] = []
    for turn in turns:
        own = tuple(group for group in turn if group.block is block)
        # The groups outside `own` that this part waits for. Such a group is in an earlier draft, or in a block around
        # this block.
        done = frozenset[int]().union(*(group.after for group in own)).difference(group.number for group in own)
        scheduled = schedule(layout.arrange(own), done)
        if scheduled is not None:
            planned.append(scheduled)
    inner = [] if layout.blocks is None else layout.blocks.inside(block)
    later = tuple(_part(turns, layout, one) for one in inner)
    return ResponsePart(in_order(*planned) if planned else None, later, block)


def response_node(part: ResponsePart, write: Write, join: Join, selected: PartSelections | None) -> PlanNode | None:
    """Return the plan node of a part.

    `selected` has the client's selections in this part, without the selections of the deferred blocks inside this part.
    """
    first = None if part.first is None else plan_node(part.first, write, join)
    if not part.later:
        return first
    text, selections = selected or (None, ())
    primary = DeferPrimary(text, first, selections)
    return Defer(primary, tuple(_deferred(inner, write, join) for inner in part.later))


def _deferred(part: ResponsePart, write: Write, join: Join) -> DeferredPart:
    block = part.block
    assert block is not None  # noqa: S101 - only the initial response has no block
    own = [] if part.first is None else list(groups_of(part.first))
    awaited = frozenset[int]().union(*(group.after for group in own)) - {group.number for group in own}
    text, selections = (None, ()) if part.later or block.selections is None else block.selections
    return DeferredPart(
        tuple(DeferDependency(number) for number in sorted(awaited)),
        block.label,
        block.path,
        text,
        response_node(part, write, join, block.selections),
        selections,
    )
